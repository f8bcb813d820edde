import { isStarlingError, StarlingError } from '@starling/shared';
import type { Transaction } from '../db/index.ts';
import type { Cursor } from './advance.ts';
import { lockCursors, moveCursors, type StreamKey } from './cursor-store.ts';

/**
 * How far each stream is, as this process left it: a batch then costs its cursor one statement instead of three. The database judges: a
 * cursor moves only from where it was thought to stand, and where another process has moved it, nothing of the transaction holds.
 */
export interface Cursors {
  /** Cursors of streams, each with nothing counted yet; the key is `keyOf`. */
  hold(tx: Transaction, streams: readonly StreamKey[], nowMs: number): Promise<Map<string, HeldCursor>>;
  /** @throws StarlingError `cursor-moved` */
  write(tx: Transaction, held: ReadonlyMap<string, HeldCursor>, nowMs: number): Promise<void>;
  /** After the commit. */
  remember(held: ReadonlyMap<string, HeldCursor>): void;
  /** What the database did not take may stand elsewhere. */
  forget(streams: readonly StreamKey[]): void;
}

export interface HeldCursor {
  from: number;
  cursor: Cursor;
}

/** Streams that are known at once; those that were silent for longest are read again. */
const KNOWN_MAXIMUM = 100_000;

export function keyOf({ device, streamId, kind }: StreamKey): string {
  return `${device} ${streamId} ${kind}`;
}

export function isMoved(error: unknown): boolean {
  return isStarlingError(error) && error.code === 'cursor-moved';
}

export function createCursors(): Cursors {
  const known = new Map<string, number>();
  const heldAt = ({ device, streamId, kind }: StreamKey, sequence: number): HeldCursor => ({
    from: sequence,
    cursor: { device, streamId, kind, sequence, stored: 0, repeated: 0, declaredDropped: 0, lost: 0, shed: 0 },
  });
  return {
    async hold(tx, streams, nowMs) {
      const unique = new Map(streams.map((stream) => [keyOf(stream), stream]));
      const held = new Map<string, HeldCursor>();
      const unknown: [string, StreamKey][] = [];
      for (const [key, stream] of unique) {
        const sequence = known.get(key);
        if (sequence === undefined) unknown.push([key, stream]);
        else held.set(key, heldAt(stream, sequence));
      }
      // Always in the same order, so that two processes on one database cannot wait for each other.
      unknown.sort(([a], [b]) => (a < b ? -1 : 1));
      const locked = await lockCursors(
        tx,
        unknown.map(([, stream]) => stream),
        nowMs,
      );
      for (const { sequence, ...stream } of locked) held.set(keyOf(stream), heldAt(stream, sequence));
      return held;
    },
    async write(tx, held, nowMs) {
      const moves = [...held.values()].map(({ from, cursor }) => ({ ...cursor, from }));
      if ((await moveCursors(tx, moves, nowMs)) < moves.length)
        throw new StarlingError('cursor-moved', 'another process stored records of these streams', { retryable: true });
    },
    remember(held) {
      for (const [key, { cursor }] of held) {
        known.delete(key);
        known.set(key, cursor.sequence);
      }
      while (known.size > KNOWN_MAXIMUM) known.delete(known.keys().next().value as string);
    },
    forget(streams) {
      for (const stream of streams) known.delete(keyOf(stream));
    },
  };
}
