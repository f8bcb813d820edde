import { latencyEdgesMs, type TelemetryPayload } from '@starling/shared';

/** What one device did in five minutes on one release: sums, from which views and gates are made. */
export interface RollUp {
  /** Start of the five minutes. */
  atMs: number;
  device: string;
  /** Empty where none ran. */
  release: string;
  kind: RollUpKind;
  /** The pipeline of `inference`; `pipeline/monitor` of `drift`; the code of `event`; the method of `device-energy`; empty for `energy`. */
  subject: string;
  /** Items of `inference`, judged windows of `drift`, inferences of `energy`, `event`s. */
  count: number;
  /** Items that failed; windows that drifted; inferences whose energy was measured, not modelled. */
  hits: number;
  /** Milliseconds of latency; sum of the indices; joules above idle that the agent took. */
  total: number;
  /** Latencies over the bins that all devices share; null where there are none. */
  bins: number[] | null;
}

/** `device-energy`: windows of devices, those that were measured, and the joules of the whole device; kept for the fleet, not for each device. */
export type RollUpKind = 'inference' | 'drift' | 'energy' | 'device-energy' | 'event';

export const ROLL_UP_MS = 5 * 60_000;
export const HOUR_MS = 3_600_000;

/** Events that are counted by release. */
const countedEvents: ReadonlySet<string> = new Set(['host-crashed', 'rolled-back']);

interface Stored {
  device: string;
  kind: string;
  atMs: number;
  payload: unknown;
}

type Sums = Pick<RollUp, 'count' | 'hits' | 'total' | 'bins'>;
type Figures = Sums & Pick<RollUp, 'kind' | 'subject'> & { release: string | null };

/** Adds up what records say, per five minutes, device, release and subject. In the order of their keys, so that two writers never wait for each other. */
export function rollUp(records: readonly Stored[]): RollUp[] {
  const rows = new Map<string, RollUp>();
  for (const record of records) {
    for (const figures of figuresOf(record)) {
      const row: RollUp = { ...figures, device: record.device, release: figures.release ?? '', atMs: bucketOf(record.atMs) };
      const key = JSON.stringify([row.device, row.release, row.kind, row.subject, row.atMs]);
      const before = rows.get(key);
      rows.set(key, before === undefined ? row : { ...row, ...sumOf(before, row) });
    }
  }
  return [...rows].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
}

export function bucketOf(atMs: number): number {
  return Math.floor(atMs / ROLL_UP_MS) * ROLL_UP_MS;
}

/** Sums of two rows of one key. */
export function sumOf(left: Sums, right: Sums): Sums {
  return {
    count: left.count + right.count,
    hits: left.hits + right.hits,
    total: left.total + right.total,
    bins:
      left.bins === null ? right.bins : right.bins === null ? left.bins : left.bins.map((count, bin) => count + (right.bins?.[bin] ?? 0)),
  };
}

/** Payloads were checked against the schema of their kind. */
function figuresOf({ kind, payload }: Stored): Figures[] {
  switch (kind) {
    case 'inference':
      return [ofInference(payload as TelemetryPayload<'inference'>)];
    case 'drift': {
      const { pipeline, monitor, psi, drifted, release } = payload as TelemetryPayload<'drift'>;
      if (psi === null) return [];
      return [{ kind, subject: `${pipeline}/${monitor}`, count: 1, hits: drifted ? 1 : 0, total: psi, bins: null, release }];
    }
    case 'energy':
      return ofEnergy(payload as TelemetryPayload<'energy'>);
    case 'events':
      return ofEvent(payload as TelemetryPayload<'events'>);
    default:
      return [];
  }
}

function ofEnergy({ inferences, agentJoules, joules, method, release }: TelemetryPayload<'energy'>): Figures[] {
  const isMeasured = method === 'measured';
  const device: Figures = {
    kind: 'device-energy',
    subject: method,
    count: 1,
    hits: isMeasured ? 1 : 0,
    total: joules,
    bins: null,
    release,
  };
  if (inferences === 0) return [device];
  const hits = isMeasured ? inferences : 0;
  return [device, { kind: 'energy', subject: '', count: inferences, hits, total: agentJoules, bins: null, release }];
}

function ofInference({ pipeline, items, failures, latencyMs, release }: TelemetryPayload<'inference'>): Figures {
  const failed = Object.values(failures).reduce((sum, count) => sum + count, 0);
  // A device with bins of its own counts, but has no say in quantiles: only equal bins can be summed.
  const isOurs = latencyMs.edges.length === latencyEdgesMs.length && latencyMs.edges.every((edge, index) => edge === latencyEdgesMs[index]);
  const bins = isOurs && latencyMs.count > 0 ? [...latencyMs.counts] : null;
  return { kind: 'inference', subject: pipeline, count: items, hits: failed, total: latencyMs.sum, bins, release };
}

function ofEvent({ code, release, detail }: TelemetryPayload<'events'>): Figures[] {
  if (!countedEvents.has(code)) return [];
  // What a device went back from speaks against that release, not against the one that it is back on.
  const failed = code === 'rolled-back' && typeof detail['failed'] === 'string' ? detail['failed'] : undefined;
  return [{ kind: 'event', subject: code, count: 1, hits: 0, total: 0, bins: null, release: failed ?? release ?? null }];
}
