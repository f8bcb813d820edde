import { INPUT_NODE, type Pipeline, type ReplayResult, type ShownPart, StarlingError, type TapCounts } from '@starling/shared';
import { requireCaptureAllowed, type VisiblePorts } from '../egress/index.ts';
import {
  createTaps,
  encodeEdgeValue,
  type Graph,
  type RecentItems,
  type ReplayableItem,
  replayItem,
  type TapArguments,
} from '../pipelines/index.ts';
import type { ShowParts } from '../placement/index.ts';
import type { Clock } from '../ports/clock.ts';
import type { ImageCodec } from '../ports/image-codec.ts';
import type { HostEvent, InstalledRelease, ReplayRequest, StartedTap } from '../ports/runtime-host.ts';

/** What a pipeline of a release offers to whoever looks at its edges. */
export interface WatchablePipeline {
  readonly installed: InstalledRelease;
  readonly pipeline: Pipeline;
  readonly graph: Graph;
  /** The live graphs of the parts that run here for a device. */
  graphsOf?(home: string): Pick<Graph, 'observe'>;
  readonly visible: VisiblePorts;
  readonly recent: RecentItems;
  /** A graph beside the live one, over the same models: it keeps and counts by itself, and its sinks send nothing. */
  graphBeside(show: ShowParts): Pick<Graph, 'run' | 'observe'>;
  /** Is the port inside of a part that another device runs? */
  isElsewhere(port: string): boolean;
}

/** Taps and replays of the release that runs. */
export interface EdgeWatch {
  tap(pipeline: WatchablePipeline, request: TapArguments): StartedTap;
  untap(tap: string): TapCounts | undefined;
  replay(pipeline: WatchablePipeline, request: ReplayRequest): Promise<ReplayResult>;
  /** Another release takes over: what was allowed of the one before says nothing about it. */
  releaseChanged(): void;
}

export interface EdgeWatchPorts {
  clock: Clock;
  codec: ImageCodec;
  emit(event: HostEvent): void;
}

/** Replays take memory and time beside the live items: one after the other. */
const REPLAYS_MAXIMUM = 1;

export function createEdgeWatch({ clock, codec, emit }: EdgeWatchPorts): EdgeWatch {
  const ports = {
    clock,
    encode: (value: unknown, maximumBytes: number, isKept?: boolean) => encodeEdgeValue(value, codec, maximumBytes, isKept),
    emit: (message: Extract<HostEvent, { type: 'tapped' }>['message']) => emit({ type: 'tapped', message }),
  };
  const taps = createTaps(ports);
  let replays = 0;
  return {
    tap(watched, request) {
      const { installed, pipeline, graph, visible, recent } = watched;
      const { home } = request;
      if (request.isCapture === true) requireCapture(watched, request.edges);
      const edges = [...new Set(visible.require(request.edges))];
      let unwatch = (): void => undefined;
      taps.start({ ...request, edges }, home === undefined ? graph : graphsOf(watched, home), () => unwatch());
      unwatch = recent.watch(graph);
      return { pipeline: pipeline.name, release: installed.digest, edges, ...(home === undefined ? {} : { home }) };
    },
    untap: (tap) => taps.stop(tap, 'stopped'),
    async replay(release, request) {
      const { installed, pipeline, graph, visible, isElsewhere } = release;
      const here = request.edges?.filter((edge) => !isElsewhere(edge));
      const asked = here === undefined ? graph.ports : visible.require(here);
      const item = itemOf(release, request, clock.wallMs());
      if (replays >= REPLAYS_MAXIMUM)
        throw new StarlingError('overloaded', 'another replay is under way', { retryable: true, hint: 'try again when it is done' });
      replays += 1;
      try {
        const { tap, maximumBytes } = request;
        const shown: ShownPart[] = [];
        const elsewhere = (): ShownPart => partsShown(shown, visible, request.edges?.filter(isElsewhere));
        const replay = { tap, item, ports: asked, isAllowed: visible.isAllowed, maximumBytes, elsewhere };
        const beside = release.graphBeside({ maximumBytes, shown: (part) => void shown.push(part) });
        const report = await replayItem(beside, replay, ports);
        return { pipeline: pipeline.name, release: installed.digest, ...report };
      } finally {
        replays -= 1;
      }
    },
    releaseChanged: () => taps.stopAll('release-changed'),
  };
}

/** @throws StarlingError `capture-refused`, `edge-elsewhere` */
function requireCapture({ installed, isElsewhere }: WatchablePipeline, edges: readonly string[]): void {
  requireCaptureAllowed(installed.release.policies, edges);
  const elsewhere = edges.findIndex(isElsewhere);
  if (elsewhere === -1) return;
  throw new StarlingError('edge-elsewhere', `${edges[elsewhere]} is inside of a part that another device runs`, {
    field: `arguments.edges.${elsewhere}`,
    hint: 'only edges on the device itself can be captured: take one before or after the part',
  });
}

/** @param asked ports inside of parts that are asked for; all if not given */
function partsShown(parts: readonly ShownPart[], { isAllowed }: VisiblePorts, asked: readonly string[] | undefined): ShownPart {
  const edges = new Map(parts.flatMap((part) => part.edges).map((shown) => [shown.edge, shown]));
  const told = (asked ?? [...edges.keys()]).map((edge) => {
    // Attack: a machine that shows more than it may. The signed policy decides here too.
    if (!isAllowed(edge)) return { edge, state: 'refused' as const };
    return edges.get(edge) ?? { edge, state: 'absent' as const };
  });
  return { edges: told, nodesMs: Object.assign({}, ...parts.map(({ nodesMs }) => nodesMs)) };
}

function graphsOf(pipeline: WatchablePipeline, home: string): Pick<Graph, 'observe'> {
  const graphs = pipeline.graphsOf?.(home);
  if (graphs !== undefined) return graphs;
  throw new StarlingError('unknown-part', 'this device runs no parts for others', { field: 'arguments.home', retryable: true });
}

function itemOf({ pipeline, recent, graph }: WatchablePipeline, { of }: ReplayRequest, nowMs: number): ReplayableItem {
  if (of.kind !== 'input') return recent.find(of);
  const inputs = Object.keys(pipeline.inputs);
  const port = of.port ?? inputs[0];
  const reference = `${INPUT_NODE}.${port}`;
  if (port === undefined || !graph.roots.includes(reference)) {
    const isNamed = port !== undefined && inputs.length > 0;
    throw new StarlingError('unknown-input', `the pipeline takes no input${isNamed ? ` "${port}"` : ': it has sources of its own'}`, {
      field: 'arguments.of.port',
      hint: isNamed ? `its inputs: ${inputs.join(', ')}` : 'replay the last item instead, or one that a tap has shown',
    });
  }
  return { values: { [reference]: of.input }, stream: 'replay', timeMs: nowMs, sequence: null };
}
