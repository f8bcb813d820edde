import { Stack, Text } from '@mantine/core';
import { type DeviceView, type PipelineView, placeOfPort, type ReleaseView, type TelemetryRow } from '@starling/shared';
import { useQueries, useQuery } from '@tanstack/react-query';
import { useCallback, useMemo, useState } from 'react';
import { read } from '../../../data/queries.ts';
import { useSession } from '../../../data/session.ts';
import { inWords, millisecondsOf } from '../../../format/quantity.ts';
import { type DrawnEdge, type DrawnGraph, drawnGraphOf } from '../../../graph/drawn-graph.ts';
import { type Figures, type Selection, wordsForGraph } from '../../../graph/flow-elements.ts';
import { GraphCanvas } from '../../../graph/graph-canvas.tsx';
import { GraphDetail } from '../../../graph/graph-detail.tsx';
import { GraphFrame } from '../../../graph/graph-frame.tsx';
import { EdgeTable } from '../../../graph/graph-tables.tsx';
import { allInner } from '../../../graph/open-inner.ts';
import { useModelPorts } from '../../../graph/use-model-ports.ts';
import { useOpened } from '../../../graph/use-opened.ts';
import { EmptyState } from '../../../parts/empty-state.tsx';
import { Panel } from '../../../parts/panel.tsx';
import { QueryView } from '../../../parts/query-view.tsx';
import { LatencyBreakdown } from './latency-breakdown.tsx';
import { figuresFor, type LiveFigures, latencyShares, sumWindows, withParts } from './live-figures.ts';
import { ReplayPanel } from './replay-panel.tsx';
import { TapPanel } from './tap-panel.tsx';
import { isVisible, pictureBefore } from './visible-edges.ts';

/** Figures are those of the last minute in which anything was told. */
const SPAN_MS = 60_000;

/** The pipeline that runs on a device, with what happens in it. */
export function GraphTab({ device }: { device: DeviceView }) {
  const running = device.reported?.running ?? null;
  if (running === null) return <EmptyState title="No release runs">A graph stands here once the device runs a pipeline.</EmptyState>;
  return <RunningGraph device={device} digest={running.release} />;
}

function RunningGraph({ device, digest }: { device: DeviceView; digest: string }) {
  const release = useQuery(read('showRelease', { params: { digest } }));
  return (
    <QueryView query={release} heightPx={640}>
      {(view) => <PipelineOf device={device} release={view} />}
    </QueryView>
  );
}

function PipelineOf({ device, release }: { device: DeviceView; release: ReleaseView }) {
  const pipeline = useQuery(read('showPipeline', { params: { digest: release.document.pipeline.digest } }));
  return (
    <QueryView query={pipeline} heightPx={640}>
      {(view) => <LiveGraph {...{ device, release, pipeline: view }} />}
    </QueryView>
  );
}

interface LiveGraphProps {
  device: DeviceView;
  release: ReleaseView;
  pipeline: PipelineView;
}

function LiveGraph({ device, release, pipeline: { name, version, document } }: LiveGraphProps) {
  const { may } = useSession();
  const { models } = useModelPorts();
  const { opened, toggle } = useOpened(() => allInner(document));
  const [selection, setSelection] = useState<Selection>();
  const graph = useMemo(() => drawnGraphOf(document, models, opened), [document, models, opened]);
  const { live, figures, workers } = useFigures(device, graph, { release: release.digest, pipeline: name });
  const refusal = refusalOf(device, may('operator'));
  const showNode = useCallback((id: string | undefined) => setSelection(id === undefined ? undefined : { kind: 'node', id }), []);
  const edge = selection?.kind === 'edge' ? graph.edges.find(({ id }) => id === selection.id) : undefined;
  return (
    <Stack gap="md">
      <Panel title={`${name} ${version}`} note={noteOf(live, workers)}>
        <GraphFrame
          canvas={
            <GraphCanvas
              {...{ graph, selection, figures }}
              layout={name}
              label={wordsForGraph(name, graph)}
              onSelect={setSelection}
              onToggle={toggle}
            />
          }
          side={
            <GraphDetail {...{ graph, document, selection }}>
              {selection !== undefined && <FiguresOfSelection words={figures[`${selection.kind}s`].get(selection.id)?.words} />}
              {edge !== undefined && edge.kind !== 'trigger' && <EdgeTap {...{ device, release, graph, edge, refusal }} />}
            </GraphDetail>
          }
        />
      </Panel>
      <Panel title="Where the time goes" note="Time in each node, over the last minute in which anything was told." flush>
        <LatencyBreakdown
          shares={
            live === undefined
              ? []
              : latencyShares(
                  graph.nodes.map(({ id }) => id),
                  live,
                )
          }
        />
      </Panel>
      <Panel title="Replay" note="One item through this graph, beside its live items: sinks and monitors do not see it.">
        <ReplayPanel device={device.id} graph={graph} refusal={refusal} onStep={showNode} />
      </Panel>
      <Panel title="Edges" note="What flows where." flush>
        <EdgeTable edges={graph.edges} figures={figures.edges} />
      </Panel>
    </Stack>
  );
}

