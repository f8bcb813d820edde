import { createHmac, timingSafeEqual } from 'node:crypto';
import { NONCE_MS } from '@starling/shared';
import type { Database } from '../db/index.ts';
import type { Clock, Ids } from '../ports.ts';
import { insertUsedNonce } from './store.ts';

/** Random texts that devices sign to log in, each good once and for a short time. */
export interface Nonces {
  make(): string;
  /** @returns false for one that was used, is too old, or is none of this fleet */
  take(nonce: string): Promise<boolean>;
}

const ENTRIES_MAXIMUM = 10_000;

/** Of one process: what it gave out stands in its memory. */
export function createNonces({ clock, ids }: { clock: Clock; ids: Ids }): Nonces {
  const open = new Map<string, number>();
  return {
    make() {
      const nowMs = clock.nowMs();
      for (const [old, untilMs] of open) {
        if (untilMs > nowMs && open.size < ENTRIES_MAXIMUM) break;
        open.delete(old);
      }
      const nonce = Buffer.from(ids.bytes(24)).toString('base64url');
      open.set(nonce, nowMs + NONCE_MS);
      return nonce;
    },
    async take(nonce) {
      const untilMs = open.get(nonce);
      open.delete(nonce);
      return untilMs !== undefined && untilMs >= clock.nowMs();
    },
  };
}

const RANDOM_BYTES = 18;
const TIME_BYTES = 6;
const TAG_BYTES = 16;

/**
 * Of many processes: a nonce that one gave out another takes. It carries its end and proves its origin by itself, so that only what was
 * used costs a row: whoever asks for nonces without end fills nothing.
 * @param secret the same in all processes
 */
export function createSharedNonces({ db, clock, ids, secret }: { db: Database; clock: Clock; ids: Ids; secret: string }): Nonces {
  const tagOf = (head: Buffer): Buffer => createHmac('sha256', secret).update('login nonce').update(head).digest().subarray(0, TAG_BYTES);
  return {
    make() {
      const end = Buffer.alloc(TIME_BYTES);
      end.writeUIntBE(clock.nowMs() + NONCE_MS, 0, TIME_BYTES);
      const head = Buffer.concat([Buffer.from(ids.bytes(RANDOM_BYTES)), end]);
      return Buffer.concat([head, tagOf(head)]).toString('base64url');
    },
    async take(nonce) {
      const bytes = Buffer.from(nonce, 'base64url');
      // One nonce has one spelling: another one of the same bytes would count as unused.
      if (bytes.length !== RANDOM_BYTES + TIME_BYTES + TAG_BYTES || bytes.toString('base64url') !== nonce) return false;
      const head = bytes.subarray(0, RANDOM_BYTES + TIME_BYTES);
      const untilMs = head.readUIntBE(RANDOM_BYTES, TIME_BYTES);
      if (!timingSafeEqual(tagOf(head), bytes.subarray(RANDOM_BYTES + TIME_BYTES)) || untilMs < clock.nowMs()) return false;
      return insertUsedNonce(db, nonce, untilMs);
    },
  };
}
