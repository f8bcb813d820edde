import {
  type FleetPoint,
  type Histogram,
  latencyEdgesMs,
  mergeHistograms,
  type PageQuery,
  quantileOf,
  type SeriesPoint,
  type TelemetryKind,
  type TelemetryPayload,
  type TelemetryRow,
  type TelemetrySummary,
} from '@starling/shared';
import type { Database } from '../db/index.ts';
import type { Clock } from '../ports.ts';
import { deleteOlderThan, deliveryOf, type RecordFilter, recordsOfRange, selectRecords } from './store.ts';

export interface Range {
  fromMs?: number | undefined;
  toMs?: number | undefined;
}

export interface TelemetryQueries {
  list(filter: RecordFilter, page: PageQuery): Promise<{ items: TelemetryRow[]; total: number }>;
  summary(device: string, range: Range): Promise<TelemetrySummary>;
  series(device: string, range: Range & { buckets: number }): Promise<SeriesPoint[]>;
  /** Figures of the whole fleet over the last hour. */
  fleetHour(): Promise<{
    items: number;
    latencyMsP50: number | null;
    latencyMsP95: number | null;
    joules: number;
    measuredShare: number;
    drifted: { device: string; monitor: string; psi: number }[];
  }>;
  /** The last hour of the whole fleet, for its chart. */
  fleetSeries(buckets: number): Promise<FleetPoint[]>;
  /** Deletes what is older than the retention. */
  retain(): Promise<void>;
}

const HOUR_MS = 3_600_000;
/** Raw records are kept for a week. */
const RETENTION_MS = 7 * 86_400_000;
const RECORDS_MAXIMUM = 20_000;

type Row = TelemetryRow & { device: string };

export function createTelemetryQueries({ db, clock }: { db: Database; clock: Clock }): TelemetryQueries {
  const bounded = ({ fromMs, toMs }: Range): { fromMs: number; toMs: number } => {
    const end = toMs ?? clock.nowMs() + 1;
    return { toMs: end, fromMs: fromMs ?? end - HOUR_MS };
  };
  const read = (device: string | undefined, range: { fromMs: number; toMs: number }): Promise<Row[]> =>
    recordsOfRange(db, { device, ...range }, RECORDS_MAXIMUM);
  return {
    list: (filter, page) => selectRecords(db, filter, page),
    async summary(device, range) {
      const { fromMs, toMs } = bounded(range);
      const rows = await read(device, { fromMs, toMs });
      const figures = figuresOf(rows);
      const inference = payloads(rows, 'inference');
      const spanMs = inference.reduce((sum, record) => sum + record.lengthMs, 0);
      const drift = new Map(payloads(rows, 'drift').map((record) => [record.monitor, record.drifted]));
      const energy = payloads(rows, 'energy').at(-1);
      return {
        items: figures.items,
        failures: figures.failures,
        itemsPerSecond: spanMs === 0 ? 0 : (figures.items * 1000) / spanMs,
        latencyMsP50: quantile(figures.latency, 0.5),
        latencyMsP95: quantile(figures.latency, 0.95),
        latencyMsP99: quantile(figures.latency, 0.99),
        joules: figures.joules,
        energyMethod: energy?.method ?? null,
        joulesPerInference: figures.joulesPerInference,
        agentMemoryBytes: memoryOf(payloads(rows, 'health').at(-1)),
        drifted: [...drift].filter(([, drifted]) => drifted).map(([monitor]) => monitor),
        delivery: await deliveryOf(db, device),
      };
    },
    async series(device, { buckets, ...range }) {
      const { fromMs, toMs } = bounded(range);
      return inBuckets(await read(device, { fromMs, toMs }), { fromMs, toMs }, buckets, pointOf);
    },
    async fleetHour() {
      const rows = await read(undefined, bounded({}));
      const figures = figuresOf(rows);
      const energy = payloads(rows, 'energy');
      const measured = energy.filter((record) => record.method === 'measured').reduce((sum, record) => sum + record.joules, 0);
      const latest = new Map<string, { device: string; monitor: string; psi: number; drifted: boolean }>();
      for (const row of rows) {
        if (row.kind !== 'drift') continue;
        const record = row.payload as TelemetryPayload<'drift'>;
        latest.set(`${row.device} ${record.monitor}`, {
          device: row.device,
          monitor: record.monitor,
          psi: record.psi ?? 0,
          drifted: record.drifted,
        });
      }
      return {
        items: figures.items,
        latencyMsP50: quantile(figures.latency, 0.5),
        latencyMsP95: quantile(figures.latency, 0.95),
        joules: figures.joules ?? 0,
        measuredShare: figures.joules === null || figures.joules === 0 ? 0 : measured / figures.joules,
        drifted: [...latest.values()].filter((entry) => entry.drifted).map(({ device, monitor, psi }) => ({ device, monitor, psi })),
      };
    },
    async fleetSeries(buckets) {
      const range = bounded({});
      return inBuckets(await read(undefined, range), range, buckets, (atMs, rows) => {
        const { items, failures, latency, joules } = figuresOf(rows);
        return { atMs, items, failures, latencyMsP50: quantile(latency, 0.5), latencyMsP95: quantile(latency, 0.95), joules };
      });
    },
    retain: () => deleteOlderThan(db, clock.nowMs() - RETENTION_MS),
  };
}

