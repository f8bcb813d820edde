import { StarlingError } from '@starling/shared';
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
  return value;
}

export function float32Of(inputs: Readonly<Record<string, unknown>>, port: string, rank: number): Tensor & { data: Float32Array } {
  const value = inputs[port] as Tensor | undefined;
  if (value === undefined || !(value.data instanceof Float32Array) || value.shape.length !== rank) {
    throw new StarlingError('wrong-value', `input "${port}" is no float32 tensor of rank ${rank}`, { field: port });
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
