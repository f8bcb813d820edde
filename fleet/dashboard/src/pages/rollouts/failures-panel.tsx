import { Table } from '@mantine/core';
import type { RolloutDetail } from '@starling/shared';
import { counted } from '../../format/quantity.ts';
import { EmptyState } from '../../parts/empty-state.tsx';
import { Panel } from '../../parts/panel.tsx';
import { WideTable } from '../../parts/wide-table.tsx';

/** Why devices failed, most frequent first. */
export function FailuresPanel({ failures }: Pick<RolloutDetail, 'failures'>) {
  return (
    <Panel title="Failures" flush>
      {failures.length === 0 ? (
        <EmptyState title="None" />
      ) : (
        <WideTable label="Failures" fz="sm">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Kind</Table.Th>
              <Table.Th>Code</Table.Th>
              <Table.Th ta="right">Devices</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {failures.map(({ kind, code, devices }) => (
              <Table.Tr key={`${kind} ${code}`}>
                <Table.Td>{kind}</Table.Td>
                <Table.Td className="mono">{code}</Table.Td>
                <Table.Td ta="right">{counted(devices)}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </WideTable>
      )}
    </Panel>
  );
}
