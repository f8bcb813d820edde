import { type AnalysisMeasureName, analysisMeasures, analysisObjectiveSchema } from '@starling/shared';
import { figuresOfDevices, judgeMetric, type MeasureSource, sourceOf, verdictOf } from '../../fleet/src/analysis/index.ts';
import { type SimulationSettings, simulateFleet } from './simulated-fleet.ts';

/** A rollout as a gate saw it, minute by minute. */
export interface SimulatedRollout {
  /** Minute in which a gate failed; null if none did. */
  failedAt: number | null;
  /** The metrics that did. */
  failed: string[];
  /** Minutes in which a test that may be looked at once would have called the latency worse. */
  fixedRejects: number[];
}

export const LOOKS = 60;
const CONFIDENCE = 0.95;
/** Three gates, of each no more than what the control has: where nothing differs, they are right at their limit. */
const objectives = (['latency-p95', 'error-rate', 'energy-per-inference'] as const).map((measure) =>
  analysisObjectiveSchema.parse({ name: measure, measure, atMost: '1x', slack: 0, minimumDevices: 5, minimumInferences: 500 }),
);
/** Of a standard normal, with the share beyond it that one gate has on its upper side. */
const UPPER_QUANTILE = 2.394;

const settings: Omit<SimulationSettings, 'latencyFactor'> = {
  devices: 40,
  waves: [
    { minute: 0, devices: 8 },
    { minute: 15, devices: 14 },
    { minute: 30, devices: 20 },
  ],
  pastMinutes: 20,
  inferencesPerMinute: 30,
};

/** Lets a release go out, and looks at it every minute. */
export function simulateRollout(seed: number, latencyFactor: number): SimulatedRollout {
  const fleet = simulateFleet(seed, { ...settings, latencyFactor });
  const fixedRejects: number[] = [];
  let failedAt: number | null = null;
  let failed: string[] = [];
  for (let minute = 1; minute <= LOOKS; minute += 1) {
    fleet.tick();
    const sides = { candidate: fleet.candidate(), control: fleet.control() };
    const figures = (measure: AnalysisMeasureName) => {
      const source = sourceOf(measure) as MeasureSource;
      const of = (side: keyof typeof sides) => figuresOfDevices(sides[side], analysisMeasures[measure], source);
      return { candidate: of('candidate'), control: of('control') };
    };
    const latency = figures('latency-p95');
    if (rejects(latency)) fixedRejects.push(minute);
    if (failedAt !== null) continue;
    const metrics = objectives.map((objective) =>
      judgeMetric({
        ...{ objective, control: 'cohort', adjust: true, alpha: (1 - CONFIDENCE) / objectives.length, isFinal: false, nowMs: minute },
        figures: objective.measure === 'latency-p95' ? latency : figures(objective.measure),
      }),
    );
    if (verdictOf(metrics, null, false).verdict !== 'failed') continue;
    failedAt = minute;
    failed = metrics.filter(({ verdict }) => verdict === 'failed').map(({ name }) => name);
  }
  return { failedAt, failed, fixedRejects };
}

type Logs = NonNullable<ReturnType<typeof figuresOfDevices>['logs']>;

/** Welch's test on how the devices changed, of the same size as the gate, as if this look were the only one. */
function rejects({ candidate, control }: Record<'candidate' | 'control', { logs?: Logs }>): boolean {
  const [first, second] = [candidate.logs?.change, control.logs?.change].map((moments) => {
    const { devices = 0, sum = 0, squares = 0 } = moments ?? {};
    return { mean: sum / devices, variance: (squares - sum ** 2 / devices) / (devices * (devices - 1)), freedom: devices - 1 };
  }) as [Part, Part];
  if (first.freedom < 2 || second.freedom < 2) return false;
  const variance = first.variance + second.variance;
  const freedom = variance ** 2 / (first.variance ** 2 / first.freedom + second.variance ** 2 / second.freedom);
  return (first.mean - second.mean) / Math.sqrt(variance) > studentQuantile(UPPER_QUANTILE, freedom);
}

interface Part {
  mean: number;
  variance: number;
  freedom: number;
}

/** From a quantile of the normal distribution (Abramowitz & Stegun 26.7.5). */
function studentQuantile(z: number, freedom: number): number {
  const first = (z ** 3 + z) / 4;
  const second = (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96;
  return z + first / freedom + second / freedom ** 2;
}
