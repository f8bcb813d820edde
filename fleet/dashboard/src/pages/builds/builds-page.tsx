import { Group, NativeSelect, Stack } from '@mantine/core';
import { buildMethodSchema, buildStateSchema } from '@starling/shared';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { read } from '../../data/queries.ts';
import { EmptyState } from '../../parts/empty-state.tsx';
import { pageQuery } from '../../parts/list-search.ts';
import { PageHeader } from '../../parts/page-header.tsx';
import { Pager } from '../../parts/pager.tsx';
import { Panel } from '../../parts/panel.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { methodWords } from '../../parts/recipe-words.ts';
import { BuildDrawer } from './build-drawer.tsx';
import { BuildTable } from './build-table.tsx';

const route = getRouteApi('/shell/builds');
const ALL = '';

/** What the fleet builds, has built and could not build. */
export function BuildsPage() {
  const { page, model, state, method, build } = route.useSearch();
  const navigate = route.useNavigate();
  const query = { ...pageQuery(page), model, state, method };
  const builds = useQuery({ ...read('listBuilds', { query }), placeholderData: keepPreviousData });
  const open = (next: string | undefined): void => void navigate({ search: (before) => ({ ...before, build: next }), replace: true });
  return (
    <>
      <PageHeader
        title="Builds"
        note="One recipe for one model version each, in worker processes of the fleet. The list moves by itself."
      />
      <Panel title="All builds" flush>
        <Stack gap={0}>
          <BuildFilters />
          <QueryView query={builds} heightPx={420}>
            {({ items, total, limit, offset }) =>
              items.length === 0 ? (
                <EmptyState title={model === undefined && state === undefined && method === undefined ? 'No build yet' : 'No build fits'}>
                  Every model version that is pushed is built in the precisions that devices can use.
                </EmptyState>
              ) : (
                <>
                  <BuildTable builds={items} onOpen={open} />
                  <Pager
                    {...{ total, limit, offset }}
                    what="builds"
                    onPage={(next) => void navigate({ search: (before) => ({ ...before, page: next }) })}
                  />
                </>
              )
            }
          </QueryView>
        </Stack>
      </Panel>
      {build !== undefined && <BuildDrawer id={build} onClose={() => open(undefined)} />}
    </>
  );
}

/** By what the list is narrowed; it stands in the address. */
function BuildFilters() {
  const { model, state, method } = route.useSearch();
  const navigate = route.useNavigate();
  const models = useQuery(read('listModels', { query: { limit: 200 } }));
  return (
    <Group gap="sm" px="md" pb="xs">
      <NativeSelect
        label="Model"
        data={[
          { value: ALL, label: 'All models' },
          ...(models.data?.items ?? []).map(({ digest, name, version }) => ({ value: digest, label: `${name} ${version}` })),
        ]}
        value={model ?? ALL}
        onChange={({ currentTarget: { value } }) =>
          void navigate({ search: { state, method, model: value === ALL ? undefined : value }, replace: true })
        }
      />
      <NativeSelect
        label="State"
        data={[{ value: ALL, label: 'Every state' }, ...buildStateSchema.options]}
        value={state ?? ALL}
        onChange={({ currentTarget: { value } }) =>
          void navigate({ search: { model, method, state: buildStateSchema.safeParse(value).data }, replace: true })
        }
      />
      <NativeSelect
        label="Method"
        data={[
          { value: ALL, label: 'Every method' },
          ...buildMethodSchema.options.map((each) => ({ value: each, label: methodWords[each] })),
        ]}
        value={method ?? ALL}
        onChange={({ currentTarget: { value } }) =>
          void navigate({ search: { model, state, method: buildMethodSchema.safeParse(value).data }, replace: true })
        }
      />
    </Group>
  );
}
