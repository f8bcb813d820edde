import { Table, Text } from '@mantine/core';
import type { CommandBatchView } from '@starling/shared';
import { IconPlus } from '@tabler/icons-react';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { read } from '../../data/queries.ts';
import { useSession } from '../../data/session.ts';
import { counted } from '../../format/quantity.ts';
import { CommandBox } from '../../parts/command-box.tsx';
import { CountBar } from '../../parts/count-bar.tsx';
import { EmptyState } from '../../parts/empty-state.tsx';
import { ButtonLink, TextLink } from '../../parts/link.tsx';
import { pageQuery } from '../../parts/list-search.ts';
import { Moment } from '../../parts/moment.tsx';
import { PageHeader } from '../../parts/page-header.tsx';
import { Pager } from '../../parts/pager.tsx';
import { Panel } from '../../parts/panel.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { Tag } from '../../parts/tag.tsx';
import { WideTable } from '../../parts/wide-table.tsx';
import { endedOf, partsOf, toneOf } from './batch-words.ts';

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

function BatchTable({ batches }: { batches: readonly CommandBatchView[] }) {
  return (
    <WideTable label="Commands for many devices" highlightOnHover>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Command</Table.Th>
          <Table.Th>Devices</Table.Th>
          <Table.Th>State</Table.Th>
          <Table.Th miw={200}>Answers</Table.Th>
          <Table.Th>Sent</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {batches.map((batch) => (
          <Table.Tr key={batch.id}>
            <Table.Td>
              <TextLink to="/commands/$id" params={{ id: batch.id }} fw={600}>
                {batch.name}
              </TextLink>
            </Table.Td>
            <Table.Td maw={320} data-long>
              <Text size="sm" className="mono" lineClamp={2}>
                {batch.select}
              </Text>
            </Table.Td>
            <Table.Td>
              <Tag tone={toneOf(batch)} isActive={batch.state === 'running'}>
                {batch.state}
              </Tag>
            </Table.Td>
            <Table.Td>
              <CountBar parts={partsOf(batch)} isBare />
              <Text size="xs" c="dimmed" mt={4}>
                {counted(endedOf(batch))} of {counted(batch.total)}
              </Text>
            </Table.Td>
            <Table.Td>
              <Moment atMs={batch.createdAtMs} />
              <Text size="xs" c="dimmed">
                {batch.createdBy}
              </Text>
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </WideTable>
  );
}
