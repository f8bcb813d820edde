import { Group, Stack } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { read } from '../../data/queries.ts';
import { useSession } from '../../data/session.ts';
import { CommandBox } from '../../parts/command-box.tsx';
import { EmptyState } from '../../parts/empty-state.tsx';
import { pageQuery } from '../../parts/list-search.ts';
import { OpenButton } from '../../parts/open-button.tsx';
import { PageHeader } from '../../parts/page-header.tsx';
import { Pager } from '../../parts/pager.tsx';
import { Panel } from '../../parts/panel.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { SearchField } from '../../parts/search-field.tsx';
import { BuildsPanel } from './builds-panel.tsx';
import { DraftDialog } from './draft-dialog.tsx';
import { ModelTable } from './model-table.tsx';

const route = getRouteApi('/shell/models');

export function ModelsPage() {
  const { page, search } = route.useSearch();
  const navigate = route.useNavigate();
  const { may } = useSession();
  const [isDrafting, drafting] = useDisclosure(false);
  const models = useQuery({ ...read('listModels', { query: { ...pageQuery(page), search } }), placeholderData: keepPreviousData });
  return (
    <>
      <PageHeader
        title="Models"
        note="Immutable versions, signed by a publisher, and the artefacts that the fleet built of them."
        actions={may('operator') && <OpenButton onOpen={drafting.open}>Add a version</OpenButton>}
      />
      <Panel
        title="Versions"
        flush
        actions={
          <Group>
            <SearchField
              label="Search name"
              value={search}
              onSearch={(next) => void navigate({ search: { search: next }, replace: true })}
            />
          </Group>
        }
      >
        <QueryView query={models} heightPx={320}>
          {({ items, total, limit, offset }) =>
            items.length === 0 ? (
              <EmptyState title={search === undefined ? 'No model yet' : 'No model fits'}>
                {search === undefined && (
                  <Stack gap="xs" ta="start">
                    <CommandBox
                      label="Push one from a terminal that holds the publisher key:"
                      command="starling model push model.onnx --name my-model --version 1.0.0 --card card.yaml"
                    />
                  </Stack>
                )}
              </EmptyState>
            ) : (
              <>
                <ModelTable models={items} />
                <Pager
                  {...{ total, limit, offset }}
                  what="versions"
                  onPage={(next) => void navigate({ search: (before) => ({ ...before, page: next }) })}
                />
              </>
            )
          }
        </QueryView>
      </Panel>
      <BuildsPanel />
      {isDrafting && <DraftDialog onClose={drafting.close} />}
    </>
  );
}
