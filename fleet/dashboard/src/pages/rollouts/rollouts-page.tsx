import { Group, NativeSelect, Stack } from '@mantine/core';
import { rolloutStateSchema } from '@starling/shared';
import { IconPlus } from '@tabler/icons-react';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { read } from '../../data/queries.ts';
import { useSession } from '../../data/session.ts';
import { CommandBox } from '../../parts/command-box.tsx';
import { EmptyState } from '../../parts/empty-state.tsx';
import { ButtonLink } from '../../parts/link.tsx';
import { pageQuery } from '../../parts/list-search.ts';
import { PageHeader } from '../../parts/page-header.tsx';
import { Pager } from '../../parts/pager.tsx';
import { Panel } from '../../parts/panel.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { RolloutTable } from './rollout-table.tsx';
import { StopAllButton } from './stop-all-button.tsx';

const route = getRouteApi('/shell/rollouts');
const ALL = '';

export function RolloutsPage() {
  const { page, state } = route.useSearch();
  const navigate = route.useNavigate();
  const { may } = useSession();
  const rollouts = useQuery({ ...read('listRollouts', { query: { ...pageQuery(page), state } }), placeholderData: keepPreviousData });
  return (
    <>
      <PageHeader
        title="Rollouts"
        note="Devices come to another release in waves, watched between them, and go back by themselves where it is a bad one."
        actions={
          may('operator') && (
            <>
              <StopAllButton />
              <ButtonLink to="/rollouts/new" leftSection={<IconPlus size={16} aria-hidden />}>
                New rollout
              </ButtonLink>
            </>
          )
        }
      />
      <Panel title="All rollouts" flush>
        <Stack gap={0}>
          <Group gap="sm" px="md" pb="xs">
            <NativeSelect
              label="State"
              data={[{ value: ALL, label: 'Every state' }, ...rolloutStateSchema.options]}
              value={state ?? ALL}
              onChange={({ currentTarget: { value } }) =>
                void navigate({ search: { state: rolloutStateSchema.safeParse(value).data }, replace: true })
              }
            />
          </Group>
          <QueryView query={rollouts} heightPx={320}>
            {({ items, total, limit, offset }) =>
              items.length === 0 ? (
                <EmptyState title={state === undefined ? 'No rollout yet' : 'No rollout is in this state'}>
                  {state === undefined && <CommandBox label="Or from a terminal:" command="starling rollout create -f rollout.yaml" />}
                </EmptyState>
              ) : (
                <>
                  <RolloutTable rollouts={items} />
                  <Pager
                    {...{ total, limit, offset }}
                    what="rollouts"
                    onPage={(next) => void navigate({ search: (before) => ({ ...before, page: next }) })}
                  />
                </>
              )
            }
          </QueryView>
        </Stack>
      </Panel>
    </>
  );
}
