import type { Audio } from '@starling/shared';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createSampleSplitter } from './audio.ts';

test('cuts bytes into chunks of whole samples, however they come, and gives the rest at the end', () => {
  fc.assert(
    fc.property(
      fc.array(fc.float({ noNaN: true, min: -1, max: 1 }), { maxLength: 80 }),
      fc.array(fc.nat(40), { maxLength: 20 }),
      fc.constantFrom(1, 2),
      (values, cuts, channels) => {
        const stream = Buffer.alloc(values.length * 4);
        for (const [index, value] of values.entries()) stream.writeFloatLE(value, index * 4);
        const chunks: Audio[] = [];
        const splitter = createSampleSplitter({ sampleRateHz: 1000, channels, chunkMs: 7 }, (chunk) => chunks.push(chunk));
        let at = 0;
        for (const cut of [...cuts, stream.length]) {
          splitter.add(stream.subarray(at, at + cut));
          at += cut;
        }
        splitter.end();
        const whole = values.slice(0, values.length - (values.length % channels));
        expect(chunks.flatMap(({ samples }) => [...samples])).toEqual(whole);
        expect(chunks.slice(0, -1).every(({ samples }) => samples.length === 7 * channels)).toBe(true);
        expect(chunks.every((chunk) => chunk.sampleRateHz === 1000 && chunk.channels === channels && chunk.samples.length > 0)).toBe(true);
      },
    ),
  );
});
