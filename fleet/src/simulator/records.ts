import {
  addToHistogram,
  createHistogram,
  type DesiredState,
  latencyEdgesMs,
  type TelemetryKind,
  type TelemetryPayload,
} from '@starling/shared';
import type { Behaviour } from './behaviour.ts';
import type { ReleaseFacts } from './messages.ts';

export interface WindowOfDevice {
  startMs: number;
  lengthMs: number;
  release: string | null;
  facts: ReleaseFacts | undefined;
  powerModel: NonNullable<DesiredState['profile']>['powerModel'] | undefined;
  profile: string;
}

/** What a device records of one window: inference of each of its pipelines, energy, and its own health. */
export function recordsOf(behaviour: Behaviour, window: WindowOfDevice): { kind: TelemetryKind; payload: unknown }[] {
  const { startMs, lengthMs, release, facts } = window;
  const head = { startMs, lengthMs, release };
  let [busyMs, inferences] = [0, 0];
  const records: { kind: TelemetryKind; payload: unknown }[] = [];
  for (const pipeline of facts?.pipelines ?? []) {
    const { latenciesMs, failures } = behaviour.window(facts?.name ?? '', lengthMs);
    const latencyMs = createHistogram(latencyEdgesMs);
    for (const each of latenciesMs) addToHistogram(latencyMs, each);
    busyMs += latencyMs.sum;
    inferences += latenciesMs.length;
    const inference: TelemetryPayload<'inference'> = {
      ...{ ...head, pipeline, items: latenciesMs.length + failures, dropped: 0, latencyMs },
      failures: failures === 0 ? {} : { 'simulated-failure': failures },
      nodes: {},
    };
    records.push({ kind: 'inference', payload: inference });
  }
  const utilisation = Math.min(1, 0.03 + busyMs / (lengthMs * 2));
  records.push({ kind: 'energy', payload: energyOf(window, utilisation, inferences) });
  const health: TelemetryPayload<'health'> = {
    ...{ ...head, cpuUtilisation: utilisation, agentCpuSeconds: (utilisation * lengthMs) / 1000, agentMemoryBytes: 180 * 1024 ** 2 },
    ...{ memoryAvailableBytes: 2 * 1024 ** 3, diskFreeBytes: 20 * 1024 ** 3, temperatureCelsius: behaviour.temperatureCelsius() },
    ...{ throttled: false, spoolBytes: 0 },
  };
  records.push({ kind: 'health', payload: health });
  return records;
}

function energyOf({ startMs, lengthMs, release, powerModel, profile }: WindowOfDevice, utilisation: number, inferences: number) {
  const { idleWatts = 2, maximumWatts = 6 } = powerModel ?? {};
  const agentJoules = ((maximumWatts - idleWatts) * utilisation * lengthMs) / 1000;
  const joules = (idleWatts * lengthMs) / 1000 + agentJoules;
  const energy: TelemetryPayload<'energy'> = {
    ...{ startMs, lengthMs, release, joules, agentJoules, inferences, method: 'modelled', source: profile },
    joulesPerInference: inferences === 0 ? null : agentJoules / inferences,
  };
  return energy;
}
