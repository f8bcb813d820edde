import { Table } from '@mantine/core';
import type { ReleaseView } from '@starling/shared';
import { counted } from '../../format/quantity.ts';
import { TextLink } from '../../parts/link.tsx';
import { Moment } from '../../parts/moment.tsx';
import { WideTable } from '../../parts/wide-table.tsx';

/** Releases with what they pin and where they run. */
export function ReleaseTable({ releases }: { releases: readonly ReleaseView[] }) {
  return (
    <WideTable label="Releases" highlightOnHover>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Release</Table.Th>
          <Table.Th>Pipeline</Table.Th>
          <Table.Th>Models</Table.Th>
          <Table.Th>Devices</Table.Th>
          <Table.Th>Made</Table.Th>
          <Table.Th>By</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {releases.map(({ digest, name, document, deviceCount, createdAtMs, createdBy }) => (
          <Table.Tr key={digest}>
            <Table.Td>
              <TextLink to="/releases/$digest" params={{ digest }} fw={600}>
                {name}
              </TextLink>
            </Table.Td>
            <Table.Td>
              {document.pipeline.name} {document.pipeline.version}
            </Table.Td>
            <Table.Td>{document.models.map((model) => `${model.name} ${model.version}`).join(', ') || 'none'}</Table.Td>
            <Table.Td>{counted(deviceCount)}</Table.Td>
            <Table.Td>
              <Moment atMs={createdAtMs} />
            </Table.Td>
            <Table.Td>{createdBy}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </WideTable>
  );
}
