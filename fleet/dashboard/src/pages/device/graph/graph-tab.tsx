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
import { plainInner } from '../../../graph/open-inner.ts';
import { useModelPorts } from '../../../graph/use-model-ports.ts';
import { useOpened } from '../../../graph/use-opened.ts';
import { EmptyState } from '../../../parts/empty-state.tsx';
import { Panel } from '../../../parts/panel.tsx';
import { QueryView } from '../../../parts/query-view.tsx';
import { LatencyBreakdown } from './latency-breakdown.tsx';
import { figuresFor, type LiveFigures, latencyShares, sumWindows, withParts } from './live-figures.ts';
import { ReplayPanel } from './replay-panel.tsx';
import { noteOf, type ShownRelease, shownReleaseOf, type Told } from './shown-release.ts';
import { TapPanel } from './tap-panel.tsx';
import { isVisible, pictureBefore } from './visible-edges.ts';

/** Figures are those of the last minute in which anything was told. */
const SPAN_MS = 60_000;

/** The pipeline of a device, that runs or is to run, with what happens in it. */
export function GraphTab({ device }: { device: DeviceView }) {
  const shown = shownReleaseOf(device);
  if (shown === undefined) return <EmptyState title="Nothing assigned">Assign a release: its graph stands here at once.</EmptyState>;
  return <GraphOf device={device} shown={shown} />;
}

function GraphOf({ device, shown }: { device: DeviceView; shown: ShownRelease }) {
  const release = useQuery(read('showRelease', { params: { digest: shown.digest } }));
  return (
    <QueryView query={release} heightPx={640}>
      {(view) => <PipelineOf device={device} release={view} shown={shown} />}
    </QueryView>
  );
}

function PipelineOf({ device, release, shown }: Omit<LiveGraphProps, 'pipeline'>) {
  const pipeline = useQuery(read('showPipeline', { params: { digest: release.document.pipeline.digest } }));
  return (
    <QueryView query={pipeline} heightPx={640}>
      {(view) => <LiveGraph {...{ device, release, shown, pipeline: view }} />}
    </QueryView>
  );
}

interface LiveGraphProps {
  device: DeviceView;
  release: ReleaseView;
  shown: ShownRelease;
  pipeline: PipelineView;
}

