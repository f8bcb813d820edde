import { type BenchmarkRecord, type CommandArguments, type PowerModel, type SessionSettings, StarlingError } from '@starling/shared';
import { energyRecord } from '../monitors/index.ts';
import type { Log } from '../ports/log.ts';
import type { MeasureHost } from '../ports/measure-host.ts';
import type { RuntimeIdentity } from '../ports/runtime-identity.ts';
import type { SensorReading } from '../ports/sensors.ts';
import type { NewVerdict } from '../reconcile/index.ts';
import { awaitIdle, type IdlePorts } from './idle.ts';
import { runPaced } from './run-paced.ts';
import { latencyOf } from './statistics.ts';
import type { Subject } from './subject.ts';

export interface MeasurePorts extends IdlePorts {
  measureHost: MeasureHost;
  identity: RuntimeIdentity;
  log: Log;
  cores: number;
  /** Remembers whether an artefact computes right here. */
  note(verdict: NewVerdict): Promise<void>;
  /** The power model of this device, for energy where no sensor tells. */
  profile: { name: string; powerModel: PowerModel } | undefined;
}

export type MeasureOptions = Omit<CommandArguments<'benchmark'>, 'artefacts'>;

/** Loaded weights as floats, activations, and the engine itself. */
const MEMORY_FACTOR = 3;
const MEMORY_BASE_BYTES = 64 * 1024 * 1024;

/**
 * Times one artefact in a process of its own: golden outputs first, then warm-up, then paced runs.
 * @throws StarlingError `device-busy`, `memory-low`, `golden-failed`, `load-failed`, ...
 */
export async function measureArtefact(
  { model, sizeBytes }: Subject,
  ladder: readonly SessionSettings[],
  options: MeasureOptions,
  ports: MeasurePorts,
  signal: AbortSignal,
  onProgress: (done: number) => void,
): Promise<BenchmarkRecord> {
  const { clock, sensors, identity } = ports;
  const idle = await awaitIdle(options, ports, signal);
  requireMemory(sizeBytes, idle.reading);
  const untilMs = clock.monotonicMs() + options.budgetMs;
  const session = await ports.measureHost.open(model, ladder, signal);
  const { settings } = session;
  try {
    const { passed, maximumError, reason } = session.golden;
    const why = passed ? {} : { code: 'golden-failed', reason: reason ?? 'wrong outputs' };
    await ports.note({ artefact: model.artefact, provider: settings.provider, passed, maximumError, ...why });
    if (!passed) {
      throw new StarlingError('golden-failed', `the golden outputs of ${model.name} do not come out here: ${reason ?? 'wrong outputs'}`, {
        field: model.artefact,
        hint: 'build another artefact for this device',
      });
    }
    const pace = { untilMs, cores: ports.cores, maximumLoadShare: options.maximumLoadShare, live: idle.live };
    if (options.warmUpRuns > 0) await runPaced(session, { ...pace, runs: options.warmUpRuns }, ports, signal, () => undefined);
    const before = { reading: await sensors.read(), atMs: clock.monotonicMs() };
    const { timesMs, cpuSeconds, peakMemoryBytes } = await runPaced(session, { ...pace, runs: options.runs }, ports, signal, onProgress);
    const after = { reading: await sensors.read(), atMs: clock.monotonicMs() };
    return {
      ...{ artefact: model.artefact, model: model.name, provider: settings.provider, ...identity, threads: settings.threads },
      ...{ warmUpRuns: options.warmUpRuns, runs: timesMs.length, latencyMs: latencyOf(timesMs), loadMs: session.loadMs },
      ...energyOf(before, after, cpuSeconds, timesMs.length, ports.profile),
      peakMemoryBytes,
      cpuSecondsPerInference: cpuSeconds / timesMs.length,
      throttled: throttledIn([idle.reading, before.reading, after.reading]),
      idleShare: idle.idleShare,
      goldenError: maximumError,
      settings,
    };
  } finally {
    await session.close();
  }
}

/** Before anything is loaded: a device that swaps measures its disk, and its pipelines suffer. @throws StarlingError `memory-low` */
function requireMemory(sizeBytes: number, { memoryAvailableBytes }: SensorReading): void {
  const neededBytes = sizeBytes * MEMORY_FACTOR + MEMORY_BASE_BYTES;
  if (neededBytes <= memoryAvailableBytes) return;
  throw new StarlingError('memory-low', `the artefact needs about ${neededBytes} bytes of memory, ${memoryAvailableBytes} are available`, {
    hint: 'measure it on a device with more memory',
    retryable: true,
  });
}

/** The share of the energy above idle that the runs caused, by their CPU time. */
export function energyOf(
  before: { reading: SensorReading; atMs: number },
  after: { reading: SensorReading; atMs: number },
  cpuSeconds: number,
  inferences: number,
  profile: MeasurePorts['profile'],
): Pick<BenchmarkRecord, 'joulesPerInference' | 'energyMethod'> {
  const window = { startMs: 0, lengthMs: after.atMs - before.atMs, release: null };
  // A browser sees nothing of the device: there the runs are all that is known to have been busy.
  const busySeconds = Math.max(cpuSeconds, after.reading.cpuBusySeconds - before.reading.cpuBusySeconds);
  const energy = energyRecord(
    window,
    { ...before.reading, agentCpuSeconds: 0 },
    { ...after.reading, agentCpuSeconds: cpuSeconds, cpuBusySeconds: before.reading.cpuBusySeconds + busySeconds },
    inferences,
    profile,
  );
  return { joulesPerInference: energy?.joulesPerInference ?? null, energyMethod: energy?.method ?? null };
}

function throttledIn(readings: readonly SensorReading[]): boolean | null {
  const known = readings.map(({ throttled }) => throttled).filter((throttled) => throttled !== null);
  return known.length === 0 ? null : known.includes(true);
}
