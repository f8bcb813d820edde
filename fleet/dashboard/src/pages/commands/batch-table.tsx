import { Table, Text } from '@mantine/core';
import type { CommandBatchView } from '@starling/shared';
import { counted } from '../../format/quantity.ts';
import { CountBar } from '../../parts/count-bar.tsx';
import { TextLink } from '../../parts/link.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Tag } from '../../parts/tag.tsx';
import { WideTable } from '../../parts/wide-table.tsx';
import { endedOf, partsOf, toneOf } from './batch-words.ts';

/** Commands for many devices, each with how far it is. */
export function BatchTable({ batches, label = 'Commands for many devices' }: { batches: readonly CommandBatchView[]; label?: string }) {
  return (
    <WideTable label={label} highlightOnHover>
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
