import type { TelemetryKind } from '@starling/shared';

/** Least valuable first, as devices drop them. */
export const leastValuableFirst: readonly TelemetryKind[] = ['traces', 'health', 'energy', 'inference', 'drift', 'benchmark', 'events'];
/** Kinds that are let go when more comes than the database takes: the next record says much the same. */
export const lossyKinds: ReadonlySet<TelemetryKind> = new Set(['traces', 'health']);

/** A batch that waits for the database. */
export interface Waiting {
  device: string;
  kind: TelemetryKind;
  streamId: string;
  /** Lowest and highest sequence; 0 where it only declares what was dropped. */
  first: number;
  last: number;
  bytes: number;
}

/** Batches in front of the database, within a bound of bytes. */
export interface WaitingRoom<Batch extends Waiting> {
  /**
   * @returns a batch that another one says as well, since a device that was not answered sends again: the one that waited, or `batch`; and
   * those that had to go to make room, which may be `batch` itself
   */
  add(batch: Batch): { superseded: Batch | undefined; deferred: Batch[] };
  /** In the order in which they came; under load the most valuable first. */
  take(maximum: number): Batch[];
  /** More than half full: the database is slower than what comes in. */
  isLoaded(): boolean;
  batches(): number;
  bytes(): number;
}

export function createWaitingRoom<Batch extends Waiting>(bytesMaximum: number): WaitingRoom<Batch> {
  /** A kind's batches in the order in which they came. */
  const queues = new Map(leastValuableFirst.map((kind) => [kind, new Map<string, { batch: Batch; order: number }>()]));
  let bytes = 0;
  let order = 0;

  const isLoaded = (): boolean => bytes > bytesMaximum / 2;
  const firstOf = (kind: TelemetryKind): { key: string; batch: Batch; order: number } | undefined => {
    const [entry] = queues.get(kind) ?? [];
    return entry === undefined ? undefined : { key: entry[0], ...entry[1] };
  };
  const remove = (key: string, batch: Batch): Batch => {
    queues.get(batch.kind)?.delete(key);
    bytes -= batch.bytes;
    return batch;
  };
  const next = (): { key: string; batch: Batch; order: number } | undefined => {
    const heads = leastValuableFirst.flatMap((kind) => firstOf(kind) ?? []);
    return isLoaded() ? heads.at(-1) : heads.reduce<(typeof heads)[number] | undefined>(older, undefined);
  };
  return {
    add(batch) {
      const key = `${batch.device} ${batch.streamId} ${batch.first}`;
      const queue = queues.get(batch.kind) as Map<string, { batch: Batch; order: number }>;
      const before = queue.get(key);
      if (before !== undefined && before.batch.last > batch.last) return { superseded: batch, deferred: [] };
      const superseded = before?.batch;
      order += 1;
      // In the place of the one before: who sends again does not wait again.
      queue.set(key, { batch, order: before?.order ?? order });
      bytes += batch.bytes - (superseded?.bytes ?? 0);
      const deferred: Batch[] = [];
      while (bytes > bytesMaximum) {
        const least = leastValuableFirst.find((kind) => (queues.get(kind)?.size ?? 0) > 0);
        // Of equal value the one that has come last goes: who waited longer is not sent to the end.
        if (least === undefined || least === batch.kind) {
          deferred.push(remove(key, batch));
          break;
        }
        const victim = firstOf(least);
        if (victim === undefined) break;
        deferred.push(remove(victim.key, victim.batch));
      }
      return { superseded, deferred };
    },
    take(maximum) {
      const taken: Batch[] = [];
      for (let head = next(); head !== undefined && taken.length < maximum; head = next()) taken.push(remove(head.key, head.batch));
      return taken;
    },
    isLoaded,
    batches: () => [...queues.values()].reduce((sum, queue) => sum + queue.size, 0),
    bytes: () => bytes,
  };
}

function older<Entry extends { order: number }>(left: Entry | undefined, right: Entry): Entry {
  return left === undefined || right.order < left.order ? right : left;
}
