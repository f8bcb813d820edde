import { StarlingError } from '@starling/shared';
import type { MeasureSession } from '../ports/measure-host.ts';
import { type IdlePorts, pause } from './idle.ts';
import { burstRuns, isSlowed, type LiveMean, liveMean, pauseMs, SLOWED_MAXIMUM } from './pace.ts';

export interface PacedRuns {
  timesMs: number[];
  cpuSeconds: number;
  peakMemoryBytes: number | null;
}

export interface Pace {
  runs: number;
  /** Moment by `clock.monotonicMs` after which no burst starts. */
  untilMs: number;
  cores: number;
  maximumLoadShare: number;
  /** How fast live pipelines were before. */
  live: LiveMean;
}

/**
 * Runs a model in short bursts with pauses between them, so that it takes its share of the processor and no more.
 * @returns at least one run; fewer than asked for when the time is up
 * @throws StarlingError `device-busy` when live pipelines stay slower than they may, however long the pauses are
 */
export async function runPaced(
  session: MeasureSession,
  pace: Pace,
  { clock, sensors, host }: IdlePorts,
  signal: AbortSignal,
  onRuns: (done: number) => void,
): Promise<PacedRuns> {
  const timesMs: number[] = [];
  let cpuSeconds = 0;
  let peakMemoryBytes: number | null = null;
  let slowed = 0;
  while (timesMs.length < pace.runs) {
    signal.throwIfAborted();
    if (timesMs.length > 0 && clock.monotonicMs() >= pace.untilMs) break;
    const runMs = timesMs.at(-1) ?? Number.POSITIVE_INFINITY;
    const [liveBefore, busyBefore] = [await host.live(), await sensors.read()];
    const burst = await session.burst(burstRuns(runMs, pace.runs - timesMs.length));
    // Of a server beside the agent only the whole device tells.
    const burstCpu = burst.cpuSeconds ?? (await sensors.read()).cpuBusySeconds - busyBefore.cpuBusySeconds;
    timesMs.push(...burst.timesMs);
    cpuSeconds += burstCpu;
    if (burst.peakMemoryBytes !== null) peakMemoryBytes = Math.max(peakMemoryBytes ?? 0, burst.peakMemoryBytes);
    onRuns(timesMs.length);
    if (timesMs.length >= pace.runs) break;
    await pause(clock, pauseMs({ cpuSeconds: burstCpu, wallMs: burst.wallMs }, pace.cores, pace.maximumLoadShare, slowed), signal);
    slowed = isSlowed(pace.live, liveMean(liveBefore, await host.live()), pace.maximumLoadShare) ? slowed + 1 : 0;
    if (slowed >= SLOWED_MAXIMUM) {
      throw new StarlingError('device-busy', `live pipelines got slower than ${pace.live.meanMs.toFixed(1)} ms allow`, {
        field: 'maximumLoadShare',
        hint: 'try when fewer pipelines run',
        retryable: true,
      });
    }
  }
  return { timesMs, cpuSeconds, peakMemoryBytes };
}
