import { describe, expect, test } from 'vitest';
import type { StoredBlob } from '../blobs/index.ts';
import { createUploadReceiver } from './receive.ts';

const MEBIBYTE = 1024 * 1024;
const piece = (offset: number, totalBytes: number, length = totalBytes - offset) => ({
  ...{ offset, totalBytes },
  bytes: new Uint8Array(length).fill(1),
});
const nothing = (): void => undefined;

function startReceiver({ store = async () => undefined }: { store?: () => Promise<void> } = {}) {
  let nowMs = 0;
  const stored: string[] = [];
  const receiver = createUploadReceiver({
    blobs: {
      async putStream() {
        await store();
        return { manifest: 'm', digest: 'd', sizeBytes: 1 } as StoredBlob;
      },
    },
    clock: { nowMs: () => nowMs } as never,
    log: { debug: nothing } as never,
    isExpected: async (device) => device === 'asked',
    stored: async (_device, id) => void stored.push(id),
  });
  return {
    ...{ receiver, stored },
    pass(ms: number) {
      nowMs += ms;
    },
  };
}

describe('what devices upload', () => {
  test('is taken in order, and from nobody who was not asked', async () => {
    const { receiver, stored } = startReceiver();
    expect(await receiver.receive('other', 'a', piece(0, 10, 4))).toBeUndefined();
    expect(await receiver.receive('asked', 'a', piece(0, 10, 4))).toBe(4);
    expect(await receiver.receive('asked', 'a', piece(8, 10))).toBe(4);
    expect(await receiver.receive('other', 'a', piece(4, 10))).toBeUndefined();
    expect(await receiver.receive('asked', 'a', piece(4, 10))).toBe(10);
    expect(stored).toEqual(['a']);
  });

  test('is not acknowledged before it is stored, and begins anew where that failed', async () => {
    let finish: (error?: Error) => void = nothing;
    const { receiver, stored } = startReceiver({
      store: () =>
        new Promise((resolve, reject) => {
          finish = (error) => (error === undefined ? resolve() : reject(error));
        }),
    });
    const first = receiver.receive('asked', 'a', piece(0, 10));
    await new Promise((resolve) => setTimeout(resolve, 1));
    // Sent again after a silence.
    expect(await receiver.receive('asked', 'a', piece(0, 10))).toBeUndefined();
    finish(new RangeError('no store'));
    await expect(first).rejects.toThrow('no store');
    const second = receiver.receive('asked', 'a', piece(0, 10));
    await new Promise((resolve) => setTimeout(resolve, 1));
    expect(stored).toEqual([]);
    finish();
    expect(await second).toBe(10);
    expect(stored).toEqual(['a']);
  });

  test('arrives from more devices at once than there is room for: those that send are not turned out', async () => {
    const { receiver, stored, pass } = startReceiver();
    const totalBytes = 16 * MEBIBYTE;
    const received = new Map(Array.from({ length: 20 }, (_, index) => [`upload-${index}`, 0]));
    for (let round = 0; stored.length < 20 && round < 200; round += 1) {
      for (const [id, offset] of received) {
        if (stored.includes(id)) continue;
        received.set(
          id,
          (await receiver.receive('asked', id, piece(offset, totalBytes, Math.min(4 * MEBIBYTE, totalBytes - offset)))) ?? offset,
        );
      }
      pass(1_000);
    }
    expect(stored).toHaveLength(20);
  });

  test('makes room for others when it is silent', async () => {
    const { receiver, pass } = startReceiver();
    for (let index = 0; index < 8; index += 1) await receiver.receive('asked', `silent-${index}`, piece(0, 16 * MEBIBYTE, 1));
    expect(await receiver.receive('asked', 'late', piece(0, 16 * MEBIBYTE, 1))).toBeUndefined();
    pass(31_000);
    expect(await receiver.receive('asked', 'late', piece(0, 16 * MEBIBYTE, 1))).toBe(1);
    expect(await receiver.receive('asked', 'silent-0', piece(1, 16 * MEBIBYTE, 1))).toBe(0);
  });
});