interface Figures {
  items: number;
  failures: number;
  latency: Histogram | undefined;
  joules: number | null;
  joulesPerInference: number | null;
}

function figuresOf(rows: readonly Row[]): Figures {
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
function inBuckets<Point>(
  rows: readonly Row[],
  { fromMs, toMs }: { fromMs: number; toMs: number },
  buckets: number,
  point: (atMs: number, rows: readonly Row[]) => Point,
): Point[] {
  const widthMs = (toMs - fromMs) / buckets;
  const grouped = Map.groupBy(rows, (row) => Math.min(buckets - 1, Math.floor((row.atMs - fromMs) / widthMs)));
  return Array.from({ length: buckets }, (_, bucket) => point(Math.round(fromMs + bucket * widthMs), grouped.get(bucket) ?? []));
}

function pointOf(atMs: number, rows: readonly Row[]): SeriesPoint {
  const figures = figuresOf(rows);
  const health = payloads(rows, 'health');
  const psi: Record<string, number> = {};
  for (const record of payloads(rows, 'drift')) {
    if (record.psi !== null) psi[record.monitor] = Math.max(psi[record.monitor] ?? 0, record.psi);
  }
  const last = health.at(-1);
  return {
    atMs,
    items: figures.items,
    failures: figures.failures,
    latencyMsP50: quantile(figures.latency, 0.5),
    latencyMsP95: quantile(figures.latency, 0.95),
    joules: figures.joules,
    joulesPerInference: figures.joulesPerInference,
    cpuUtilisation: health.length === 0 ? null : health.reduce((sum, record) => sum + record.cpuUtilisation, 0) / health.length,
    agentMemoryBytes: memoryOf(last),
    temperatureCelsius: last?.temperatureCelsius ?? null,
    batteryLevel: last?.battery?.level ?? null,
    psi,
  };
}

/** No agent takes nothing: a zero is a browser that does not tell. */
function memoryOf(health: TelemetryPayload<'health'> | undefined): number | null {
  return health === undefined || health.agentMemoryBytes === 0 ? null : health.agentMemoryBytes;
}

function quantile(histogram: Histogram | undefined, fraction: number): number | null {
  return histogram === undefined ? null : quantileOf(histogram, fraction);
}

/** Payloads were checked against their schema when they were stored. */
function payloads<Kind extends TelemetryKind>(rows: readonly Row[], kind: Kind): TelemetryPayload<Kind>[] {
  return rows.filter((row) => row.kind === kind).map((row) => row.payload as TelemetryPayload<Kind>);
}