function LiveGraph({ device, release, shown, pipeline: { name, version, document } }: LiveGraphProps) {
  const { may } = useSession();
  const { models } = useModelPorts();
  const { opened, toggle } = useOpened(() => plainInner(document));
  const [selection, setSelection] = useState<Selection>();
  const graph = useMemo(() => drawnGraphOf(document, models, opened), [document, models, opened]);
  const { live, told, figures, workers } = useFigures(device, graph, { release: release.digest, pipeline: name });
  const refusal = refusalOf(device, shown, may('operator'));
  const showNode = useCallback((id: string | undefined) => setSelection(id === undefined ? undefined : { kind: 'node', id }), []);
  const edge = selection?.kind === 'edge' ? graph.edges.find(({ id }) => id === selection.id) : undefined;
  return (
    <Stack gap="md">
      <Panel title={`${name} ${version}`} note={noteOf(told, shown, workers)}>
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
const NONE_YET = { text: 'no figures yet', words: 'no figures yet', tone: 'idle' } as const;

/** The drawing before anything was told: each line says so. */
function noneYet({ edges }: DrawnGraph): (readonly [string, typeof NONE_YET])[] {
  return edges.filter(({ kind }) => kind !== 'trigger').map(({ id }) => [id, NONE_YET] as const);
}

const inferences = (id: string) => read('listTelemetry', { params: { id }, query: { kind: 'inference', limit: 60 } });

/** One for all drawings: what it gives stays the same while nothing new is told. */
const rowsOf = (results: readonly { data?: { items: TelemetryRow[] } | undefined }[]): TelemetryRow[][] =>
  results.map(({ data }) => data?.items ?? []);

/** What the device has told of its pipeline, and of the parts of it whoever runs them for the device. */
function useFigures(device: DeviceView, graph: DrawnGraph, { release, pipeline }: { release: string; pipeline: string }) {
  const records = useQuery(inferences(device.id));
  const workers = useMemo(() => workersOf(device, pipeline), [device, pipeline]);
  const ofWorkers = useQueries({ queries: workers.map(({ id }) => inferences(id)), combine: rowsOf });
  const live = useMemo(() => sumWindows(records.data?.items ?? [], { release, pipeline }, SPAN_MS), [records.data, release, pipeline]);
  const figures = useMemo(() => {
    const parts = workers.flatMap(({ name }, index) => {
      const sum = sumWindows(ofWorkers[index] ?? [], { release, pipeline }, SPAN_MS);
      return sum === undefined ? [] : [{ worker: name, figures: figuresFor(graph, sum) }];
    });
    if (live !== undefined) return withParts(figuresFor(graph, live), parts);
    const { nodes, edges } = withParts(noFigures, parts);
    return { nodes, edges: new Map([...(records.data === undefined ? [] : noneYet(graph)), ...edges]) };
  }, [workers, ofWorkers, live, records.data, graph, release, pipeline]);
  return { live, told: toldOf(live, records), figures, workers: workers.map(({ name }) => name) };
}

function workersOf({ desired }: DeviceView, pipeline: string): { id: string; name: string }[] {
  const all = (desired?.placement ?? []).filter(({ parts }) => parts.some((part) => part.pipeline === pipeline));
  return [...new Map(all.flatMap(({ worker }) => (worker === null ? [] : [[worker.id, worker]]))).values()];
}

function toldOf(live: LiveFigures | undefined, { isPending, error }: { isPending: boolean; error: Error | null }): Told {
  if (live !== undefined) return { state: 'told', span: inWords(millisecondsOf(live.lengthMs)) };
  if (isPending) return { state: 'reading' };
  return error === null ? { state: 'none' } : { state: 'refused', message: error.message };
}

function refusalOf(device: DeviceView, { isRunning }: ShownRelease, mayOperate: boolean): string | undefined {
  if (!mayOperate) return 'Watching and replaying need the role operator.';
  if (!isRunning) return 'The device does not run this release.';
  return device.online ? undefined : 'The device is offline.';
}

function FiguresOfSelection({ words }: { words: string | undefined }) {
  return (
    <Text size="sm" c={words === undefined ? 'dimmed' : undefined}>
      {words ?? 'No figures of it.'}
    </Text>
  );
}

const drawnPort = ({ from, fromPort }: Pick<DrawnEdge, 'from' | 'fromPort'>): string => `${from}.${fromPort}`;

interface EdgeTapProps {
  device: DeviceView;
  release: ReleaseView;
  graph: DrawnGraph;
  edge: DrawnEdge;
  refusal: string | undefined;
}

function EdgeTap({ device, release, graph, edge, refusal }: EdgeTapProps) {
  const { policies, pipeline } = release.document;
  const { port } = edge;
  const told = graph.edges.map((each) => ({ from: each.port, to: `${each.to}.${each.toPort}` }));
  const drawn = graph.edges.map((each) => ({ from: drawnPort(each), to: `${each.to}.${each.toPort}` }));
  const placeOf = (from: string) => placeOfPort(device.desired?.placement ?? [], pipeline.name, from);
  const place = placeOf(port);
  // One tap watches one machine.
  const pictureAt = (from: string): string | undefined =>
    graph.edges.find(
      (each) =>
        drawnPort(each) === from &&
        (each.type?.kind === 'image' || each.type?.kind === 'encoded-image') &&
        placeOf(each.port) === place &&
        isVisible(each.port, told, policies),
    )?.port;
  // Only what was found in a picture is drawn over one.
  const hasPlaces = edge.type !== undefined && ['boxes', 'detections', 'json'].includes(edge.type.kind);
  return (
    <TapPanel
      key={port}
      {...{ device: device.id, port, release: release.document, refusal }}
      isVisible={isVisible(port, told, policies)}
      place={place}
      picture={hasPlaces ? pictureBefore(drawnPort(edge), drawn, pictureAt) : undefined}
    />
  );
}
