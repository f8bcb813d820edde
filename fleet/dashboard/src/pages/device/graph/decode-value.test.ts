import { edgeValueView, summariseTensor } from '@starling/shared';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesOf64, heatMap, outlinesOf, readableJson, sampleOf, type TensorView, textOf } from './decode-value.ts';

describe('a value of an edge', () => {
  test('bytes come out of base64 as they went in', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect([...bytesOf64(Buffer.from(bytes).toString('base64'))]).toEqual([...bytes]);
      }),
    );
  });

  test('the sample of a tensor is the numbers that the device put there', () => {
    const data = Float32Array.of(0, 1.5, -2, 1000);
    const leaf = edgeValueView(summariseTensor({ elementType: 'float32', shape: [1, 2, 2], data }, 65_536)) as TensorView;
    expect([...sampleOf(leaf)]).toEqual([...data]);
    expect(leaf.sample).toMatchObject({ planes: 1, rows: 2, columns: 2, isExact: true });
  });

  test('a heat map grows lighter with the value, and shows what is not finite in red', () => {
    const lightness = (pixels: Uint8ClampedArray, index: number): number =>
      0.2126 * (pixels[index * 4] ?? 0) + 0.7152 * (pixels[index * 4 + 1] ?? 0) + 0.0722 * (pixels[index * 4 + 2] ?? 0);
    const pixels = heatMap([0, 1, 2, 3, 4, Number.NaN], 0, 4);
    const row = [0, 1, 2, 3, 4].map((index) => lightness(pixels, index));
    expect(row).toEqual(row.toSorted((a, b) => a - b));
    expect([...pixels.subarray(20)]).toEqual([220, 40, 40, 255]);
    expect([...heatMap([7], 7, 7).subarray(3)]).toEqual([255]);
  });

  test('boxes, detections and readings become outlines in pixels; everything else none', () => {
    const quad = [
      [1, 2],
      [11, 2],
      [11, 7],
      [1, 7],
    ];
    expect(outlinesOf([{ quad, score: 0.9 }])).toEqual([{ points: quad, label: '', score: 0.9 }]);
    expect(outlinesOf({ readings: [{ quad, text: 'EXIT', confidence: 0.8, score: 0.9 }] })).toEqual([
      { points: quad, label: 'EXIT', score: 0.8 },
    ]);
    const [turned] = outlinesOf([{ box: [0, 0, 4, 2], score: 1, class: 3, track: 7, angle: Math.PI / 2 }]) ?? [];
    expect(turned?.label).toBe('class 3 #7');
    expect(turned?.points.map((point) => point.map(Math.round))).toEqual([
      [3, -1],
      [3, 3],
      [1, 3],
      [1, -1],
    ]);
    for (const other of [[], [{ x: 1 }], 'text', null, { count: 3 }]) expect(outlinesOf(other)).toBeUndefined();
  });

  test('JSON is read with its numbers in one line, and nothing of it is lost', () => {
    expect(
      readableJson({
        quad: [
          [1.23456789, 2],
          [3, 4],
        ],
        text: '[1, 2]',
      }),
    ).toBe('{\n  "quad": [[1.2346, 2], [3, 4]],\n  "text": "[1, 2]"\n}');
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const rounded: unknown = JSON.parse(JSON.stringify(value), (_key, each: unknown) =>
          typeof each === 'number' && !Number.isInteger(each) ? Number(each.toPrecision(5)) : each,
        );
        expect(JSON.parse(readableJson(value))).toEqual(rounded);
      }),
    );
  });

  test('text is text', () => {
    expect(textOf({ text: 'EXIT', confidence: 0.5 })).toEqual({ text: 'EXIT', confidence: 0.5 });
    expect(textOf('plain')).toEqual({ text: 'plain' });
    expect(textOf({ count: 3 })).toBeUndefined();
  });
});
