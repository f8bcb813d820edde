import type { TelemetryPayload } from '@starling/shared';
import { energyOfWindow, type PowerModel } from '@starling/shared';
import type { SensorReading } from '../ports/sensors.ts';

type EnergyRecord = TelemetryPayload<'energy'>;
type HealthRecord = TelemetryPayload<'health'>;

interface Window {
  startMs: number;
  lengthMs: number;
  release: string | null;
}

/**
 * Energy of a window. A counter (RAPL, hwmon energy) or a power sensor is measured; without one the profile's power curve is applied
 * to the measured CPU utilisation and the result is labelled `modelled`. The agent's share is that above idle, split by CPU time, as
 * Kepler and scaphandre attribute it.
 * @returns undefined if there is neither a sensor nor a power model
 */
export function energyRecord(
  window: Window,
  before: SensorReading,
  after: SensorReading,
  inferences: number,
  profile: { name: string; powerModel: PowerModel } | undefined,
): EnergyRecord | undefined {
  const seconds = window.lengthMs / 1000;
  if (seconds <= 0) return undefined;
  const utilisation = utilisationBetween(before, after);
  const modelled = profile === undefined ? undefined : energyOfWindow(profile.powerModel, utilisation, seconds);
  const measured = measuredJoules(before, after, seconds);
  const joules = measured?.joules ?? modelled?.joules;
  if (joules === undefined) return undefined;
  const idleJoules = modelled?.idleJoules ?? 0;
  const share = shareOfAgent(before, after);
  const agentJoules = Math.max(0, joules - idleJoules) * share;
  return {
    ...window,
    joules,
    agentJoules,
    inferences,
    joulesPerInference: inferences === 0 ? null : agentJoules / inferences,
    method: measured === undefined ? 'modelled' : 'measured',
    source: measured?.source ?? profile?.name ?? 'unknown',
  };
}

/**
 * The energy of a window by the releases that ran in it, in proportion to the time in their nodes: sensors tell of the device alone. The
 * parts add up to the whole.
 */
export function splitEnergy(whole: EnergyRecord, ran: readonly { release: string; items: number; busyMs: number }[]): EnergyRecord[] {
  const busy = ran.filter(({ items, busyMs }) => items > 0 && busyMs > 0);
  const totalMs = busy.reduce((sum, { busyMs }) => sum + busyMs, 0);
  if (busy.length < 2) return [{ ...whole, release: busy[0]?.release ?? whole.release }];
  return busy.map(({ release, items, busyMs }) => {
    const agentJoules = (whole.agentJoules * busyMs) / totalMs;
    return {
      ...whole,
      ...{ release, agentJoules, joules: (whole.joules * busyMs) / totalMs, inferences: items, joulesPerInference: agentJoules / items },
    };
  });
}

export function healthRecord(window: Window, before: SensorReading, after: SensorReading): HealthRecord {
  return {
    ...window,
    cpuUtilisation: utilisationBetween(before, after),
    agentCpuSeconds: Math.max(0, after.agentCpuSeconds - before.agentCpuSeconds),
    agentMemoryBytes: after.agentMemoryBytes,
    memoryAvailableBytes: after.memoryAvailableBytes,
    diskFreeBytes: after.diskFreeBytes,
    temperatureCelsius: after.temperatureCelsius,
    throttled: after.throttled,
    ...(after.battery === undefined ? {} : { battery: after.battery }),
    spoolBytes: 0,
  };
}

/** Share of all cores that was busy between two readings, 0..1. */
function utilisationBetween(before: SensorReading, after: SensorReading): number {
  const total = after.cpuTotalSeconds - before.cpuTotalSeconds;
  return total <= 0 ? 0 : Math.min(1, Math.max(0, (after.cpuBusySeconds - before.cpuBusySeconds) / total));
}

function shareOfAgent(before: SensorReading, after: SensorReading): number {
  const busy = after.cpuBusySeconds - before.cpuBusySeconds;
  return busy <= 0 ? 0 : Math.min(1, Math.max(0, (after.agentCpuSeconds - before.agentCpuSeconds) / busy));
}

function measuredJoules(before: SensorReading, after: SensorReading, seconds: number): { joules: number; source: string } | undefined {
  if (after.energyCounter !== null && before.energyCounter !== null && after.energyCounter.source === before.energyCounter.source) {
    const { joules, wrapsAtJoules, source } = after.energyCounter;
    const difference = joules - before.energyCounter.joules;
    // The counter wraps (RAPL: max_energy_range_uj); one wrap per window is possible, two are not at these lengths.
    const grown = difference >= 0 ? difference : difference + wrapsAtJoules;
    // Below zero all the same: it was reset, and what it says of this window is unknown.
    return grown >= 0 ? { joules: grown, source } : undefined;
  }
  if (after.powerWatts !== null) {
    const watts = before.powerWatts === null ? after.powerWatts.watts : (before.powerWatts.watts + after.powerWatts.watts) / 2;
    return { joules: watts * seconds, source: after.powerWatts.source };
  }
  return undefined;
}
