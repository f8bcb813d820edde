import type { PageQuery, SeriesPoint, TelemetryRow, TelemetrySummary } from '@starling/shared';
import type { Database } from '../db/index.ts';
import type { Clock } from '../ports.ts';
import { figuresOf, inBuckets, memoryOf, payloads, quantile, type Row } from './figures.ts';
import { createFleetQueries, type FleetQueries } from './fleet-queries.ts';
import { HOUR_MS } from './roll-up.ts';
import { deliveryOf, RECORDS_MAXIMUM, type RecordFilter, recordsOfRange, selectRecords } from './store.ts';

export interface Range {
  fromMs?: number | undefined;
  toMs?: number | undefined;
}

export interface TelemetryQueries extends FleetQueries {
  list(filter: RecordFilter, page: PageQuery): Promise<{ items: TelemetryRow[]; total: number }>;
  summary(device: string, range: Range): Promise<TelemetrySummary>;
  series(device: string, range: Range & { buckets: number }): Promise<SeriesPoint[]>;
}

export function createTelemetryQueries({ db, clock }: { db: Database; clock: Clock }): TelemetryQueries {
  const bounded = ({ fromMs, toMs }: Range): { fromMs: number; toMs: number } => {
    const end = toMs ?? clock.nowMs() + 1;
    return { toMs: end, fromMs: fromMs ?? end - HOUR_MS };
  };
  const read = (device: string, range: { fromMs: number; toMs: number }): Promise<Row[]> =>
    recordsOfRange(db, { device, ...range }, RECORDS_MAXIMUM);
  return {
    ...createFleetQueries({ db, clock }),
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
  };
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
