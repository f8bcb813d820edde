import { Alert, Table } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { read } from '../../data/queries.ts';
import { counted } from '../../format/quantity.ts';
import { Panel } from '../../parts/panel.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { Tag } from '../../parts/tag.tsx';
import { WideTable } from '../../parts/wide-table.tsx';

/** Leases are renewed every 1.25 s and end after 5 s: who does what is news for about as long. */
const AGAIN_MS = 5_000;

/** The processes that serve the fleet, and how they share its devices. */
export function ProcessesPanel() {
  const processes = useQuery({ ...read('listProcesses', {}), refetchInterval: AGAIN_MS });
  const note =
    processes.data?.broker === 'external'
      ? 'Each hears the devices of its shards, of which there are 32. Any of them answers requests.'
      : 'One, with the embedded broker: devices connect to it.';
  return (
    <Panel title="Processes" note={note} flush>
      <QueryView query={processes} heightPx={120}>
        {({ items, unheard }) => (
          <>
            {unheard > 0 && (
              <Alert
                variant="outline"
                color="yellow"
                m="md"
                title="Not all devices are heard"
                styles={{ title: { color: 'var(--mantine-color-text)' } }}
              >
                Nobody holds {counted(unheard)} of 32 shards just now. A process takes them within some seconds, if there is one.
              </Alert>
            )}
            <WideTable label="Processes" stacks>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>Process</Table.Th>
                  <Table.Th>Shards</Table.Th>
                  <Table.Th>Does for all</Table.Th>
                  <Table.Th>State</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {items.map(({ id, shards, duties, answers }) => (
                  <Table.Tr key={id}>
                    <Table.Td data-title="Process" className="mono">
                      {id}
                    </Table.Td>
                    <Table.Td data-title="Shards">{counted(shards)}</Table.Td>
                    <Table.Td data-title="Does for all">
                      {duties.length === 0 ? '–' : duties.map((duty) => dutyWords[duty] ?? duty).join(', ')}
                    </Table.Td>
                    <Table.Td data-title="State">
                      <Tag tone="good">{answers ? 'has answered this page' : 'there'}</Tag>
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </WideTable>
          </>
        )}
      </QueryView>
    </Panel>
  );
}

const dutyWords: Readonly<Record<string, string>> = {
  house: 'retention and garbage',
  measuring: 'asking devices to measure',
  operators: 'answering MQTT tools',
};
