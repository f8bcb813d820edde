import { operatorSignatures } from '@starling/shared';
import { describe, expect, it } from 'vitest';
import { fitImage } from '../core/pipelines/operators/fit.ts';
import { imageToGreyTensor } from '../core/pipelines/operators/image.ts';
import type { OperatorContext } from '../core/pipelines/operators/operator.ts';
import type { RawImage } from '../core/ports/image-codec.ts';
import { createSharpCodec } from './image-codec.ts';

const context: OperatorContext = {
  codec: createSharpCodec(),
  asset: async () => new Uint8Array(),
  allocateFloat32: (length) => new Float32Array(length),
};
const solid = (width: number, height: number, colour: [number, number, number]): RawImage => ({
  width,
  height,
  data: Uint8Array.from({ length: width * height * 3 }, (_, at) => colour[at % 3] ?? 0),
});
const fitParams = (given: Record<string, unknown>) => operatorSignatures['image.fit'].params.parse(given);
const grey = (given: Record<string, unknown>) => operatorSignatures['image.to-grey-tensor'].params.parse(given);

describe('image.fit', () => {
  it('stretches to exact sides', async () => {
    const { image } = await fitImage({ image: solid(40, 20, [10, 20, 30]) }, fitParams({ width: 28, height: 28 }), context);
    expect([image.width, image.height]).toEqual([28, 28]);
    expect([...image.data.subarray(0, 3)]).toEqual([10, 20, 30]);
  });

  it('keeps proportions in a letterbox and pads to the right and below', async () => {
    const wide = await fitImage(
      { image: solid(40, 20, [10, 20, 30]) },
      fitParams({ width: 20, height: 20, mode: 'letterbox', padding: 7 }),
      context,
    );
    const at = (x: number, y: number) => [...wide.image.data.subarray((y * 20 + x) * 3, (y * 20 + x) * 3 + 3)];
    expect(at(19, 9)).toEqual([10, 20, 30]);
    expect(at(0, 10)).toEqual([7, 7, 7]);
  });
});

describe('image.to-grey-tensor', () => {
  it('weighs channels as BT.601 does', async () => {
    const { tensor } = await imageToGreyTensor({ image: solid(2, 1, [255, 0, 0]) }, grey({}), context);
    expect(tensor.shape).toEqual([1, 1, 1, 2]);
    expect(tensor.data[0]).toBeCloseTo(0.299, 6);
  });

  it('inverts and normalises', async () => {
    const { tensor } = await imageToGreyTensor(
      { image: solid(1, 1, [255, 255, 255]) },
      grey({ invert: true, mean: 0.5, std: 0.25 }),
      context,
    );
    expect(tensor.data[0]).toBeCloseTo(-2, 5);
  });
});
