import { SimpleGrid, Stack, Table } from '@mantine/core';
import type { PipelineView } from '@starling/shared';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { read } from '../../data/queries.ts';
import { Digest } from '../../parts/digest.tsx';
import { EmptyState } from '../../parts/empty-state.tsx';
import { Facts } from '../../parts/facts.tsx';
import { ExactMoment } from '../../parts/moment.tsx';
import { PageHeader } from '../../parts/page-header.tsx';
import { Panel } from '../../parts/panel.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { WideTable } from '../../parts/wide-table.tsx';
import { GraphDrawing } from './graph-drawing.tsx';

const route = getRouteApi('/shell/pipelines/$digest');

export function PipelinePage() {
  const { digest } = route.useParams();
  const pipeline = useQuery(read('showPipeline', { params: { digest } }));
  return (
    <QueryView query={pipeline} heightPx={560} page="Pipeline">
      {(view) => <Pipeline pipeline={view} />}
    </QueryView>
  );
}

function Pipeline({ pipeline: { name, version, digest, document, createdAtMs, createdBy } }: { pipeline: PipelineView }) {
  const ports = (list: Readonly<Record<string, string>>): string =>
    Object.entries(list)
      .map(([port, type]) => `${port}: ${type}`)
      .join(', ');
  return (
    <>
      <PageHeader title={`${name} ${version}`} note={document.description} />
      <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="md">
        <Panel title="Graph" note="Violet nodes are models, pinned by a release. Stacked nodes run once for each item of a list.">
          <GraphDrawing pipeline={document} />
        </Panel>
        <Stack gap="md">
          <Panel title="Facts">
            <Facts
              facts={[
                ['Takes', ports(document.inputs)],
                ['Gives', ports(document.outputs)],
                ['Queue', `${document.queue.length} items, ${document.queue.policy} when full`],
                ['Digest', <Digest key="digest" value={digest} />],
                ['Pushed', <ExactMoment key="pushed" atMs={createdAtMs} />],
                ['By', createdBy],
              ]}
            />
          </Panel>
          <Panel title="Monitors" flush>
            <MonitorTable monitors={document.monitors} />
          </Panel>
          <Panel title="Edges" note="The graph in words." flush>
            <EdgeTable edges={document.edges} />
          </Panel>
        </Stack>
      </SimpleGrid>
    </>
  );
}

function EdgeTable({ edges }: { edges: PipelineView['document']['edges'] }) {
  return (
    <WideTable label="Edges" fz="sm" verticalSpacing={4}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>From</Table.Th>
          <Table.Th>To</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {edges.map(({ from, to }) => (
          <Table.Tr key={`${from} ${to}`}>
            <Table.Td className="mono">{from}</Table.Td>
            <Table.Td className="mono">{to}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </WideTable>
  );
}

function MonitorTable({ monitors }: { monitors: PipelineView['document']['monitors'] }) {
  const entries = Object.entries(monitors);
  if (entries.length === 0) return <EmptyState title="No monitor" />;
  return (
    <WideTable label="Monitors" fz="sm">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Monitor</Table.Th>
          <Table.Th>Measures</Table.Th>
          <Table.Th>On</Table.Th>
          <Table.Th>Moved from PSI</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {entries.map(([monitor, { measure, edge, psiThreshold }]) => (
          <Table.Tr key={monitor}>
            <Table.Td fw={600}>{monitor}</Table.Td>
            <Table.Td>{measure}</Table.Td>
            <Table.Td className="mono">{edge}</Table.Td>
            <Table.Td>{psiThreshold}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </WideTable>
  );
}
