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
  /** In the order in which they came; under load the most valuable first. @param busy devices whose batches stay where they are */
  take(maximum: number, busy?: ReadonlySet<string>): Batch[];
  /** More than half full: the database is slower than what comes in. */
  isLoaded(): boolean;
  batches(): number;
  bytes(): number;
}

interface Place<Batch> {
  batch: Batch;
  order: number;
}
type Entry<Batch> = Place<Batch> & { key: string };
/** A kind's batches in the order in which they came. */
type Queue<Batch> = Map<string, Place<Batch>>;

export function createWaitingRoom<Batch extends Waiting>(bytesMaximum: number): WaitingRoom<Batch> {
  const queues = new Map(leastValuableFirst.map((kind): [TelemetryKind, Queue<Batch>] => [kind, new Map()]));
  let bytes = 0;
  let order = 0;

  const isLoaded = (): boolean => bytes > bytesMaximum / 2;
  const firstOf = (kind: TelemetryKind): Entry<Batch> | undefined => {
    const [entry] = queues.get(kind) ?? [];
    return entry === undefined ? undefined : { key: entry[0], ...entry[1] };
  };
  const remove = (key: string, batch: Batch): Batch => {
    queues.get(batch.kind)?.delete(key);
    bytes -= batch.bytes;
    return batch;
  };
  return {
    add(batch) {
      const key = `${batch.device} ${batch.streamId} ${batch.first}`;
      const queue = queues.get(batch.kind) as Queue<Batch>;
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
    take(maximum, busy) {
      const heads = leastValuableFirst.map((kind) => createHead((queues.get(kind) as Queue<Batch>).entries(), busy));
      const taken: Batch[] = [];
      while (taken.length < maximum) {
        const waiting = heads.filter(({ now }) => now() !== undefined);
        const head = isLoaded() ? waiting.at(-1) : waiting.reduce<Head<Batch> | undefined>(older, undefined);
        const entry = head?.now();
        if (head === undefined || entry === undefined) break;
        head.pass();
        taken.push(remove(entry.key, entry.batch));
      }
      return taken;
    },
    isLoaded,
    batches: () => [...queues.values()].reduce((sum, queue) => sum + queue.size, 0),
    bytes: () => bytes,
  };
}

/** The first batch of a queue that may be taken. */
interface Head<Batch> {
  now(): Entry<Batch> | undefined;
  /** On to the next one. */
  pass(): void;
}

/** One walk for all that is taken at once: what is passed over is not looked at again. */
function createHead<Batch extends Waiting>(entries: IterableIterator<[string, Place<Batch>]>, busy?: ReadonlySet<string>): Head<Batch> {
  const read = (): Entry<Batch> | undefined => {
    for (let next = entries.next(); next.done !== true; next = entries.next()) {
      const [key, place] = next.value;
      if (busy?.has(place.batch.device) !== true) return { key, ...place };
    }
    return undefined;
  };
  let entry = read();
  return {
    now: () => entry,
    pass() {
      entry = read();
    },
  };
}

function older<Batch>(left: Head<Batch> | undefined, right: Head<Batch>): Head<Batch> {
  return left === undefined || orderOf(right) < orderOf(left) ? right : left;
}

function orderOf<Batch>(head: Head<Batch>): number {
  return head.now()?.order ?? Number.POSITIVE_INFINITY;
}
