import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createRunningDigest } from './running-digest.ts';

const chunksArbitrary = fc.array(fc.uint8Array({ maxLength: 64 }), { minLength: 1, maxLength: 40 });

function digestOf(chunks: readonly Uint8Array[]): string {
  return createHash('sha256').update(Buffer.concat(chunks)).digest('hex');
}

test('chunks in any order, some of them twice, give the digest of the whole', () => {
  fc.assert(
    fc.property(
      chunksArbitrary.chain((chunks) => {
        const indices = chunks.map((_, index) => index);
        return fc.tuple(
          fc.constant(chunks),
          fc.shuffledSubarray(indices, { minLength: indices.length }),
          fc.array(fc.nat({ max: chunks.length - 1 }), { maxLength: 5 }),
        );
      }),
      ([chunks, order, again]) => {
        const running = createRunningDigest(chunks.length);
        for (const index of [...order, ...again]) running.add(index, chunks[index] as Uint8Array);
        expect(running.finish()).toBe(digestOf(chunks));
      },
    ),
  );
});

test('without one chunk there is no digest', () => {
  fc.assert(
    fc.property(chunksArbitrary, fc.nat(), (chunks, pick) => {
      const missing = pick % chunks.length;
      const running = createRunningDigest(chunks.length);
      for (const [index, bytes] of chunks.entries()) if (index !== missing) running.add(index, bytes);
      expect(running.finish()).toBeUndefined();
    }),
  );
});

test('chunks that wait for the first are kept within bounds, and then the file has to be read', () => {
  const megabyte = new Uint8Array(1024 * 1024);
  const running = createRunningDigest(20);
  for (let index = 1; index < 20; index += 1) running.add(index, megabyte);
  running.add(0, megabyte);
  expect(running.finish()).toBeUndefined();
});
