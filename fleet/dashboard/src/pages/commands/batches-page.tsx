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
import { BatchTable } from './batch-table.tsx';

const route = getRouteApi('/shell/commands');

/** Commands that went to many devices, and what came of them. */
export function BatchesPage() {
  const { page } = route.useSearch();
  const navigate = route.useNavigate();
  const { may } = useSession();
  const batches = useQuery({ ...read('listCommandBatches', { query: pageQuery(page) }), placeholderData: keepPreviousData });
  return (
    <>
      <PageHeader
        title="Commands"
        note="One command for many devices, a few at a time. It stops by itself where too many fail."
        actions={
          may('operator') && (
            <ButtonLink to="/commands/new" leftSection={<IconPlus size={16} aria-hidden />}>
              New command
            </ButtonLink>
          )
        }
      />
      <Panel title="Sent to many devices" flush>
        <QueryView query={batches} heightPx={320}>
          {({ items, total, limit, offset }) =>
            items.length === 0 ? (
              <EmptyState title="None was sent yet">
                <CommandBox label="Or from a terminal:" command={`starling command send ping --select 'site == "north"' --yes`} />
              </EmptyState>
            ) : (
              <>
                <BatchTable batches={items} />
                <Pager
                  {...{ total, limit, offset }}
                  what="commands"
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
