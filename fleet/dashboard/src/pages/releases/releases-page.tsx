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
import { ProposalsPanel } from '../choices/proposals-panel.tsx';
import { ComposeDialog } from './compose-dialog.tsx';
import { ReleaseTable } from './release-table.tsx';

const route = getRouteApi('/shell/releases');

export function ReleasesPage() {
  const { page, search } = route.useSearch();
  const navigate = route.useNavigate();
  const { may } = useSession();
  const [isComposing, composing] = useDisclosure(false);
  const releases = useQuery({ ...read('listReleases', { query: { ...pageQuery(page), search } }), placeholderData: keepPreviousData });
  return (
    <>
      <PageHeader
        title="Releases"
        note="A pipeline, the model versions that run in it, and what may leave the device: pinned, signed, immutable."
        actions={may('operator') && <OpenButton onOpen={composing.open}>Compose a release</OpenButton>}
      />
      <Panel
        title="All releases"
        flush
        actions={
          <SearchField label="Search name" value={search} onSearch={(next) => void navigate({ search: { search: next }, replace: true })} />
        }
      >
        <QueryView query={releases} heightPx={320}>
          {({ items, total, limit, offset }) =>
            items.length === 0 ? (
              <EmptyState title={search === undefined ? 'No release yet' : 'No release fits'}>
                {search === undefined && (
                  <CommandBox
                    label="Make one from a terminal that holds the publisher key:"
                    command="starling release create my-release --pipeline my-pipeline"
                  />
                )}
              </EmptyState>
            ) : (
              <>
                <ReleaseTable releases={items} />
                <Pager
                  {...{ total, limit, offset }}
                  what="releases"
                  onPage={(next) => void navigate({ search: (before) => ({ ...before, page: next }) })}
                />
              </>
            )
          }
        </QueryView>
      </Panel>
      <ProposalsPanel />
      {isComposing && <ComposeDialog onClose={composing.close} />}
    </>
  );
}
