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
import { SearchField } from '../../parts/search-field.tsx';
import { PipelineTable } from './pipeline-table.tsx';

const route = getRouteApi('/shell/pipelines');

export function PipelinesPage() {
  const { page, search } = route.useSearch();
  const navigate = route.useNavigate();
  const { may } = useSession();
  const pipelines = useQuery({ ...read('listPipelines', { query: { ...pageQuery(page), search } }), placeholderData: keepPreviousData });
  return (
    <>
      <PageHeader
        title="Pipelines"
        note="Dataflow graphs over models and operators, checked before a device ever sees them."
        actions={
          may('operator') && (
            <ButtonLink to="/pipelines/new" leftSection={<IconPlus size={16} aria-hidden />}>
              New pipeline
            </ButtonLink>
          )
        }
      />
      <Panel
        title="Versions"
        flush
        actions={
          <SearchField label="Search name" value={search} onSearch={(next) => void navigate({ search: { search: next }, replace: true })} />
        }
      >
        <QueryView query={pipelines} heightPx={320}>
          {({ items, total, limit, offset }) =>
            items.length === 0 ? (
              <EmptyState title={search === undefined ? 'No pipeline yet' : 'No pipeline fits'}>
                {search === undefined && (
                  <CommandBox
                    label="Push one from a terminal that holds the publisher key:"
                    command="starling pipeline push pipeline.yaml"
                  />
                )}
              </EmptyState>
            ) : (
              <>
                <PipelineTable pipelines={items} />
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
    </>
  );
}
