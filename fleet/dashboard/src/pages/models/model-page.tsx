import { SimpleGrid, Stack, Table, Text } from '@mantine/core';
import type { ArtefactView, ModelView, TensorPort } from '@starling/shared';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { read } from '../../data/queries.ts';
import { bytesOf, counted, inWords, percentOf } from '../../format/quantity.ts';
import { duration } from '../../format/time.ts';
import { Digest } from '../../parts/digest.tsx';
import { EmptyState } from '../../parts/empty-state.tsx';
import { Facts } from '../../parts/facts.tsx';
import { ExactMoment } from '../../parts/moment.tsx';
import { PageHeader } from '../../parts/page-header.tsx';
import { Panel } from '../../parts/panel.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { WideTable } from '../../parts/wide-table.tsx';
import { SizeBar } from './size-bar.tsx';

const route = getRouteApi('/shell/models/$digest');

export function ModelPage() {
  const { digest } = route.useParams();
  const model = useQuery(read('showModel', { params: { digest } }));
  return (
    <QueryView query={model} heightPx={520}>
      {(view) => <Model model={view} />}
    </QueryView>
  );
}

function Model({ model: { name, version, digest, createdAtMs, createdBy, document, artefacts } }: { model: ModelView }) {
  const { card, source, opset, inputs, outputs, assets } = document;
  return (
    <>
      <PageHeader title={`${name} ${version}`} note={card.title} />
      <Panel title="Artefacts" note="One build each: a device gets the one that fits it best." flush>
        {artefacts.length === 0 ? (
          <EmptyState title="Nothing built yet">The build runs, or it failed: see Models, Builds.</EmptyState>
        ) : (
          <ArtefactTable artefacts={artefacts} sourceBytes={source.sizeBytes} />
        )}
      </Panel>
      <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="md">
        <Panel title="Card">
          <Stack gap="sm">
            {card.description !== '' && <Text size="sm">{card.description}</Text>}
            <Facts
              facts={[
                ['Task', card.task],
                ['Licence', card.licence],
                ['From', card.source],
                [
                  'Labels',
                  card.labels === undefined ? undefined : `${counted(card.labels.length)}: ${card.labels.slice(0, 8).join(', ')} …`,
                ],
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
    </>
  );
}

function ArtefactTable({ artefacts, sourceBytes }: { artefacts: readonly ArtefactView[]; sourceBytes: number }) {
  return (
    <WideTable label="Artefacts">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Precision</Table.Th>
          <Table.Th>Optimisation</Table.Th>
          <Table.Th miw={200}>Size, of the source</Table.Th>
          <Table.Th>Largest error</Table.Th>
          <Table.Th>Quantised</Table.Th>
          <Table.Th>Runs on</Table.Th>
          <Table.Th>Built in</Table.Th>
          <Table.Th>Digest</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {artefacts.map(({ digest, precision, optimisation, sizeBytes, report, executionProviders }) => (
          <Table.Tr key={digest}>
            <Table.Td fw={600}>{precision}</Table.Td>
            <Table.Td>{optimisation}</Table.Td>
            <Table.Td>
              <SizeBar sizeBytes={sizeBytes} sourceBytes={sourceBytes} />
            </Table.Td>
            <Table.Td title="Largest difference to fp32 on golden inputs, as a share of the largest magnitude">
              {inWords(percentOf(report.maximumError))}
            </Table.Td>
            <Table.Td>{report.quantisedTensors === 0 ? '–' : `${counted(report.quantisedTensors)} tensors`}</Table.Td>
            <Table.Td>{executionProviders.join(', ')}</Table.Td>
            <Table.Td style={{ whiteSpace: 'nowrap' }}>{duration(report.buildMs)}</Table.Td>
            <Table.Td>
              <Digest value={digest} length={8} what="artefact" />
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </WideTable>
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
