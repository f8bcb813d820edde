import {
  commandTable,
  messageOf,
  type NamedArtefact,
  type SessionSettings,
  StarlingError,
  type TelemetryKind,
  type TelemetryPayload,
  type TunedFigures,
  type TuneObjective,
} from '@starling/shared';
import { type BenchmarkPorts, benchmark, namedArtefacts, type Tuned, tune } from './benchmark/index.ts';
import type { Puller } from './blobs/index.ts';
import type { Measuring } from './commands/index.ts';
import type { UnderNewestRoot } from './link/index.ts';
import type { BlobStore } from './ports/blob-store.ts';
import type { Clock } from './ports/clock.ts';
import type { Log } from './ports/log.ts';
import type { MeasureHost } from './ports/measure-host.ts';
import type { RuntimeHost } from './ports/runtime-host.ts';
import type { RuntimeIdentity } from './ports/runtime-identity.ts';
import type { Sensors } from './ports/sensors.ts';
import type { Reconciler } from './reconcile/index.ts';
import { providerLadder, settingsLadder, type Tunings } from './sessions/index.ts';

interface MeasuringPorts {
  store: BlobStore;
  clock: Clock;
  host: RuntimeHost;
  sensors: Sensors;
  measureHost: MeasureHost;
  identity: RuntimeIdentity;
  cores: number;
  log: Log;
}

interface MeasuringParts {
  tunings: Tunings;
  reconciler: Reconciler;
  puller: Puller;
  underNewestRoot: UnderNewestRoot;
  record<Kind extends TelemetryKind>(kind: Kind, payload: TelemetryPayload<Kind>): void;
}

/** Wires what measures artefacts to the rest of the agent. One measures at a time: two would time each other. */
export function createMeasuring(
  ports: MeasuringPorts,
  { reconciler, puller, underNewestRoot, record, tunings }: MeasuringParts,
): Measuring {
  const { store, clock, host, sensors, measureHost, identity, cores, log } = ports;
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <Value>(work: () => Promise<Value>): Promise<Value> => {
    const turn = last.then(work, work);
    last = turn.catch(() => undefined);
    return turn;
  };
  const ladder = (executionProviders: readonly string[], tuned: SessionSettings | undefined): SessionSettings[] =>
    settingsLadder(providerLadder(executionProviders, measureHost.providers, undefined), measureHost.machine, tuned);
  const benchmarkPorts = (): BenchmarkPorts => ({
    ...{ store, puller, underNewestRoot, clock, host, sensors, measureHost, identity, cores, log },
    keeper: reconciler.keeper,
    note: (verdict) => reconciler.note(verdict),
    profile: reconciler.profile(),
    ladderFor: ({ executionProviders, model }) => ladder(executionProviders, tunings.find(model.artefact)?.settings),
    usualLadderFor: ({ executionProviders }) => ladder(executionProviders, undefined),
    objective: () => objectiveOf(reconciler),
    async keepTuning(found) {
      const { artefact, model, latencyMs, defaultLatencyMs, trials, settings, minimise } = found;
      const atMs = Math.round(clock.wallMs());
      await tunings.keep({ artefact, model, latencyMs, defaultLatencyMs, trials, settings, minimise, atMs });
      record('events', { level: 'info', code: 'tuned', message: tunedWords(found), detail: { ...found } });
    },
    record: (payload) => record('benchmark', payload),
  });
  const withArtefacts = <Args extends { artefacts: NamedArtefact[] }>(args: Args): Args => ({
    ...args,
    artefacts: args.artefacts.length > 0 ? args.artefacts : artefactsThatRun(reconciler),
  });
  return {
    benchmark: (args, signal, onProgress) => inTurn(() => benchmark(withArtefacts(args), benchmarkPorts(), signal, onProgress)),
    tune: (args, signal, onProgress) => inTurn(() => tune(withArtefacts(args), benchmarkPorts(), signal, onProgress)),
  };
}

/**
 * Tunes what runs, once for each artefact, whenever it is asked and the device is idle enough.
 * @param budgetMs for one artefact; 0 never tunes by itself
 */
export function createSelfTuning(budgetMs: number, measuring: Measuring, reconciler: Reconciler, tunings: Tunings, log: Log): () => void {
  let isTuning = false;
  return () => {
    const documents = reconciler.running();
    if (budgetMs === 0 || isTuning || documents === undefined) return;
    const artefacts = namedArtefacts(documents.release.models, documents.assignment.artefacts).filter(
      // Tuned for another goal than that of today is not tuned.
      ({ artefact }) => tunings.find(artefact)?.minimise !== objectiveOf(reconciler).minimise,
    );
    if (artefacts.length === 0) return;
    isTuning = true;
    const args = commandTable.tune.arguments.parse({ artefacts, budgetMs });
    measuring
      .tune(args, new AbortController().signal, () => undefined)
      .catch((error: unknown) => log.info('not tuned yet', { reason: messageOf(error) }))
      .finally(() => {
        isTuning = false;
      });
  };
}

/** By what settings are searched: as the artefacts were chosen, else for speed. */
function objectiveOf(reconciler: Reconciler): TuneObjective {
  return reconciler.objective() ?? { minimise: 'latency' };
}

/** What became smaller, and by how much. */
function tunedWords({
  model,
  minimise,
  energyMethod,
  latencyMs,
  defaultLatencyMs,
  figures,
  defaultFigures,
  trials,
}: Tuned & { model: string }) {
  const change = (from: string, to: string): string => `${model}: ${to} instead of ${from} after ${trials} trials`;
  const megabytes = ({ memoryBytes }: TunedFigures): string => `${((memoryBytes ?? 0) / 1e6).toFixed(1)} MB`;
  const millijoules = ({ joulesPerInference }: TunedFigures): string => `${((joulesPerInference ?? 0) * 1000).toFixed(2)} mJ`;
  const processor = ({ cpuMs }: TunedFigures): string => `${cpuMs.toFixed(2)} ms of processor time`;
  if (minimise === 'memory' && figures.memoryBytes !== null) return change(megabytes(defaultFigures), megabytes(figures));
  if (minimise === 'energy' && energyMethod === 'measured') return change(millijoules(defaultFigures), millijoules(figures));
  if (minimise === 'energy') return `${change(processor(defaultFigures), processor(figures))}; energy modelled by it`;
  return change(`${defaultLatencyMs.toFixed(2)} ms`, `${latencyMs.toFixed(2)} ms`);
}

/** @throws StarlingError `no-release` */
function artefactsThatRun(reconciler: Reconciler) {
  const documents = reconciler.running();
  if (documents === undefined) {
    throw new StarlingError('no-release', 'no release runs on this device', {
      hint: 'name the artefacts to measure, or assign a release first',
    });
  }
  return namedArtefacts(documents.release.models, documents.assignment.artefacts);
}
