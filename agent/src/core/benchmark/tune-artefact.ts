import { isStarlingError, messageOf, type SessionSettings, StarlingError, type TunedArtefact } from '@starling/shared';
import { bestTrial, nextTrial, type Trial } from '../sessions/index.ts';
import { awaitIdle, type IdleMoment } from './idle.ts';
import type { MeasureOptions, MeasurePorts } from './measure.ts';
import { runPaced } from './run-paced.ts';
import { latencyOf } from './statistics.ts';
import type { Subject } from './subject.ts';

/** Providers that do not exist here fail at once; this many runs of one that does tell a few per cent apart. */
const WARM_UP_RUNS = 2;

export type TuneOptions = Omit<MeasureOptions, 'warmUpRuns'>;

/**
 * Searches the best settings of one artefact within its budget, each trial in a process of its own, on an idle device only.
 * @param ladder settings as they would be without tuning, best first
 * @throws StarlingError `device-busy`, `load-failed` if no settings gave right outputs
 */
export async function tuneArtefact(
  subject: Subject,
  ladder: readonly SessionSettings[],
  options: TuneOptions,
  ports: MeasurePorts,
  signal: AbortSignal,
  onTrial: (trials: number) => void,
): Promise<Required<Pick<TunedArtefact, 'settings' | 'trials' | 'latencyMs' | 'defaultLatencyMs'>>> {
  const { clock } = ports;
  const space = { providers: ladder.map(({ provider }) => provider), cores: ports.cores };
  const trials: Trial[] = [];
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
    const settings = nextTrial(space, trials, start.settings);
    if (settings === undefined) break;
    trials.push(await tryOut(subject, settings, options, ports, signal));
    onTrial(trials.length);
  }
  const best = bestTrial(trials) ?? start;
  return { settings: best.settings, trials: trials.length, latencyMs: best.latencyMs, defaultLatencyMs: start.latencyMs };
}

async function tryOut(
  { model }: Subject,
  settings: SessionSettings,
  options: TuneOptions,
  ports: MeasurePorts,
  signal: AbortSignal,
): Promise<Trial> {
  const idle: IdleMoment = await awaitIdle(options, ports, signal);
  try {
    const session = await ports.measureHost.open(model, [settings], signal);
    try {
      if (!session.golden.passed) return { settings, latencyMs: Number.POSITIVE_INFINITY, cpuMs: Number.POSITIVE_INFINITY };
      const untilMs = ports.clock.monotonicMs() + options.budgetMs;
      const pace = { untilMs, cores: ports.cores, maximumLoadShare: options.maximumLoadShare, live: idle.live };
      await runPaced(session, { ...pace, runs: WARM_UP_RUNS }, ports, signal, () => undefined);
      const { timesMs, cpuSeconds } = await runPaced(session, { ...pace, runs: options.runs }, ports, signal, () => undefined);
      return { settings, latencyMs: latencyOf(timesMs).median, cpuMs: (cpuSeconds * 1000) / timesMs.length };
    } finally {
      await session.close();
    }
  } catch (error) {
    if (signal.aborted || (isStarlingError(error) && error.code === 'device-busy')) throw error;
    ports.log.debug('settings do not work here', { ...settings, reason: messageOf(error) });
    return { settings, latencyMs: Number.POSITIVE_INFINITY, cpuMs: Number.POSITIVE_INFINITY };
  }
}
