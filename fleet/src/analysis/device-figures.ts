import { type AnalysisMeasure, type AnalysisMeasureName, latencyEdgesMs } from '@starling/shared';
import type { RollUp } from '../telemetry/index.ts';
import { type CohortFigures, DEVICE_INFERENCES_MINIMUM, type DeviceCounts, gatherLogs, gatherMoments } from './moments.ts';
import { countBelow, placeOf, quantileOfBins } from './quantiles.ts';

type Counted = Pick<RollUp, 'subject' | 'count' | 'hits' | 'total' | 'bins'> & Pick<MeasureSource, 'kind'>;

/** Roll-ups of one device: since the analysis began on the release in question, and before. */
export interface DeviceRollUps {
  now: readonly Counted[];
  past: readonly Counted[];
}

/** Which roll-ups a measure is made of, and what it takes from each: the same in SQL (`figures-sql.ts`) and here. */
export interface MeasureSource {
  /** `feedback`: outcomes that came back for results of the device, summed in the question itself. */
  kind: RollUp['kind'] | 'feedback';
  /** `devices`: one per device that sent anything, and whether there was such an event. */
  a: 'hits' | 'total' | 'below' | 'any';
  b: 'count' | 'values' | 'one';
  subject?: string;
}

const sources: Readonly<Record<AnalysisMeasureName, MeasureSource | null>> = {
  'latency-p50': { kind: 'inference', a: 'below', b: 'values' },
  'latency-p95': { kind: 'inference', a: 'below', b: 'values' },
  'latency-p99': { kind: 'inference', a: 'below', b: 'values' },
  'error-rate': { kind: 'inference', a: 'hits', b: 'count' },
  'crash-rate': { kind: 'event', a: 'any', b: 'one', subject: 'host-crashed' },
  'rollback-rate': { kind: 'event', a: 'any', b: 'one', subject: 'rolled-back' },
  drift: { kind: 'drift', a: 'total', b: 'count' },
  'energy-per-inference': { kind: 'energy', a: 'total', b: 'count' },
  // The price of the time that items took; the store multiplies by what the device costs.
  'cost-per-inference': { kind: 'inference', a: 'total', b: 'count' },
  accuracy: { kind: 'feedback', a: 'total', b: 'count' },
  // Only a shadow has two answers to one item; experiments count them.
  agreement: null,
};

export function sourceOf(measure: AnalysisMeasureName): MeasureSource | null {
  return sources[measure];
}

/** The sums of a measure over devices, as the SQL makes them from the tables. */
export function figuresOfDevices(devices: readonly DeviceRollUps[], measure: AnalysisMeasure, source: MeasureSource): CohortFigures {
  const chosen = devices.map(({ now, past }) => ({
    now: ofKind(now, source),
    past: ofKind(past, source),
    sent: { now: now.length > 0, past: past.length > 0 },
  }));
  if (source.a === 'any') {
    const counts = ({ length }: { length: number }, sent: boolean) => (sent ? { a: length > 0 ? 1 : 0, b: 1 } : null);
    return gatherMoments(
      chosen.map(({ now, past, sent }): DeviceCounts => ({ now: counts(now, sent.now), past: counts(past, sent.past) })),
    );
  }
  if (source.a !== 'below') {
    const { a } = source;
    const counts = (rows: readonly Counted[]) =>
      rows.length === 0 ? null : { a: sum(rows, (row) => row[a]), b: sum(rows, ({ count }) => count) };
    const counted = chosen.map(({ now, past }): DeviceCounts => ({ now: counts(now), past: counts(past) }));
    const log = (side: DeviceCounts['now']) =>
      side === null || side.a <= 0 || side.b < DEVICE_INFERENCES_MINIMUM ? null : Math.log(side.a / side.b);
    const logs = measure.kind === 'mean' ? { logs: gatherLogs(counted.map(({ now, past }) => ({ now: log(now), past: log(past) }))) } : {};
    return { ...gatherMoments(counted), ...logs };
  }
  const sketches = chosen.map(({ now, past }) => ({ now: binsOf(now), past: binsOf(past) }));
  const level = measure.level ?? 0.5;
  const pooled = { now: addBins(sketches.map(({ now }) => now)), past: addBins(sketches.map(({ past }) => past)) };
  const places = { now: placeOf(pooled.now, level), past: placeOf(pooled.past, level) };
  const counts = (bins: number[] | null, place: ReturnType<typeof placeOf>) =>
    bins === null || place === null ? null : { a: countBelow(bins, place), b: countOf(bins) };
  const log = (bins: number[] | null) =>
    bins === null || countOf(bins) < DEVICE_INFERENCES_MINIMUM ? null : Math.log(quantileOfBins(bins, level) as number);
  return {
    ...gatherMoments(sketches.map(({ now, past }): DeviceCounts => ({ now: counts(now, places.now), past: counts(past, places.past) }))),
    bins: pooled,
    logs: gatherLogs(sketches.map(({ now, past }) => ({ now: log(now), past: log(past) }))),
  };
}

function ofKind(rows: readonly Counted[], { kind, subject }: MeasureSource): Counted[] {
  return rows.filter((row) => row.kind === kind && (subject === undefined || row.subject === subject));
}

function countOf(bins: readonly number[]): number {
  return bins.reduce((total, count) => total + count, 0);
}

function sum(rows: readonly Counted[], value: (row: Counted) => number): number {
  return rows.reduce((total, row) => total + value(row), 0);
}

function binsOf(rows: readonly Counted[]): number[] | null {
  const sketches = rows.flatMap(({ bins }) => (bins === null ? [] : [bins]));
  return sketches.length === 0 ? null : addBins(sketches);
}

function addBins(sketches: readonly (readonly number[] | null)[]): number[] {
  const total = new Array<number>(latencyEdgesMs.length + 1).fill(0);
  for (const sketch of sketches) {
    if (sketch === null) continue;
    for (let bin = 0; bin < total.length; bin += 1) total[bin] = (total[bin] as number) + (sketch[bin] ?? 0);
  }
  return total;
}
