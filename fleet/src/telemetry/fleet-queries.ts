import { type FleetPoint, type Histogram, type HistoryPoint, latencyEdgesMs, type TelemetryPayload } from '@starling/shared';
import type { Database } from '../db/index.ts';
import type { Clock } from '../ports.ts';
import { figuresOf, inBuckets, payloads, quantile, type Row } from './figures.ts';
import { bucketOf, HOUR_MS, ROLL_UP_MS } from './roll-up.ts';
import { RECORDS_MAXIMUM, recordsOfRange } from './store.ts';
import {
  countOnline,
  type DriftedMonitor,
  driftedSince,
  type Grouping,
  readFleetSums,
  type StoredSum,
  selectHistory,
} from './sums-store.ts';

export interface FleetHour {
  items: number;
  latencyMsP50: number | null;
  latencyMsP95: number | null;
  joules: number;
  measuredShare: number;
  /** The farthest first, not all of many. */
  drifted: DriftedMonitor[];
  driftedDevices: number;
}

export interface HistoryRange {
  by: Grouping;
  fromMs?: number | undefined;
  toMs?: number | undefined;
  limit: number;
  offset: number;
}

export interface FleetQueries {
  /** Figures of the whole fleet over the last hour. */
  fleetHour(): Promise<FleetHour>;
  /** The last hour of the whole fleet, for its chart. */
  fleetSeries(buckets: number): Promise<{ points: FleetPoint[]; widthMs: number }>;
  /** Sums over time. */
  history(range: HistoryRange): Promise<{ widthMs: number; items: HistoryPoint[]; total: number }>;
}

/** So many devices send fewer records in an hour than are read at once: their figures come from records, to the second. */
const FEW_DEVICES = 10;
const DRIFTED_MAXIMUM = 100;
/** Who is silent about drift for longer says nothing about now. */
const DRIFT_MS = 15 * 60_000;
const DAY_MS = 24 * HOUR_MS;

export function createFleetQueries({ db, clock }: { db: Database; clock: Clock }): FleetQueries {
  const lastHour = (): { fromMs: number; toMs: number } => {
    const toMs = clock.nowMs() + 1;
    return { fromMs: toMs - HOUR_MS, toMs };
  };
  /** Whole stretches of five minutes: the first one may have begun before the hour. */
  const sums = async (): Promise<StoredSum[]> => {
    const { fromMs, toMs } = lastHour();
    return readFleetSums(db, { fromMs: bucketOf(fromMs) + ROLL_UP_MS, toMs });
  };
  const records = async (): Promise<Row[] | undefined> => {
    if ((await countOnline(db)) > FEW_DEVICES) return undefined;
    const rows = await recordsOfRange(db, lastHour(), RECORDS_MAXIMUM);
    return rows.length < RECORDS_MAXIMUM ? rows : undefined;
  };
  return {
    async fleetHour() {
      const rows = await records();
      if (rows !== undefined) return hourOfRecords(rows);
      return { ...hourOfSums(await sums()), ...(await driftedSince(db, bucketOf(clock.nowMs() - DRIFT_MS), DRIFTED_MAXIMUM)) };
    },
    async fleetSeries(buckets) {
      const rows = await records();
      if (rows !== undefined) {
        const points = inBuckets(rows, lastHour(), buckets, (atMs, own) => {
          const { items, failures, latency, joules } = figuresOf(own);
          return { atMs, items, failures, latencyMsP50: quantile(latency, 0.5), latencyMsP95: quantile(latency, 0.95), joules };
        });
        return { points, widthMs: HOUR_MS / buckets };
      }
      const byTime = Map.groupBy(await sums(), ({ atMs }) => atMs);
      const points = [...byTime].map(([atMs, own]) => ({ atMs, ...pointOfSums(own) }));
      return { points, widthMs: ROLL_UP_MS };
    },
    async history({ by, fromMs, toMs, limit, offset }) {
      const endMs = toMs ?? clock.nowMs() + 1;
      const startMs = fromMs ?? endMs - DAY_MS;
      const { layer, widthMs } = resolutionOf(endMs - startMs);
      const range = { fromMs: Math.floor(startMs / widthMs) * widthMs, toMs: endMs };
      return { widthMs, ...(await selectHistory(db, { by, layer, widthMs, ...range, limit, offset })) };
    },
  };
}

