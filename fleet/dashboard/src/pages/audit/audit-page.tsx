import { Table } from '@mantine/core';
import type { AuditEntry } from '@starling/shared';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useDeviceNames } from '../../data/device-names.ts';
import { read } from '../../data/queries.ts';
import { useSession } from '../../data/session.ts';
import { actionWords, isAboutDevice, shortenDigests } from '../../parts/audit-words.ts';
import { EmptyState } from '../../parts/empty-state.tsx';
import { TextLink } from '../../parts/link.tsx';
import { pageQuery } from '../../parts/list-search.ts';
import { ExactMoment } from '../../parts/moment.tsx';
import { PageHeader } from '../../parts/page-header.tsx';
import { Pager } from '../../parts/pager.tsx';
import { Panel } from '../../parts/panel.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { SearchField } from '../../parts/search-field.tsx';
import { WideTable } from '../../parts/wide-table.tsx';

const route = getRouteApi('/shell/audit');
const PAGE_ENTRIES = 50;

export function AuditPage() {
  const { may } = useSession();
  return (
    <>
      <PageHeader title="Audit" note="Who changed what. An entry is written with its change, or neither is." />
      {may('operator') ? <Entries /> : <EmptyState title="This needs the role operator">Ask an admin of the fleet.</EmptyState>}
    </>
  );
}

function Entries() {
  const { page, search } = route.useSearch();
  const navigate = route.useNavigate();
  const entries = useQuery({
    ...read('listAudit', { query: { ...pageQuery(page, PAGE_ENTRIES), search } }),
    placeholderData: keepPreviousData,
  });
  return (
    <Panel
      title="Changes"
      flush
      actions={
        <SearchField
          label="Search person, action or subject"
          value={search}
          onSearch={(next) => void navigate({ search: { search: next }, replace: true })}
          width={300}
        />
      }
    >
      <QueryView query={entries} heightPx={520}>
        {({ items, total, limit, offset }) =>
          items.length === 0 ? (
            <EmptyState title={search === undefined ? 'Nothing has changed yet' : 'No change fits'} />
          ) : (
            <>
              <WideTable label="Changes" stacks fz="sm">
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>Time</Table.Th>
                    <Table.Th>Who</Table.Th>
                    <Table.Th>What</Table.Th>
                    <Table.Th>Subject</Table.Th>
                    <Table.Th>Detail</Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {items.map((entry) => (
                    <Entry key={entry.id} entry={entry} />
                  ))}
                </Table.Tbody>
              </WideTable>
              <Pager
                {...{ total, limit, offset }}
                what="changes"
                onPage={(next) => void navigate({ search: (before) => ({ ...before, page: next }) })}
              />
            </>
          )
        }
      </QueryView>
    </Panel>
  );
}

function Entry({ entry: { atMs, actor, action, subject, detail } }: { entry: AuditEntry }) {
  const named = useDeviceNames();
  const facts = Object.entries(detail).filter(([, value]) => value !== null && value !== undefined);
  return (
    <Table.Tr>
      <Table.Td data-title="Time">
        <ExactMoment atMs={atMs} />
      </Table.Td>
      <Table.Td data-title="Who">{named(actor)}</Table.Td>
      <Table.Td data-title="What" title={action}>
        {actionWords(action)}
      </Table.Td>
      <Table.Td data-title="Subject" title={subject}>
        {isAboutDevice(action) ? (
          <TextLink to="/devices/$id" params={{ id: subject }} size="sm">
            {named(subject)}
          </TextLink>
        ) : (
          shortenDigests(subject)
        )}
      </Table.Td>
      <Table.Td data-title="Detail" className="mono" data-long maw={420} style={{ overflowWrap: 'anywhere' }}>
        {facts.map(([name, value]) => `${name}: ${shortenDigests(typeof value === 'string' ? value : JSON.stringify(value))}`).join(', ') ||
          '–'}
      </Table.Td>
    </Table.Tr>
  );
}