const noFigures: Figures = { nodes: new Map(), edges: new Map() };
const inferences = (id: string) => read('listTelemetry', { params: { id }, query: { kind: 'inference', limit: 60 } });

/** One for all drawings: what it gives stays the same while nothing new is told. */
const rowsOf = (results: readonly { data?: { items: TelemetryRow[] } | undefined }[]): TelemetryRow[][] =>
  results.map(({ data }) => data?.items ?? []);

/** What the device has told of its pipeline, and of the parts of it whoever runs them for the device. */
function useFigures(device: DeviceView, graph: DrawnGraph, { release, pipeline }: { release: string; pipeline: string }) {
  const records = useQuery(inferences(device.id));
  const workers = useMemo(() => workersOf(device, pipeline), [device, pipeline]);
  const told = useQueries({ queries: workers.map(({ id }) => inferences(id)), combine: rowsOf });
  const live = useMemo(() => sumWindows(records.data?.items ?? [], { release, pipeline }, SPAN_MS), [records.data, release, pipeline]);
  const figures = useMemo(() => {
    const parts = workers.flatMap(({ name }, index) => {
      const sum = sumWindows(told[index] ?? [], { release, pipeline }, SPAN_MS);
      return sum === undefined ? [] : [{ worker: name, figures: figuresFor(graph, sum) }];
    });
    return withParts(live === undefined ? noFigures : figuresFor(graph, live), parts);
  }, [workers, told, live, graph, release, pipeline]);
  return { live, figures, workers: workers.map(({ name }) => name) };
}

function workersOf({ desired }: DeviceView, pipeline: string): { id: string; name: string }[] {
  const all = (desired?.placement ?? []).filter(({ parts }) => parts.some((part) => part.pipeline === pipeline));
  return [...new Map(all.flatMap(({ worker }) => (worker === null ? [] : [[worker.id, worker]]))).values()];
}

function noteOf(live: LiveFigures | undefined, workers: readonly string[]): string {
  if (live === undefined) return 'It has told nothing yet.';
  const parts = workers.length === 0 ? '' : ` Those inside of parts are of ${workers.join(' and ')}, for all that it works for.`;
  return `Figures of the last ${inWords(millisecondsOf(live.lengthMs))}: on nodes runs and the time of each, on lines values.${parts}`;
}

function refusalOf(device: DeviceView, mayOperate: boolean): string | undefined {
  if (!mayOperate) return 'Watching and replaying need the role operator.';
  return device.online ? undefined : 'The device is offline.';
}

function FiguresOfSelection({ words }: { words: string | undefined }) {
  return (
    <Text size="sm" c={words === undefined ? 'dimmed' : undefined}>
      {words ?? 'No figures of it.'}
    </Text>
  );
}

interface EdgeTapProps {
  device: DeviceView;
  release: ReleaseView;
  graph: DrawnGraph;
  edge: DrawnEdge;
  refusal: string | undefined;
}

function EdgeTap({ device, release, graph, edge, refusal }: EdgeTapProps) {
  const { policies, name, pipeline } = release.document;
  const port = `${edge.from}.${edge.fromPort}`;
  const edges = graph.edges.map((each) => ({ from: `${each.from}.${each.fromPort}`, to: `${each.to}.${each.toPort}` }));
  const placeOf = (from: string) => placeOfPort(device.desired?.placement ?? [], pipeline.name, from);
  const place = placeOf(port);
  // One tap watches one machine.
  const isPicture = (from: string): boolean =>
    placeOf(from) === place &&
    isVisible(from, edges, policies) &&
    graph.edges.some(
      (each) => `${each.from}.${each.fromPort}` === from && (each.type?.kind === 'image' || each.type?.kind === 'encoded-image'),
    );
  // Only what was found in a picture is drawn over one.
  const hasPlaces = edge.type !== undefined && ['boxes', 'detections', 'json'].includes(edge.type.kind);
  return (
    <TapPanel
      key={port}
      {...{ device: device.id, port, release: name, refusal }}
      pipeline={`${pipeline.name}@${pipeline.version}`}
      isVisible={isVisible(port, edges, policies)}
      place={place}
      picture={hasPlaces ? pictureBefore(port, edges, isPicture) : undefined}
    />
  );
}
