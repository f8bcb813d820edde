import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cborDecode, cborEncode } from './cbor.ts';
import { summariseAudio, summariseTensor } from './edge-summary.ts';
import { edgeValueSchema, edgeValueView, edgeValueViewSchema } from './edge-value.ts';

const floats = (bytes: Uint8Array): number[] => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / 4 }, (_, index) => view.getFloat32(index * 4, true));
};
const shapes = fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 4 });

describe('a tensor on an edge', () => {
  test('of any shape fits into its room, and parses where it arrives', () => {
    fc.assert(
      fc.property(shapes, fc.integer({ min: 1024, max: 65_536 }), fc.integer(), (shape, maximumBytes, seed) => {
        const length = shape.reduce((product, side) => product * side, 1);
        const data = Float32Array.from({ length }, (_, index) => Math.sin(seed + index));
        const leaf = summariseTensor({ elementType: 'float32', shape, data }, maximumBytes);
        const bytes = cborEncode(leaf);
        expect(bytes.length).toBeLessThanOrEqual(maximumBytes);
        expect(cborDecode(bytes, edgeValueSchema)).toEqual(leaf);
        expect(edgeValueViewSchema.safeParse(JSON.parse(JSON.stringify(edgeValueView(leaf)))).success).toBe(true);
        const { planes, rows, columns, isExact } = leaf.sample;
        expect(floats(leaf.sample.data)).toHaveLength(planes * rows * columns);
        if (isExact) expect(floats(leaf.sample.data)).toEqual([...data]);
      }),
      { numRuns: 60 },
    );
  });

  test('has the statistics of its elements, without those that are not finite', () => {
    const { statistics } = summariseTensor(
      { elementType: 'float32', shape: [6], data: Float32Array.of(1, 2, 3, 4, Number.NaN, Number.POSITIVE_INFINITY) },
      4096,
    );
    expect(statistics).toMatchObject({ elements: 6, notFinite: 2, minimum: 1, maximum: 4, mean: 2.5 });
    expect(statistics.deviation).toBeCloseTo(Math.sqrt(1.25), 12);
    expect(statistics.histogram.reduce((sum, each) => sum + each, 0)).toBe(4);
    expect(statistics.histogram.at(0)).toBe(1);
    expect(statistics.histogram.at(-1)).toBe(1);
  });

  test('becomes a heat map by the mean of each block', () => {
    const data = Float32Array.from({ length: 128 * 128 }, (_, index) => (index % 128 < 64 ? 0 : 1));
    const { sample } = summariseTensor({ elementType: 'float32', shape: [1, 1, 128, 128], data }, 65_536);
    expect(sample).toMatchObject({ planes: 1, rows: 64, columns: 64, isExact: false });
    expect(floats(sample.data).slice(0, 64)).toEqual(Array.from({ length: 64 }, (_, column) => (column < 32 ? 0 : 1)));
  });

  test.each([
    ['float16', Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7c00), [1, -2, 2 ** -24, Number.POSITIVE_INFINITY]],
    ['int64', BigInt64Array.of(-5n, 7n), [-5, 7]],
    ['bool', Uint8Array.of(0, 1), [0, 1]],
  ] as const)('of %s is shown in numbers', (elementType, data, expected) => {
    expect(floats(summariseTensor({ elementType, shape: [data.length], data }, 4096).sample.data)).toEqual(expected);
  });
});

describe('a sound on an edge', () => {
  test('of any length fits into its room, and parses where it arrives', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 5000 }),
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 8192, max: 65_536 }),
        (frames, channels, room) => {
          const samples = Float32Array.from({ length: frames * channels }, (_, index) => Math.sin(index / 9));
          const leaf = summariseAudio({ sampleRateHz: 16_000, channels, samples }, room);
          const bytes = cborEncode(leaf);
          expect(bytes.length).toBeLessThanOrEqual(room);
          expect(cborDecode(bytes, edgeValueSchema)).toEqual(leaf);
          expect(leaf.frames).toBe(frames);
        },
      ),
      { numRuns: 50 },
    );
  });

  test('has its peaks and its loudness', () => {
    const leaf = summariseAudio({ sampleRateHz: 8000, channels: 1, samples: Float32Array.of(0.5, -0.5, 0.5, -0.5) }, 8192);
    expect(leaf).toMatchObject({ frames: 4, rms: 0.5 });
    expect(leaf.peaks).toEqual([
      [0.5, 0.5],
      [-0.5, -0.5],
      [0.5, 0.5],
      [-0.5, -0.5],
    ]);
    expect(leaf.samples).toHaveLength(8);
  });
});

test('bytes are base64 in JSON, however many', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70_000 }), (start) => {
      const view = edgeValueView({ kind: 'bytes', sizeBytes: start.length, start });
      expect(view.kind === 'bytes' && Buffer.from(view.start, 'base64')).toEqual(Buffer.from(start));
    }),
    { numRuns: 20 },
  );
});
