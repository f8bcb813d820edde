import {
  type Histogram,
  latencyEdgesMs,
  mergeHistograms,
  quantileOf,
  type TelemetryKind,
  type TelemetryPayload,
  type TelemetryRow,
} from '@starling/shared';

/** A stored record, and whose it is. */
export type Row = TelemetryRow & { device: string };

export interface Figures {
  items: number;
  failures: number;
  latency: Histogram | undefined;
  joules: number | null;
  joulesPerInference: number | null;
}

export function figuresOf(rows: readonly Row[]): Figures {
  const inference = payloads(rows, 'inference');
  const energy = payloads(rows, 'energy');
  const inferences = energy.reduce((sum, record) => sum + record.inferences, 0);
  const agentJoules = energy.reduce((sum, record) => sum + record.agentJoules, 0);
  return {
    items: inference.reduce((sum, record) => sum + record.items, 0),
    failures: inference.reduce((sum, record) => sum + Object.values(record.failures).reduce((a, b) => a + b, 0), 0),
    latency: inference
      .map((record) => record.latencyMs)
      .filter(hasLatencyEdges)
      .reduce<Histogram | undefined>((all, each) => (all === undefined ? each : mergeHistograms(all, each)), undefined),
    joules: energy.length === 0 ? null : energy.reduce((sum, record) => sum + record.joules, 0),
    joulesPerInference: inferences === 0 ? null : agentJoules / inferences,
  };
}

/** A device with bins of its own counts, but has no say in quantiles: only equal bins can be summed. */
function hasLatencyEdges({ edges }: Histogram): boolean {
  return edges.length === latencyEdgesMs.length && edges.every((edge, index) => edge === latencyEdgesMs[index]);
}

/** Each bucket's start and rows, summed up by `point`. */
export function inBuckets<Point>(
  rows: readonly Row[],
  { fromMs, toMs }: { fromMs: number; toMs: number },
  buckets: number,
  point: (atMs: number, rows: readonly Row[]) => Point,
): Point[] {
  const widthMs = (toMs - fromMs) / buckets;
  const grouped = Map.groupBy(rows, (row) => Math.min(buckets - 1, Math.floor((row.atMs - fromMs) / widthMs)));
  return Array.from({ length: buckets }, (_, bucket) => point(Math.round(fromMs + bucket * widthMs), grouped.get(bucket) ?? []));
}

/** No agent takes nothing: a zero is a browser that does not tell. */
export function memoryOf(health: TelemetryPayload<'health'> | undefined): number | null {
  return health === undefined || health.agentMemoryBytes === 0 ? null : health.agentMemoryBytes;
}

export function quantile(histogram: Histogram | undefined, fraction: number): number | null {
  return histogram === undefined ? null : quantileOf(histogram, fraction);
}

/** Payloads were checked against their schema when they were stored. */
export function payloads<Kind extends TelemetryKind>(rows: readonly Row[], kind: Kind): TelemetryPayload<Kind>[] {
  return rows.filter((row) => row.kind === kind).map((row) => row.payload as TelemetryPayload<Kind>);
}
