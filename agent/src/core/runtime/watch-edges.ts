import { INPUT_NODE, type Pipeline, type ReplayResult, StarlingError, type TapCounts } from '@starling/shared';
import type { VisiblePorts } from '../egress/index.ts';
import {
  createTaps,
  encodeEdgeValue,
  type Graph,
  type RecentItems,
  type ReplayableItem,
  replayItem,
  type TapArguments,
} from '../pipelines/index.ts';
import type { Clock } from '../ports/clock.ts';
import type { ImageCodec } from '../ports/image-codec.ts';
import type { HostEvent, InstalledRelease, ReplayRequest, StartedTap } from '../ports/runtime-host.ts';

/** What a pipeline of a release offers to whoever looks at its edges. */
export interface WatchablePipeline {
  readonly installed: InstalledRelease;
  readonly pipeline: Pipeline;
  readonly graph: Graph;
  readonly visible: VisiblePorts;
  readonly recent: RecentItems;
  /** A graph beside the live one, over the same models: it keeps and counts by itself, and its sinks send nothing. */
  graphBeside(): Pick<Graph, 'run' | 'observe'>;
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
    encode: (value: unknown, maximumBytes: number) => encodeEdgeValue(value, codec, maximumBytes),
    emit: (message: Extract<HostEvent, { type: 'tapped' }>['message']) => emit({ type: 'tapped', message }),
  };
  const taps = createTaps(ports);
  let replays = 0;
  return {
    tap({ installed, pipeline, graph, visible, recent }, request) {
      const edges = [...new Set(visible.require(request.edges))];
      let unwatch = (): void => undefined;
      taps.start({ ...request, edges }, graph, () => unwatch());
      unwatch = recent.watch(graph);
      return { pipeline: pipeline.name, release: installed.digest, edges };
    },
    untap: (tap) => taps.stop(tap, 'stopped'),
    async replay(release, request) {
      const { installed, pipeline, graph, visible } = release;
      const asked = request.edges === undefined ? graph.ports : visible.require(request.edges);
      const item = itemOf(release, request, clock.wallMs());
      if (replays >= REPLAYS_MAXIMUM)
        throw new StarlingError('overloaded', 'another replay is under way', { retryable: true, hint: 'try again when it is done' });
      replays += 1;
      try {
        const { tap, maximumBytes } = request;
        const replay = { tap, item, ports: asked, isAllowed: visible.isAllowed, maximumBytes };
        const report = await replayItem(release.graphBeside(), replay, ports);
        return { pipeline: pipeline.name, release: installed.digest, ...report };
      } finally {
        replays -= 1;
      }
    },
    releaseChanged: () => taps.stopAll('release-changed'),
  };
}

function itemOf({ pipeline, recent, graph }: WatchablePipeline, { of }: ReplayRequest, nowMs: number): ReplayableItem {
  if (of.kind !== 'input') return recent.find(of);
  const inputs = Object.keys(pipeline.inputs);
  const port = of.port ?? inputs[0];
  const reference = `${INPUT_NODE}.${port}`;
  if (port === undefined || !graph.roots.includes(reference)) {
    throw new StarlingError('unknown-input', `the pipeline takes no input "${port ?? ''}"`, {
      field: 'arguments.of.port',
      hint: `its inputs: ${inputs.join(', ') || 'none; replay the last item instead'}`,
    });
  }
  return { values: { [reference]: of.input }, stream: 'replay', timeMs: nowMs, sequence: null };
}
