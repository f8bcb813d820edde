import { Table, Text } from '@mantine/core';
import type { PipelineView } from '@starling/shared';
import { TextLink } from '../../parts/link.tsx';
import { Moment } from '../../parts/moment.tsx';
import { WideTable } from '../../parts/wide-table.tsx';
import { modelsOf } from './models-of.ts';

/** Pipeline versions with what they are made of. */
export function PipelineTable({ pipelines }: { pipelines: readonly PipelineView[] }) {
  return (
    <WideTable label="Pipeline versions" highlightOnHover>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Pipeline</Table.Th>
          <Table.Th>What it does</Table.Th>
          <Table.Th>Nodes</Table.Th>
          <Table.Th>Models</Table.Th>
          <Table.Th>Monitors</Table.Th>
          <Table.Th>Pushed</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {pipelines.map(({ digest, name, version, document, createdAtMs }) => (
          <Table.Tr key={digest}>
            <Table.Td>
              <TextLink to="/pipelines/$digest" params={{ digest }} fw={600}>
                {name}
              </TextLink>
              <Text size="xs" c="dimmed">
                {version}
              </Text>
            </Table.Td>
            <Table.Td maw={360}>{document.description}</Table.Td>
            <Table.Td>{Object.keys(document.nodes).length}</Table.Td>
            <Table.Td>{modelsOf(document).join(', ') || 'none'}</Table.Td>
            <Table.Td>{Object.keys(document.monitors).join(', ') || 'none'}</Table.Td>
            <Table.Td>
              <Moment atMs={createdAtMs} />
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </WideTable>
  );
}
