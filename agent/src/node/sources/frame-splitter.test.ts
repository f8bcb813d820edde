import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createFrameSplitter } from './frame-splitter.ts';

/** Something between the marks of a JPEG. Inside an image 0xff is followed by zero, as its encoding demands. */
const frame = fc
  .uint8Array({ minLength: 1, maxLength: 40 })
  .map((bytes) => Buffer.from([0xff, 0xd8, 0xff, 0xe0, ...[...bytes].flatMap((byte) => (byte === 0xff ? [0xff, 0] : [byte])), 0xff, 0xd9]));

describe('the splitter of frames', () => {
  test('gives every frame once and whole, however the stream is cut, and skips what is between them', () => {
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 8 }), fc.array(fc.nat(50), { maxLength: 30 }), fc.nat(10), (frames, cuts, noise) => {
        const stream = Buffer.concat(frames.flatMap((each) => [Buffer.alloc(noise, 0x20), each]));
        const got: Buffer[] = [];
        const split = createFrameSplitter((each) => got.push(each));
        let at = 0;
        for (const cut of [...cuts, stream.length]) {
          expect(split(stream.subarray(at, at + cut))).toBe(true);
          at += cut;
        }
        expect(got).toEqual(frames);
      }),
    );
  });

  test('gives up a stream without frames before it fills the memory', () => {
    const split = createFrameSplitter(() => expect.unreachable());
    const piece = Buffer.alloc(1 << 20, 0x20);
    const goesOn = Array.from({ length: 17 }, () => split(piece));
    expect(goesOn).toEqual([...Array(16).fill(true), false]);
  });
});