/** Points of a chart stay below a thousand. */
function resolutionOf(lengthMs: number): { layer: 'sums' | 'hours'; widthMs: number } {
  if (lengthMs <= 2 * DAY_MS) return { layer: 'sums', widthMs: ROLL_UP_MS };
  return { layer: 'hours', widthMs: lengthMs <= 35 * DAY_MS ? HOUR_MS : DAY_MS };
}

function hourOfRecords(rows: readonly Row[]): FleetHour {
  const figures = figuresOf(rows);
  const energy = payloads(rows, 'energy');
  const measured = energy.filter((record) => record.method === 'measured').reduce((sum, record) => sum + record.joules, 0);
  const latest = new Map<string, DriftedMonitor & { isDrifted: boolean }>();
  for (const row of rows) {
    if (row.kind !== 'drift') continue;
    const { monitor, psi, drifted } = row.payload as TelemetryPayload<'drift'>;
    latest.set(`${row.device} ${monitor}`, { device: row.device, monitor, psi: psi ?? 0, isDrifted: drifted });
  }
  const drifted = [...latest.values()].filter(({ isDrifted }) => isDrifted).map(({ isDrifted: _, ...monitor }) => monitor);
  return {
    items: figures.items,
    latencyMsP50: quantile(figures.latency, 0.5),
    latencyMsP95: quantile(figures.latency, 0.95),
    joules: figures.joules ?? 0,
    measuredShare: figures.joules === null || figures.joules === 0 ? 0 : measured / figures.joules,
    drifted: drifted.toSorted((a, b) => b.psi - a.psi).slice(0, DRIFTED_MAXIMUM),
    driftedDevices: new Set(drifted.map(({ device }) => device)).size,
  };
}

function hourOfSums(rows: readonly StoredSum[]): Omit<FleetHour, 'drifted' | 'driftedDevices'> {
  const { items, latencyMsP50, latencyMsP95, joules } = pointOfSums(rows);
  const measured = rows
    .filter(({ kind, subject }) => kind === 'device-energy' && subject === 'measured')
    .reduce((sum, { total }) => sum + total, 0);
  return { items, latencyMsP50, latencyMsP95, joules: joules ?? 0, measuredShare: joules === null || joules === 0 ? 0 : measured / joules };
}

function pointOfSums(rows: readonly StoredSum[]): Omit<FleetPoint, 'atMs'> {
  const inference = rows.filter(({ kind }) => kind === 'inference');
  const energy = rows.filter(({ kind }) => kind === 'device-energy');
  const latency = histogramOf(inference);
  return {
    items: inference.reduce((sum, { count }) => sum + count, 0),
    failures: inference.reduce((sum, { hits }) => sum + hits, 0),
    latencyMsP50: quantile(latency, 0.5),
    latencyMsP95: quantile(latency, 0.95),
    joules: energy.length === 0 ? null : energy.reduce((sum, { total }) => sum + total, 0),
  };
}

/** Sums keep bins alone: what was smallest and largest is not known any more, so the open bins end where the others do. */
function histogramOf(rows: readonly StoredSum[]): Histogram | undefined {
  const counts = rows.reduce<number[] | undefined>((all, { bins }) => {
    if (bins === null) return all;
    return all === undefined ? [...bins] : all.map((count, bin) => count + (bins[bin] ?? 0));
  }, undefined);
  if (counts === undefined) return undefined;
  const total = counts.reduce((sum, count) => sum + count, 0);
  return { edges: [...latencyEdgesMs], counts, count: total, sum: 0, minimum: 0, maximum: latencyEdgesMs.at(-1) ?? 0 };
}
