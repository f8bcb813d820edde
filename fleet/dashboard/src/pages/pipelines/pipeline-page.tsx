import { SimpleGrid, Table } from '@mantine/core';
import type { PipelineView } from '@starling/shared';
import { IconPencil } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { read } from '../../data/queries.ts';
import { useSession } from '../../data/session.ts';
import { drawnGraphOf } from '../../graph/drawn-graph.ts';
import { type Selection, wordsForGraph } from '../../graph/flow-elements.ts';
import { GraphCanvas } from '../../graph/graph-canvas.tsx';
import { GraphDetail } from '../../graph/graph-detail.tsx';
import { GraphFrame } from '../../graph/graph-frame.tsx';
import { EdgeTable, NodeTable } from '../../graph/graph-tables.tsx';
import { useModelPorts } from '../../graph/use-model-ports.ts';
import { useOpened } from '../../graph/use-opened.ts';
import { Digest } from '../../parts/digest.tsx';
import { EmptyState } from '../../parts/empty-state.tsx';
import { Facts } from '../../parts/facts.tsx';
import { ButtonLink } from '../../parts/link.tsx';
import { ExactMoment } from '../../parts/moment.tsx';
import { PageHeader } from '../../parts/page-header.tsx';
import { Panel } from '../../parts/panel.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { WideTable } from '../../parts/wide-table.tsx';

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
  const { models } = useModelPorts();
  const { opened, toggle } = useOpened();
  const [selection, setSelection] = useState<Selection>();
  const graph = useMemo(() => drawnGraphOf(document, models, opened), [document, models, opened]);
  const { may } = useSession();
  return (
    <>
      <PageHeader
        title={`${name} ${version}`}
        note={document.description}
        actions={
          may('operator') && (
            <ButtonLink to="/pipelines/new" search={{ from: digest }} variant="default" leftSection={<IconPencil size={16} aria-hidden />}>
              Edit as a new version
            </ButtonLink>
          )
        }
      />
      <Panel title="Graph" note="Violet nodes are models, pinned by a release. Stacked nodes run once for each item of a list.">
        <GraphFrame
          canvas={
            <GraphCanvas
              {...{ graph, selection }}
              layout={name}
              label={wordsForGraph(name, graph)}
              onSelect={setSelection}
              onToggle={toggle}
            />
          }
          side={<GraphDetail {...{ graph, document, selection }} />}
        />
      </Panel>
      <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="md">
        <Panel title="Facts">
          <PipelineFacts document={document} digest={digest} createdAtMs={createdAtMs} createdBy={createdBy} />
        </Panel>
        <Panel title="Monitors" flush>
          <MonitorTable monitors={document.monitors} />
        </Panel>
      </SimpleGrid>
      {Object.keys(document.parameters).length > 0 && (
        <Panel title="Parameters" note="Named once, used in nodes; a release or a device may give other values where it says so." flush>
          <ParameterTable parameters={document.parameters} />
        </Panel>
      )}
      <Panel title="Nodes" note="The graph in words." flush>
        <NodeTable nodes={graph.nodes} />
      </Panel>
      <Panel title="Edges" note="What flows where." flush>
        <EdgeTable edges={graph.edges} />
      </Panel>
    </>
  );
}

function PipelineFacts({
  document,
  digest,
  createdAtMs,
  createdBy,
}: Pick<PipelineView, 'document' | 'digest' | 'createdAtMs' | 'createdBy'>) {
  const ports = (list: Readonly<Record<string, string>>): string =>
    Object.entries(list)
      .map(([port, type]) => `${port}: ${type}`)
      .join(', ');
  const { inputs, outputs, queue, concurrency, deadlineMs, priority } = document;
  return (
    <Facts
      facts={[
        ['Takes', ports(inputs)],
        ['Gives', ports(outputs)],
        ['Queue', `${queue.length} items, ${queue.policy} when full`],
        ['At once', `${concurrency} items in the graph`],
        ['Deadline', deadlineMs === undefined ? undefined : `${deadlineMs} ms`],
        ['Priority', `${priority} of 0 to 9; 0 goes first`],
        ['Digest', <Digest key="digest" value={digest} />],
        ['Pushed', <ExactMoment key="pushed" atMs={createdAtMs} />],
        ['By', createdBy],
      ]}
    />
  );
}

function ParameterTable({ parameters }: { parameters: PipelineView['document']['parameters'] }) {
  return (
    <WideTable label="Parameters" fz="sm">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Parameter</Table.Th>
          <Table.Th>Default</Table.Th>
          <Table.Th>Who may change it</Table.Th>
          <Table.Th>What it is</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {Object.entries(parameters).map(([parameter, { default: value, overridable, description }]) => (
          <Table.Tr key={parameter}>
            <Table.Td className="mono">{parameter}</Table.Td>
            <Table.Td className="mono">{String(value)}</Table.Td>
            <Table.Td>{overridableWords[overridable]}</Table.Td>
            <Table.Td>{description}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </WideTable>
  );
}

const overridableWords = { never: 'nobody', release: 'a release', device: 'a release or a device' };

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
