import { cborDecode, type TelemetryRecord, telemetryBatchSchema } from '@starling/shared';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Clock } from '../ports/clock.ts';
import { createMemoryFileStore, type MemoryFileStore } from '../ports/memory/file-store.ts';
import { openSpool, type Spool } from './spool.ts';

const clock: Clock = { monotonicMs: () => 1, wallMs: () => 1, after: () => () => undefined };
const [firstStream, secondStream] = ['a'.repeat(26), 'b'.repeat(26)];

interface Bench {
  spool: Spool;
  /** Records in the order in which they went out. */
  sent: TelemetryRecord[];
  /** Acknowledges whatever goes out, until nothing more does. */
  drain(): Promise<void>;
}

async function open(files: MemoryFileStore, streamId: string, budgetBytes = 1 << 20): Promise<Bench> {
  const sent: TelemetryRecord[] = [];
  const unacknowledged: { streamId: string; sequence: number }[] = [];
  const spool = await openSpool({
    ...{ files, clock, streamId, bootId: 'boot', budgetBytes, trustedNowMs: () => undefined },
    async publish(_kind, payload) {
      const batch = cborDecode(payload, telemetryBatchSchema);
      sent.push(...batch.records);
      const last = Math.max(batch.records.at(-1)?.sequence ?? 0, batch.dropped.at(-1)?.to ?? 0);
      unacknowledged.push({ streamId: batch.streamId, sequence: last });
      return true;
    },
  });
  return {
    spool,
    sent,
    async drain() {
      spool.online();
      for (let idle = 0; idle < 20; idle += 1) {
        await new Promise((resolve) => queueMicrotask(() => resolve(undefined)));
        for (const acknowledgement of unacknowledged.splice(0)) {
          idle = 0;
          await spool.acknowledged('events', acknowledgement);
        }
      }
    },
  };
}

const event = (message: string) => ({ level: 'info' as const, code: 'test', message, detail: {} });
const messageOf = (record: TelemetryRecord): string => (record.payload as { message: string }).message;

describe('the spool', () => {
  test('sends what it took while offline, in order and once, in this life and the next', async () => {
    const files = createMemoryFileStore();
    const first = await open(files, firstStream);
    const wanted = Array.from({ length: 50 }, (_, index) => `${index} ${'x'.repeat(1_900)}`);
    for (const message of wanted) await first.spool.add('events', event(message));
    const next = await open(createMemoryFileStore(files.operations), secondStream);
    await next.drain();
    expect(next.sent.map(messageOf)).toEqual(wanted);
    expect(next.sent.map(({ sequence }) => sequence)).toEqual(wanted.map((_, index) => index + 1));
    expect(next.spool.sizeBytes()).toBe(0);
    await first.drain();
    expect(first.sent.map(messageOf)).toEqual(wanted);
  });

  test('what a full disk did not take is refused to its sender; nothing else is lost, and no sequence is skipped', async () => {
    const step = fc.record({ length: fc.nat(1_500), room: fc.option(fc.nat(1_600), { nil: undefined, freq: 2 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), async (steps) => {
        const files = createMemoryFileStore();
        const { spool, sent, drain } = await open(files, firstStream);
        const taken: string[] = [];
        for (const [index, { length, room }] of steps.entries()) {
          const message = `${index} ${'x'.repeat(length)}`;
          files.limit(room ?? Number.POSITIVE_INFINITY);
          await spool.add('events', event(message)).then(
            () => taken.push(message),
            () => undefined,
          );
        }
        files.limit(Number.POSITIVE_INFINITY);
        await spool.add('events', event('last'));
        await drain();
        expect(sent.map(messageOf)).toEqual([...taken, 'last']);
        expect(sent.map(({ sequence }) => sequence)).toEqual(sent.map((_, index) => index + 1));
      }),
    );
  });
});
