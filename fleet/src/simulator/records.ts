import {
  addToHistogram,
  createHistogram,
  type DesiredState,
  latencyEdgesMs,
  type TelemetryKind,
  type TelemetryPayload,
} from '@starling/shared';
import type { Behaviour } from './behaviour.ts';
import type { Arm, Experiment } from './challengers.ts';
import type { ReleaseFacts } from './messages.ts';

export interface WindowOfDevice {
  startMs: number;
  lengthMs: number;
  release: string | null;
  facts: ReleaseFacts | undefined;
  experiment?: Experiment | undefined;
  powerModel: NonNullable<DesiredState['profile']>['powerModel'] | undefined;
  profile: string;
}

interface SimulatedRecord {
  kind: TelemetryKind;
  payload: unknown;
}

/** What one release did in a window. */
interface ArmWork {
  release: string | null;
  records: SimulatedRecord[];
  busyMs: number;
  inferences: number;
}

/** What a device records of one window: inference of each of its pipelines and energy, of each release that runs, and its own health. */
export function recordsOf(behaviour: Behaviour, window: WindowOfDevice): SimulatedRecord[] {
  const { startMs, lengthMs, release, facts, experiment } = window;
  const challengers = experiment?.arms ?? [];
  const elsewhere = experiment === undefined || experiment.isShadow ? 0 : challengers.reduce((sum, { share }) => sum + share, 0);
  const own = workOf(behaviour, window, { release, facts, share: 1 - elsewhere }, false);
  const others = challengers.map((arm) => workOf(behaviour, window, arm, experiment?.isShadow === true));
  const works = [own, ...others.filter(({ inferences }) => inferences > 0)];
  const busyMs = works.reduce((sum, work) => sum + work.busyMs, 0);
  const utilisation = Math.min(1, 0.03 + busyMs / (lengthMs * 2));
  const health: TelemetryPayload<'health'> = {
    ...{ startMs, lengthMs, release, cpuUtilisation: utilisation, agentCpuSeconds: (utilisation * lengthMs) / 1000 },
    ...{ agentMemoryBytes: 180 * 1024 ** 2, memoryAvailableBytes: 2 * 1024 ** 3, diskFreeBytes: 20 * 1024 ** 3 },
    ...{ temperatureCelsius: behaviour.temperatureCelsius(), throttled: false, spoolBytes: 0 },
  };
  return [
    ...works.flatMap(({ records }) => records),
    ...works.map((work): SimulatedRecord => {
      const part = busyMs === 0 ? 1 : work.busyMs / busyMs;
      return { kind: 'energy', payload: energyOf(window, work, utilisation, part) };
    }),
    { kind: 'health', payload: health },
  ];
}

function workOf(behaviour: Behaviour, { startMs, lengthMs, experiment }: WindowOfDevice, arm: OwnArm, isShadow: boolean): ArmWork {
  const { release, facts, share } = arm;
  const work: ArmWork = { release, records: [], busyMs: 0, inferences: 0 };
  for (const pipeline of facts?.pipelines ?? []) {
    const { latenciesMs, failures } = behaviour.window(facts?.name ?? '', lengthMs, share);
    const [done, items] = [latenciesMs.length, latenciesMs.length + failures];
    if (items === 0) continue;
    const latencyMs = createHistogram(latencyEdgesMs);
    for (const each of latenciesMs) addToHistogram(latencyMs, each);
    work.busyMs += latencyMs.sum;
    work.inferences += done;
    // What is not computed cannot differ.
    const compared = isShadow ? { compared: done, agreed: done } : { compared: 0, agreed: 0 };
    const inference: TelemetryPayload<'inference'> = {
      ...{ startMs, lengthMs, release, pipeline, items, dropped: 0, latencyMs, nodes: {} },
      failures: failures === 0 ? {} : { 'simulated-failure': failures },
      ...(experiment === undefined ? {} : { experiment: { id: experiment.id, isShadow, ...compared, shed: 0 } }),
    };
    work.records.push({ kind: 'inference', payload: inference });
  }
  return work;
}

type OwnArm = Omit<Arm, 'release'> & { release: string | null };

/** @param part of what the agent takes, by the time in nodes */
function energyOf(
  { startMs, lengthMs, powerModel, profile, experiment }: WindowOfDevice,
  { release, inferences }: ArmWork,
  utilisation: number,
  part: number,
): TelemetryPayload<'energy'> {
  const { idleWatts = 2, maximumWatts = 6 } = powerModel ?? {};
  const agentJoules = (part * ((maximumWatts - idleWatts) * utilisation * lengthMs)) / 1000;
  const joules = (part * idleWatts * lengthMs) / 1000 + agentJoules;
  return {
    ...{ startMs, lengthMs, release, joules, agentJoules, inferences, method: 'modelled', source: profile },
    joulesPerInference: inferences === 0 ? null : agentJoules / inferences,
    ...(experiment === undefined ? {} : { experiment: experiment.id }),
  };
}
