import { SimpleGrid, Stack, Table, Text } from '@mantine/core';
import type { ModelView, TensorPort } from '@starling/shared';
import { bytesOf, counted, inWords } from '../../format/quantity.ts';
import { Digest } from '../../parts/digest.tsx';
import { Facts } from '../../parts/facts.tsx';
import { metricWords } from '../../parts/metric-words.ts';
import { ExactMoment } from '../../parts/moment.tsx';
import { Panel } from '../../parts/panel.tsx';
import { WideTable } from '../../parts/wide-table.tsx';

/** What a person wrote about the model, and what the fleet read in its file. */
export function CardTab({ model: { digest, createdAtMs, createdBy, document } }: { model: ModelView }) {
  const { card, source, opset, inputs, outputs, assets } = document;
  const { labels, origin, evaluation } = card;
  return (
    <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="md">
      <Panel title="Card">
        <Stack gap="sm">
          {card.description !== '' && <Text size="sm">{card.description}</Text>}
          <Facts
            facts={[
              ['Task', card.task],
              ['Licence', card.licence],
              ['From', card.source],
              ['Fetched from', origin?.address],
              ['Labels', labels === undefined ? undefined : `${counted(labels.length)}: ${labels.slice(0, 8).join(', ')} …`],
              ['Judged by', evaluation === undefined ? undefined : metricWords[evaluation.metric]],
              ['Digest', <Digest key="digest" value={digest} />],
              ['Source file', `${inWords(bytesOf(source.sizeBytes))}, opset ${opset}`],
              ['Files beside it', assets.map((asset) => `${asset.name} (${inWords(bytesOf(asset.sizeBytes))})`).join(', ')],
              ['Pushed', <ExactMoment key="pushed" atMs={createdAtMs} />],
              ['By', createdBy],
            ]}
          />
        </Stack>
      </Panel>
      <Panel title="Inputs and outputs" flush>
        <TensorTable inputs={inputs} outputs={outputs} />
      </Panel>
    </SimpleGrid>
  );
}

function TensorTable({ inputs, outputs }: { inputs: readonly TensorPort[]; outputs: readonly TensorPort[] }) {
  const rows = [...inputs.map((port) => ({ port, side: 'input' })), ...outputs.map((port) => ({ port, side: 'output' }))];
  return (
    <WideTable label="Tensors" fz="sm">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Name</Table.Th>
          <Table.Th>Side</Table.Th>
          <Table.Th>Type</Table.Th>
          <Table.Th>Shape</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {rows.map(({ port, side }) => (
          <Table.Tr key={`${side} ${port.name}`}>
            <Table.Td className="mono">{port.name}</Table.Td>
            <Table.Td>{side}</Table.Td>
            <Table.Td>{port.elementType}</Table.Td>
            <Table.Td className="mono">{port.shape.join(' × ') || 'scalar'}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </WideTable>
  );
}
