import { type CommandResultOf, type InferenceResult, type ReplayResult, StarlingError, type TapCounts } from '@starling/shared';
import type { ChosenArm } from '../experiments/index.ts';
import { createTraceBatch, type TapArguments } from '../pipelines/index.ts';
import { createPartStreams, type OpenPart } from '../placement/index.ts';
import type { Clock } from '../ports/clock.ts';
import type { MachineSettings } from '../ports/engine.ts';
import type {
  HostEvent,
  HostExperiment,
  InferInput,
  InferOptions,
  InstalledRelease,
  LiveLoad,
  LoadReport,
  PlacementState,
  ReplayRequest,
  SelfTestReport,
  StartedTap,
} from '../ports/runtime-host.ts';
import type { Sensors } from '../ports/sensors.ts';
import { createSessionPool } from '../sessions/index.ts';
import { createArms } from './arms.ts';
import { testRelease } from './golden.ts';
import { type LoadedRelease, type LoadPorts, loadRelease } from './loaded-release.ts';
import { freeModel, loadModel } from './model-memory.ts';
import { createTelemetryLoop } from './telemetry-loop.ts';
import { createEdgeWatch } from './watch-edges.ts';

export interface RuntimePorts extends Omit<LoadPorts, 'pool' | 'traceRatio' | 'traces' | 'streams'> {
  clock: Clock;
  sensors: Sensors;
  /** How models are loaded for which nothing better was found out. */
  machine: MachineSettings;
  emit: (event: HostEvent) => void;
}

/** The runtime host without its process: what the other side of the boundary calls. */
export interface Runtime {
  load(release: InstalledRelease): Promise<LoadReport>;
  selfTest(key: string): Promise<SelfTestReport>;
  activate(key: string): Promise<void>;
  unload(key: string): Promise<void>;
  infer(input: InferInput, options?: InferOptions & ChosenArm): Promise<InferenceResult>;
  experiment(experiment: HostExperiment | null): Promise<void>;
  tap(request: TapArguments): StartedTap;
  untap(tap: string): TapCounts | undefined;
  replay(request: ReplayRequest): Promise<ReplayResult>;
  loadModel(model: string): Promise<CommandResultOf<'model-load'>>;
  freeModel(model: string): Promise<CommandResultOf<'model-unload'>>;
  trace(ratio: number): void;
  placement(state: PlacementState): void;
  stream(from: string, topic: { pipeline: string; part: string }, payload: Uint8Array): void;
  live(): LiveLoad;
  close(): Promise<void>;
}

