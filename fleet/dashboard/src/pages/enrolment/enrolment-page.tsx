import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { read } from '../../data/queries.ts';
import { useSession } from '../../data/session.ts';
import { EmptyState } from '../../parts/empty-state.tsx';
import { pageQuery } from '../../parts/list-search.ts';
import { PageHeader } from '../../parts/page-header.tsx';
import { Pager } from '../../parts/pager.tsx';
import { Panel } from '../../parts/panel.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { AddDevicePanel } from './add-device-panel.tsx';
import { TokenTable } from './token-table.tsx';

const route = getRouteApi('/shell/enrolment');

export function EnrolmentPage() {
  const { may } = useSession();
  return (
    <>
      <PageHeader title="Enrolment" note="A claim token lets a device in: it names this fleet, says whom to trust, and wears out." />
      {may('operator') ? (
        <>
          <AddDevicePanel />
          <TokensPanel />
        </>
      ) : (
        <EmptyState title="This needs the role operator">Ask an admin of the fleet.</EmptyState>
      )}
    </>
  );
}

function TokensPanel() {
  const { page } = route.useSearch();
  const navigate = route.useNavigate();
  const tokens = useQuery({ ...read('listClaimTokens', { query: pageQuery(page) }), placeholderData: keepPreviousData });
  return (
    <Panel title="Claim tokens" flush>
      <QueryView query={tokens} heightPx={240}>
        {({ items, total, limit, offset }) =>
          items.length === 0 ? (
            <EmptyState title="No token yet">Make one above.</EmptyState>
          ) : (
            <>
              <TokenTable tokens={items} />
              <Pager {...{ total, limit, offset }} what="tokens" onPage={(next) => void navigate({ search: { page: next } })} />
            </>
          )
        }
      </QueryView>
    </Panel>
  );
}
