import { StarlingError } from '@starling/shared';
import type { Clock } from '../ports/clock.ts';
import type { RuntimeHost } from '../ports/runtime-host.ts';
import type { SensorReading, Sensors } from '../ports/sensors.ts';
import { type LiveMean, liveMean } from './pace.ts';

export interface IdlePorts {
  clock: Clock;
  sensors: Sensors;
  host: Pick<RuntimeHost, 'live'>;
}

export interface IdleMoment {
  idleShare: number;
  /** How fast live pipelines are while nothing is measured. */
  live: LiveMean;
  reading: SensorReading;
}

/** One look at how busy a device is; long enough for counters that tick in hundredths of a second. */
const LOOK_MS = 500;

/**
 * Waits until enough of the processor is idle.
 * @throws StarlingError `device-busy` after `idleWaitMs`
 */
export async function awaitIdle(
  { minimumIdleShare, idleWaitMs }: { minimumIdleShare: number; idleWaitMs: number },
  ports: IdlePorts,
  signal: AbortSignal,
): Promise<IdleMoment> {
  const { clock, sensors, host } = ports;
  const startedMs = clock.monotonicMs();
  for (;;) {
    const [before, liveBefore] = [await sensors.read(), await host.live()];
    await pause(clock, LOOK_MS, signal);
    const [reading, liveAfter] = [await sensors.read(), await host.live()];
    const idleShare = idleBetween(before, reading);
    if (idleShare >= minimumIdleShare) return { idleShare, live: liveMean(liveBefore, liveAfter), reading };
    if (clock.monotonicMs() - startedMs >= idleWaitMs) {
      throw new StarlingError(
        'device-busy',
        `only ${percent(idleShare)} of the processor is idle, ${percent(minimumIdleShare)} are needed`,
        {
          field: 'minimumIdleShare',
          hint: 'try when fewer pipelines run, or lower minimumIdleShare and expect slower figures',
          retryable: true,
        },
      );
    }
  }
}

/** @throws the signal's reason if it is aborted meanwhile */
export async function pause(clock: Clock, lengthMs: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  if (lengthMs <= 0) return;
  await new Promise<void>((resolve) => {
    const cancel = clock.after(lengthMs, () => {
      signal.removeEventListener('abort', stop);
      resolve();
    });
    const stop = (): void => {
      cancel();
      resolve();
    };
    signal.addEventListener('abort', stop, { once: true });
  });
  signal.throwIfAborted();
}

function idleBetween(before: SensorReading, after: SensorReading): number {
  const total = after.cpuTotalSeconds - before.cpuTotalSeconds;
  if (total <= 0) return 0;
  return Math.min(1, Math.max(0, 1 - (after.cpuBusySeconds - before.cpuBusySeconds) / total));
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