export function createRuntime(ports: RuntimePorts): Runtime {
  const pool = createSessionPool(ports.engine, ports.machine, (model, from, to, reason) =>
    ports.emit({ type: 'fell-back', model, from, to, reason }),
  );
  const loaded = new Map<string, LoadedRelease>();
  let active: LoadedRelease | undefined;
  let traceRatio = 0;
  const traces = createTraceBatch({ clock: ports.clock, emit: (payload) => ports.emit({ type: 'record', kind: 'traces', payload }) });
  const live: LiveLoad = { items: 0, totalMs: 0 };
  const arms = createArms({ clock: ports.clock, find: (key) => loaded.get(key), emit: ports.emit }, ports.machine.threads);
  /** Releases whose parts run here for others, beside the one of the device. */
  const helped = (): LoadedRelease[] => [...loaded.values()].filter((each) => each !== active && each.installed.places !== undefined);
  const telemetry = createTelemetryLoop(ports, () => active, { ...arms, releases: () => [...arms.releases(), ...helped()] });
  const edges = createEdgeWatch(ports);
  const streams = createPartStreams({
    ...{ clock: ports.clock, random: ports.random },
    emit: (to, { pipeline, part }, payload) => ports.emit({ type: 'stream', to, pipeline, part, payload }),
    openPart(home, { release, pipeline, part, isBeside }) {
      // The one that takes items goes before one that is being tried or has had its day.
      const all = [active, ...loaded.values()].filter((each) => each?.installed.digest === release);
      const open = all.find((each) => each?.installed.places !== undefined)?.pipeline(pipeline).openPart;
      if (open === undefined)
        throw new StarlingError('no-release', `release ${release.slice(0, 12)} does not run here for others`, { retryable: true });
      return counted(open(part, home, isBeside), ports.clock, live, telemetry.worked);
    },
  });

  const find = (key: string): LoadedRelease => {
    const release = loaded.get(key);
    if (release === undefined) throw new StarlingError('not-loaded', `release ${key.slice(0, 12)} is not loaded`);
    return release;
  };
  const requireActive = (): LoadedRelease => {
    if (active === undefined)
      throw new StarlingError('no-release', 'no release runs on this device', { hint: 'assign a release first', retryable: true });
    return active;
  };
  /** Of a device that this one works for the release by which it does. */
  const watched = ({ home, pipeline }: TapArguments): LoadedRelease => {
    const of = home === undefined || pipeline === undefined ? undefined : streams.releaseOf(home, pipeline);
    return helped().find(({ installed }) => installed.digest === of && of !== active?.installed.digest) ?? requireActive();
  };
  return {
    async load(installed) {
      const startedMs = ports.clock.monotonicMs();
      const known = loaded.get(installed.key);
      const release = known ?? (await loadRelease(installed, { ...ports, pool, streams, traces, traceRatio: () => traceRatio }));
      loaded.set(installed.key, release);
      const providers = Object.fromEntries(release.models.map((model) => [model.name, model.session.provider]));
      return { providers, loadMs: ports.clock.monotonicMs() - startedMs };
    },
    selfTest: async (key) => testRelease(find(key), ports),
    async activate(key) {
      const next = find(key);
      if (active === next) return;
      telemetry.endWindow();
      edges.releaseChanged();
      for (const { tracer } of active?.pipelines ?? []) tracer.flush();
      active = next;
      telemetry.start(next.installed.telemetryWindowMs);
    },
    async unload(key) {
      const release = find(key);
      if (release === active) throw new StarlingError('still-active', 'the active release cannot be unloaded');
      loaded.delete(key);
      streams.releaseGone(release.installed.digest);
      await release.unload();
    },
    async infer(input, options = {}) {
      const result = await arms.infer(requireActive(), input, options).finally(telemetry.worked);
      live.items += 1;
      live.totalMs += result.latencyMs;
      if (options.source !== undefined) ports.emit({ type: 'result', source: options.source, result });
      return result;
    },
    async experiment(experiment) {
      // What was before is told as it was.
      await telemetry.endWindow();
      arms.set(experiment);
    },
    tap: (request) => edges.tap(watched(request).pipeline(request.pipeline), request),
    untap: (tap) => edges.untap(tap),
    replay: async (request) => edges.replay(requireActive().pipeline(request.pipeline), request),
    loadModel: async (model) => loadModel(requireActive(), model, pool, ports.clock),
    freeModel: async (model) => freeModel(requireActive(), model, pool),
    trace(ratio) {
      traceRatio = ratio;
    },
    placement: (state) => streams.setPlacement(state),
    stream: (from, topic, payload) => streams.receive(from, topic, payload),
    live: () => ({ ...live }),
    async close() {
      telemetry.stop();
      await telemetry.endWindow();
      active = undefined;
      await Promise.allSettled([...loaded.values()].map((release) => release.unload()));
      await pool.close();
    },
  };
}

/** Items of others are work too. */
function counted(part: OpenPart, clock: Clock, live: LiveLoad, worked: () => void): OpenPart {
  return {
    ...part,
    async run(item) {
      const startedMs = clock.monotonicMs();
      const outputs = await part.run(item).finally(worked);
      live.items += 1;
      live.totalMs += clock.monotonicMs() - startedMs;
      return outputs;
    },
  };
}
