import { type Detection, StarlingError } from '@starling/shared';
import type { Tensor } from '../../ports/engine.ts';
import type { RawImage } from '../../ports/image-codec.ts';

/** Corners in pixels: top-left, top-right, bottom-right, bottom-left as the text reads. */
export type Point = [number, number];
export type Quad = [Point, Point, Point, Point];

export interface Box {
  quad: Quad;
  /** Mean probability inside the box, 0..1. */
  score: number;
}

export interface Text {
  text: string;
  /** Mean probability of its characters, 0..1. */
  confidence: number;
}

export function isRawImage(value: unknown): value is RawImage {
  return typeof value === 'object' && value !== null && 'width' in value && 'height' in value && 'data' in value;
}

export function imageOf(inputs: Readonly<Record<string, unknown>>, port: string): RawImage {
  const value = inputs[port];
  if (!isRawImage(value)) throw new StarlingError('wrong-value', `input "${port}" is no image`, { field: port });
  const { width, height, data } = value;
  if (!(width >= 1 && height >= 1) || data.length !== 3 * width * height) {
    throw new StarlingError('wrong-value', `input "${port}" has ${width} x ${height} pixels and ${data.length} bytes`, {
      field: port,
      hint: 'an image has at least one pixel, and three bytes for each',
    });
  }
  return value;
}

export function float32Of(inputs: Readonly<Record<string, unknown>>, port: string, rank: number): Tensor & { data: Float32Array } {
  const value = inputs[port] as Tensor | null | undefined;
  if (!(value?.data instanceof Float32Array) || value.shape.length !== rank) {
    throw new StarlingError('wrong-value', `input "${port}" is no float32 tensor of rank ${rank}`, { field: port });
  }
  if (value.shape.reduce((product, length) => product * length, 1) !== value.data.length) {
    throw new StarlingError('wrong-shape', `input "${port}" has ${value.data.length} numbers for [${value.shape.join(',')}]`, {
      field: port,
    });
  }
  return value as Tensor & { data: Float32Array };
}

export function boxesOf(inputs: Readonly<Record<string, unknown>>, port: string): Box[] {
  const value = inputs[port];
  if (!Array.isArray(value)) throw new StarlingError('wrong-value', `input "${port}" holds no boxes`, { field: port });
  return value as Box[];
}

export function textsOf(inputs: Readonly<Record<string, unknown>>, port: string): Text[] {
  const value = inputs[port];
  if (!Array.isArray(value)) throw new StarlingError('wrong-value', `input "${port}" holds no texts`, { field: port });
  return value as Text[];
}

/** @throws StarlingError `wrong-value` where a box is not four finite numbers: nothing could be measured, hidden or drawn there */
export function detectionsOf(inputs: Readonly<Record<string, unknown>>, port: string): Detection[] {
  const value = inputs[port];
  if (!Array.isArray(value)) throw new StarlingError('wrong-value', `input "${port}" holds no detections`, { field: port });
  for (const [index, detection] of (value as Detection[]).entries()) {
    const numbers = [...(Array.isArray(detection?.box) ? detection.box : []), detection?.angle ?? 0];
    if (numbers.length !== 5 || !numbers.every(Number.isFinite)) {
      throw new StarlingError('wrong-value', `detection ${index} of input "${port}" has no box of finite numbers`, {
        field: `${port}.${index}.box`,
        hint: 'a box is left, top, right, bottom in pixels',
      });
    }
  }
  return value as Detection[];
}
