/** Tables of telemetry that grow with time, and how they are cut into partitions. Names of tables are written here alone. */
export interface Layer {
  name: LayerName;
  table: string;
  /** How its rows are counted, in SQL. */
  count: string;
  /** What its rows are, for people. */
  describes: string;
}

export type LayerName = 'records' | 'device-sums' | 'sums' | 'hours';

/** In the order in which they go where room is short: what can be told from the next one goes first. */
export const layers: readonly Layer[] = [
  { name: 'records', table: 'telemetry_batches', count: 'sum(records)', describes: 'records as devices sent them' },
  { name: 'device-sums', table: 'telemetry_rollups', count: 'count(*)', describes: 'five minutes of one device' },
  { name: 'sums', table: 'telemetry_sums', count: 'count(*)', describes: 'five minutes of a release, profile and site' },
  { name: 'hours', table: 'telemetry_hours', count: 'count(*)', describes: 'an hour of a release, profile and site' },
];

/** A stretch of time that has a partition: from its start, up to and without its end. */
export interface Stretch {
  fromMs: number;
  toMs: number;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** A batch of records stays within one of these, and so in one partition: all of them end where one of these does. */
export const BATCH_SLOT_MS = 6 * HOUR_MS;

/**
 * Length of new partitions. A server has room for days; the embedded database keeps to a budget that a hundred devices fill within one, so
 * its partitions of the two large layers are shorter.
 */
export function partitionMs(layer: LayerName, database: 'postgres' | 'pglite'): number {
  switch (layer) {
    case 'records':
    case 'device-sums':
      return database === 'pglite' ? BATCH_SLOT_MS : DAY_MS;
    case 'sums':
      return 7 * DAY_MS;
    case 'hours':
      return 91 * DAY_MS;
  }
}

/** The partition that a moment needs, clipped to what its neighbours leave; undefined where one covers it already. */
export function missingStretch(atMs: number, widthMs: number, existing: readonly Stretch[]): Stretch | undefined {
  let fromMs = Math.floor(atMs / widthMs) * widthMs;
  let toMs = fromMs + widthMs;
  for (const stretch of existing) {
    if (stretch.fromMs <= atMs && atMs < stretch.toMs) return undefined;
    if (stretch.toMs <= atMs) fromMs = Math.max(fromMs, stretch.toMs);
    else toMs = Math.min(toMs, stretch.fromMs);
  }
  return { fromMs, toMs };
}

/** `telemetry_batches_20261127t060000`: sorts by time, and tells people what lies in it. */
export function partitionName(table: string, { fromMs }: Stretch): string {
  return `${table}_${new Date(fromMs)
    .toISOString()
    .replace(/\.\d+Z$/, '')
    .replaceAll(/[-:]/g, '')
    .toLowerCase()}`;
}

export interface Partition extends Stretch {
  table: string;
  bytes: number;
}

export interface LayerState {
  name: LayerName;
  keepMs: number;
  /** Oldest first. */
  partitions: readonly Partition[];
}

export interface Drop {
  layer: LayerName;
  partition: Partition;
  reason: 'expired' | 'over-budget';
}

/**
 * What has to go: all that is older than its layer keeps, then, where everything together is larger than the budget, the oldest of the
 * least valuable layer that has some. A partition that is written to now stays.
 */
export function planDrops(states: readonly LayerState[], nowMs: number, bytesMaximum: number | null): Drop[] {
  const drops: Drop[] = [];
  const kept = states.map((state) => {
    const isOver = ({ toMs }: Partition): boolean => toMs <= nowMs - state.keepMs;
    drops.push(...state.partitions.filter(isOver).map((partition): Drop => ({ layer: state.name, partition, reason: 'expired' })));
    return { name: state.name, partitions: state.partitions.filter((partition) => !isOver(partition)) };
  });
  if (bytesMaximum === null) return drops;
  let bytes = kept.flatMap(({ partitions }) => partitions).reduce((sum, partition) => sum + partition.bytes, 0);
  for (const { name, partitions } of kept) {
    for (const partition of partitions) {
      if (bytes <= bytesMaximum) return drops;
      if (partition.toMs > nowMs) break;
      drops.push({ layer: name, partition, reason: 'over-budget' });
      bytes -= partition.bytes;
    }
  }
  return drops;
}
