import {
  isStarlingError,
  messageOf,
  type SessionSettings,
  StarlingError,
  type TunedArtefact,
  type TunedFigures,
  type TuneObjective,
} from '@starling/shared';
import { bestTrial, energyMethodOf, nextTrial, type Trial } from '../sessions/index.ts';
import { awaitIdle, type IdleMoment } from './idle.ts';
import { energyOf, type MeasureOptions, type MeasurePorts } from './measure.ts';
import { runPaced } from './run-paced.ts';
import { latencyOf } from './statistics.ts';
import type { Subject } from './subject.ts';

/** Providers that do not exist here fail at once; this many runs of one that does tell a few per cent apart. */
const WARM_UP_RUNS = 2;

export type TuneOptions = Omit<MeasureOptions, 'warmUpRuns'>;

/** What the search found. */
export type Tuned = Required<
  Pick<TunedArtefact, 'settings' | 'trials' | 'latencyMs' | 'defaultLatencyMs' | 'minimise' | 'figures' | 'defaultFigures'>
> &
  Pick<TunedArtefact, 'energyMethod'>;

/** With what the record of its energy says, for people. */
type FullTrial = Trial & { energy: ReturnType<typeof energyOf> };

/**
 * Searches the best settings of one artefact within its budget, each trial in a process of its own, on an idle device only.
 * @param ladder settings as they would be without tuning, best first
 * @throws StarlingError `device-busy`, `load-failed` if no settings gave right outputs
 */
export async function tuneArtefact(
  subject: Subject,
  ladder: readonly SessionSettings[],
  objective: TuneObjective,
  options: TuneOptions,
  ports: MeasurePorts,
  signal: AbortSignal,
  onTrial: (trials: number) => void,
): Promise<Tuned> {
  const { clock } = ports;
  const space = { providers: ladder.map(({ provider }) => provider), cores: ports.cores };
  const trials: FullTrial[] = [];
  const startedMs = clock.monotonicMs();
  for (const usual of ladder) {
    // The first provider that works is what runs today: the search starts there.
    const trial = await tryOut(subject, usual, options, ports, signal);
    trials.push(trial);
    onTrial(trials.length);
    if (Number.isFinite(trial.latencyMs)) break;
  }
  const start = trials.at(-1);
  if (start === undefined || !Number.isFinite(start.latencyMs))
    throw new StarlingError('load-failed', `${subject.model.name} gives right outputs with no provider here`, {
      field: subject.model.artefact,
    });
  while (clock.monotonicMs() - startedMs < options.budgetMs) {
    const settings = nextTrial(space, trials, start.settings, objective);
    if (settings === undefined) break;
    trials.push(await tryOut(subject, settings, options, ports, signal));
    onTrial(trials.length);
  }
  const winner = bestTrial(trials, objective);
  const best = trials.find((trial) => trial === winner) ?? start;
  return {
    ...{ settings: best.settings, trials: trials.length, latencyMs: best.latencyMs, defaultLatencyMs: start.latencyMs },
    ...{ minimise: objective.minimise, figures: figuresOf(best), defaultFigures: figuresOf(start) },
    ...(objective.minimise === 'energy' ? { energyMethod: energyMethodOf(trials) } : {}),
  };
}

function figuresOf({ latencyMsP95, cpuMs, memoryBytes, energy }: FullTrial): TunedFigures {
  return { latencyMsP95, cpuMs, memoryBytes, ...energy };
}

async function tryOut(
  { model }: Subject,
  settings: SessionSettings,
  options: TuneOptions,
  ports: MeasurePorts,
  signal: AbortSignal,
): Promise<FullTrial> {
  const { clock, sensors } = ports;
  const idle: IdleMoment = await awaitIdle(options, ports, signal);
  try {
    const session = await ports.measureHost.open(model, [settings], signal);
    try {
      if (!session.golden.passed) return failedWith(settings);
      const untilMs = clock.monotonicMs() + options.budgetMs;
      const pace = { untilMs, cores: ports.cores, maximumLoadShare: options.maximumLoadShare, live: idle.live };
      await runPaced(session, { ...pace, runs: WARM_UP_RUNS }, ports, signal, () => undefined);
      const before = { reading: await sensors.read(), atMs: clock.monotonicMs() };
      const { timesMs, cpuSeconds, peakMemoryBytes } = await runPaced(
        session,
        { ...pace, runs: options.runs },
        ports,
        signal,
        () => undefined,
      );
      const after = { reading: await sensors.read(), atMs: clock.monotonicMs() };
      const { median, p95 } = latencyOf(timesMs);
      const energy = energyOf(before, after, cpuSeconds, timesMs.length, ports.profile);
      const measuredJoules = energy.energyMethod === 'measured' ? energy.joulesPerInference : null;
      const cpuMs = (cpuSeconds * 1000) / timesMs.length;
      return { settings, latencyMs: median, latencyMsP95: p95, cpuMs, measuredJoules, memoryBytes: peakMemoryBytes, energy };
    } finally {
      await session.close();
    }
  } catch (error) {
    if (signal.aborted || (isStarlingError(error) && error.code === 'device-busy')) throw error;
    ports.log.debug('settings do not work here', { ...settings, reason: messageOf(error) });
    return failedWith(settings);
  }
}

function failedWith(settings: SessionSettings): FullTrial {
  const never = Number.POSITIVE_INFINITY;
  const energy = { joulesPerInference: null, energyMethod: null };
  return { settings, latencyMs: never, latencyMsP95: never, cpuMs: never, measuredJoules: null, memoryBytes: null, energy };
}
