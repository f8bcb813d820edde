import type { Measurement } from '../artefacts/index.ts';
import type { MeasuredRow } from './store.ts';

/** Figures of artefacts, by profile and by device. */
export interface Figures {
  /** Profile -> artefact -> medians over its devices. */
  byProfile: Map<string, Map<string, Measurement>>;
  /** Device -> artefact -> its own. */
  byDevice: Map<string, Map<string, Measurement>>;
}

/** Rows of a throttled device say how slow heat makes it, not what the artefact needs: they count only where there is nothing else. */
export function aggregate(rows: readonly MeasuredRow[]): Figures {
  const byDevice = new Map<string, Map<string, Measurement>>();
  const groups = new Map<string, { profile: string; artefact: string; rows: MeasuredRow[] }>();
  for (const row of rows) {
    put(byDevice, row.device, row.artefact, measurementOf([row]));
    const key = `${row.profile} ${row.artefact}`;
    const group = groups.get(key) ?? { profile: row.profile, artefact: row.artefact, rows: [] };
    group.rows.push(row);
    groups.set(key, group);
  }
  const byProfile = new Map<string, Map<string, Measurement>>();
  for (const { profile, artefact, rows: all } of groups.values()) {
    const cool = all.filter(({ record }) => record.throttled !== true);
    put(byProfile, profile, artefact, measurementOf(cool.length === 0 ? all : cool));
  }
  return { byProfile, byDevice };
}

function measurementOf(rows: readonly MeasuredRow[]): Measurement {
  const records = rows.map(({ record }) => record);
  const known = (values: readonly (number | null)[]): number | null => {
    const numbers = values.filter((value) => value !== null);
    return numbers.length === 0 ? null : median(numbers);
  };
  return {
    latencyMs: median(records.map(({ latencyMs }) => latencyMs.median)),
    latencyMsP95: median(records.map(({ latencyMs }) => latencyMs.p95)),
    joulesPerInference: known(records.map(({ joulesPerInference }) => joulesPerInference)),
    memoryBytes: known(records.map(({ peakMemoryBytes }) => peakMemoryBytes)),
    devices: rows.length,
  };
}

function put(into: Map<string, Map<string, Measurement>>, key: string, artefact: string, measurement: Measurement): void {
  const known = into.get(key) ?? new Map<string, Measurement>();
  known.set(artefact, measurement);
  into.set(key, known);
}

/** A device that does not do what others of its class do. */
export interface Outlier {
  device: string;
  name: string;
  artefact: string;
  kind: 'slow' | 'throttled' | 'more-memory' | 'short-of-memory';
  /** Times the median of its profile; 1 where that is not the point. */
  factor: number;
}

/** Slower than this many times the median of its profile is no noise. */
const SLOW_FACTOR = 1.5;
/** Devices of a profile that make a median worth comparing with. */
const PEERS_MINIMUM = 3;

/** A device that had too little memory to measure an artefact. */
export interface Shortage {
  device: string;
  name: string;
  artefact: string;
  atMs: number;
}

/**
 * Devices that are slower than their class, throttled, use more memory than it or have too little of it: each with the artefact that
 * shows it most.
 */
export function outliersOf(rows: readonly MeasuredRow[], { byProfile }: Figures, shortages: readonly Shortage[] = []): Outlier[] {
  const worst = new Map<string, Outlier>();
  const note = (outlier: Outlier): void => {
    const key = `${outlier.device} ${outlier.kind}`;
    if ((worst.get(key)?.factor ?? 0) < outlier.factor) worst.set(key, outlier);
  };
  for (const { device, name, artefact, profile, record } of rows) {
    const peers = byProfile.get(profile)?.get(artefact);
    const about = { device, name, artefact };
    if (record.throttled === true) note({ ...about, kind: 'throttled', factor: 1 });
    if (peers === undefined || peers.devices < PEERS_MINIMUM) continue;
    const slower = record.latencyMs.median / Math.max(peers.latencyMs, Number.EPSILON);
    if (slower > SLOW_FACTOR) note({ ...about, kind: 'slow', factor: slower });
    const larger = (record.peakMemoryBytes ?? 0) / Math.max(peers.memoryBytes ?? Number.POSITIVE_INFINITY, 1);
    if (larger > SLOW_FACTOR) note({ ...about, kind: 'more-memory', factor: larger });
  }
  for (const { device, name, artefact, atMs } of shortages) {
    const since = rows.some((row) => row.device === device && row.artefact === artefact && row.measuredAtMs >= atMs);
    if (!since) note({ device, name, artefact, kind: 'short-of-memory', factor: 1 });
  }
  return [...worst.values()];
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? 0)) / 2;
}
