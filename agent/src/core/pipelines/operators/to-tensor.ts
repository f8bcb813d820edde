import type { OperatorParams } from '@starling/shared';
import type { RawImage } from '../../ports/image-codec.ts';
import type { OperatorContext } from './operator.ts';
import { imageOf } from './values.ts';

type Params = OperatorParams<'image.to-tensor'>;

export async function imageToTensor(inputs: Readonly<Record<string, unknown>>, params: Params, context: OperatorContext) {
  const image = imageOf(inputs, 'image');
  const { width, height } = image;
  const shape = params.layout === 'nchw' ? [1, 3, height, width] : [1, height, width, 3];
  if (params.elementType === 'uint8') return { tensor: { elementType: params.elementType, shape, data: bytesOf(image, params) } };
  const data = context.allocateFloat32(3 * width * height);
  normaliseInto(data, image, params);
  return { tensor: { elementType: params.elementType, shape, data } };
}

/** Writes (pixel / 255 - mean) / std in the order that the network was trained with. */
function normaliseInto(data: Float32Array, image: RawImage, { mean, std, order, layout }: Params): void {
  const pixels = image.width * image.height;
  const source = image.data;
  for (let plane = 0; plane < 3; plane += 1) {
    const channel = order === 'rgb' ? plane : 2 - plane;
    const scale = 1 / (255 * (std[plane] as number));
    const offset = -(mean[plane] as number) / (std[plane] as number);
    if (layout === 'nchw') {
      const base = plane * pixels;
      for (let pixel = 0, at = channel; pixel < pixels; pixel += 1, at += 3) data[base + pixel] = (source[at] as number) * scale + offset;
    } else {
      for (let to = plane, at = channel; to < data.length; to += 3, at += 3) data[to] = (source[at] as number) * scale + offset;
    }
  }
}

function bytesOf(image: RawImage, { order, layout }: Params): Uint8Array {
  const pixels = image.width * image.height;
  const source = image.data;
  const data = new Uint8Array(3 * pixels);
  for (let plane = 0; plane < 3; plane += 1) {
    const step = layout === 'nchw' ? 1 : 3;
    let to = layout === 'nchw' ? plane * pixels : plane;
    for (let at = order === 'rgb' ? plane : 2 - plane; at < source.length; at += 3, to += step) data[to] = source[at] as number;
  }
  return data;
}
