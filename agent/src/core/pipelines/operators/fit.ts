import type { OperatorParams } from '@starling/shared';
import type { RawImage } from '../../ports/image-codec.ts';
import type { OperatorContext } from './operator.ts';
import { imageOf, type Point } from './values.ts';

export type FitParams = OperatorParams<'image.fit'>;

interface Size {
  width: number;
  height: number;
}

/** Where a picture lies inside the frame that it was fitted into, in pixels of the frame. */
export interface Placement extends Size {
  left: number;
  top: number;
}

/** Stretched, or scaled into the frame: into its top left corner, so that coordinates only need a division, or its middle. */
export async function fitImage(inputs: Readonly<Record<string, unknown>>, params: FitParams, context: OperatorContext) {
  const image = imageOf(inputs, 'image');
  const placement = placeInFrame(image, params);
  const inner = await scaled(image, placement, context);
  return { image: inner.width === params.width && inner.height === params.height ? inner : padded(inner, placement, params) };
}

export function placeInFrame(source: Size, { width, height, mode, align }: FitParams): Placement {
  if (mode === 'stretch') return { left: 0, top: 0, width, height };
  const scale = Math.min(width / source.width, height / source.height);
  const inner = {
    width: Math.max(1, Math.min(width, Math.round(source.width * scale))),
    height: Math.max(1, Math.min(height, Math.round(source.height * scale))),
  };
  if (align === 'corner') return { left: 0, top: 0, ...inner };
  // An odd pixel of padding goes to the right and below, as the letterbox of YOLO does it.
  return { left: Math.floor((width - inner.width) / 2), top: Math.floor((height - inner.height) / 2), ...inner };
}

/** The way back: from positions in the frame to positions in the source. */
export interface WayBack {
  source: Size;
  placement: Placement;
  /** Pixels of the source for each pixel of the frame. */
  scaleX: number;
  scaleY: number;
  /** The same place in the source; beside the picture where it lies in the padding. */
  point(x: number, y: number): Point;
}

export function wayBack(source: Size, params: FitParams): WayBack {
  const placement = placeInFrame(source, params);
  const scaleX = source.width / placement.width;
  const scaleY = source.height / placement.height;
  return {
    source,
    placement,
    scaleX,
    scaleY,
    point: (x, y) => [(x - placement.left) * scaleX, (y - placement.top) * scaleY],
  };
}

async function scaled(image: RawImage, { width, height }: Size, context: OperatorContext): Promise<RawImage> {
  return width === image.width && height === image.height ? image : context.codec.resize(image, width, height);
}

function padded(inner: RawImage, { left, top }: Placement, { width, height, padding }: FitParams): RawImage {
  const data = new Uint8Array(width * height * 3).fill(padding);
  for (let row = 0; row < inner.height; row += 1) {
    data.set(inner.data.subarray(row * inner.width * 3, (row + 1) * inner.width * 3), ((top + row) * width + left) * 3);
  }
  return { width, height, data };
}
