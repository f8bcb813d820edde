import { cborDecode, UPLOAD_BYTES_MAXIMUM, UPLOAD_PIECE_BYTES_MAXIMUM, UPLOAD_WINDOW_PIECES, uploadPieceSchema } from '@starling/shared';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createVirtualClock } from '../pipelines/virtual-clock.ts';
import { createUploads } from './uploads.ts';

const never = new AbortController().signal;
const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
};

/** A fleet that takes parts in order and loses what it is told to lose. */
function startFleet({ losesPiece, losesAnswer, forgetsAt }: Record<'losesPiece' | 'losesAnswer' | 'forgetsAt', (n: number) => boolean>) {
  const clock = createVirtualClock();
  let stored = new Uint8Array(0);
  let messages = 0;
  let underWay = 0;
  let mostUnderWay = 0;
  let isOnline = true;
  const uploads = createUploads({
    clock,
    async publish(id, payload) {
      if (!isOnline) return false;
      const { offset, bytes } = cborDecode(payload, uploadPieceSchema);
      messages += 1;
      const message = messages;
      underWay += 1;
      mostUnderWay = Math.max(mostUnderWay, underWay);
      queueMicrotask(() => {
        underWay -= 1;
        if (losesPiece(message)) return;
        if (forgetsAt(message)) stored = new Uint8Array(0);
        if (offset === stored.length) {
          const more = new Uint8Array(offset + bytes.length);
          more.set(stored);
          more.set(bytes, offset);
          stored = more;
        }
        if (!losesAnswer(message)) uploads.acknowledged(id, stored.length);
      });
      return true;
    },
  });
  return {
    uploads,
    clock,
    stored: () => stored,
    mostUnderWay: () => mostUnderWay,
    connect(online: boolean) {
      isOnline = online;
      if (online) uploads.online();
    },
  };
}

const keeps = { losesPiece: () => false, losesAnswer: () => false, forgetsAt: () => false };
const some = (bytes: number): Uint8Array => new Uint8Array(bytes).map((_, at) => (at * 31) & 0xff);

describe('an upload', () => {
  test('arrives whole, whatever is lost and forgotten on the way', async () => {
    const lossy = fc.record({
      size: fc.integer({ min: 1, max: 5 * UPLOAD_PIECE_BYTES_MAXIMUM }),
      lost: fc.array(fc.integer({ min: 1, max: 12 })),
    });
    await fc.assert(
      fc.asyncProperty(
        lossy,
        fc.array(fc.integer({ min: 1, max: 12 })),
        fc.option(fc.integer({ min: 2, max: 8 })),
        async ({ size, lost }, mute, forgets) => {
          const fleet = startFleet({
            losesPiece: (n) => lost.includes(n),
            losesAnswer: (n) => mute.includes(n),
            forgetsAt: (n) => n === forgets,
          });
          const sent = fleet.uploads.send('u', some(size), never).then(() => true);
          for (let turn = 0; turn < 40; turn += 1) {
            await settled();
            fleet.clock.advance();
          }
          expect(await Promise.race([sent, settled()])).toBe(true);
          expect(fleet.stored()).toEqual(some(size));
          expect(fleet.mostUnderWay()).toBeLessThanOrEqual(UPLOAD_WINDOW_PIECES);
        },
      ),
      { numRuns: 30 },
    );
  });

  test('waits for the link, and goes on where it was', async () => {
    const fleet = startFleet(keeps);
    fleet.connect(false);
    const sent = fleet.uploads.send('u', some(3 * UPLOAD_PIECE_BYTES_MAXIMUM), never);
    await settled();
    expect(fleet.stored()).toHaveLength(0);
    fleet.connect(true);
    await sent;
    expect(fleet.stored()).toHaveLength(3 * UPLOAD_PIECE_BYTES_MAXIMUM);
  });

  test('ends when it is cancelled, and is refused when it is too large', async () => {
    const fleet = startFleet({ ...keeps, losesPiece: () => true });
    const abort = new AbortController();
    const sent = fleet.uploads.send('u', some(10), abort.signal);
    abort.abort();
    await expect(sent).rejects.toMatchObject({ code: 'cancelled' });
    await expect(fleet.uploads.send('v', new Uint8Array(UPLOAD_BYTES_MAXIMUM + 1), never)).rejects.toMatchObject({ code: 'too-large' });
  });
});
