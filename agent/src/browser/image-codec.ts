import { messageOf, StarlingError } from '@starling/shared';
import type { EncodedImage, EncodeOptions, ImageCodec, ImageHeader, RawImage } from '../core/ports/image-codec.ts';
import { readImageHeader } from './image-header.ts';
import { resample } from './resample.ts';

/** Encoded images that are larger than this are no photographs of a camera. */
const ENCODED_BYTES_MAXIMUM = 64 * 1024 * 1024;

/** The browser's own decoders; scaling is ours, since each browser's canvas scales in its own way. */
export function createCanvasCodec(): ImageCodec {
  return {
    probe: async (bytes) => headerOf(bytes),
    async decode(bytes, maximumPixels) {
      const header = headerOf(bytes);
      // Attack: decompression bomb. A few kilobytes may claim gigapixels; the header is enough to refuse them.
      if (header.width * header.height > maximumPixels) {
        throw new StarlingError(
          'image-too-large',
          `the image has ${header.width} x ${header.height} pixels, at most ${maximumPixels} are decoded`,
          {
            field: 'image',
            hint: 'send a smaller image, or raise maximumPixels of image.decode',
          },
        );
      }
      const picture = await decodePicture(bytes, header.format);
      try {
        return pixelsOf(picture, picture.width, picture.height);
      } finally {
        picture.close();
      }
    },
    resize: async (image, width, height) => resample(image, width, height),
    encode,
  };
}

/** Pixels of what a canvas can draw, on white. */
export function pixelsOf(picture: CanvasImageSource, width: number, height: number): RawImage {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d', { willReadFrequently: true, alpha: false, colorSpace: 'srgb' });
  if (context === null) throw new StarlingError('no-canvas', 'this browser gives no canvas to read pixels from');
  context.fillStyle = '#ffffff';
  context.fillRect(0, 0, width, height);
  context.drawImage(picture, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  return { width, height, data: withoutAlpha(data, width * height) };
}

async function encode(image: RawImage, { format, quality, longestSide }: EncodeOptions): Promise<EncodedImage> {
  const share = Math.min(1, longestSide / Math.max(image.width, image.height));
  const [width, height] = [Math.max(1, Math.round(image.width * share)), Math.max(1, Math.round(image.height * share))];
  const { data } = share < 1 ? resample(image, width, height) : image;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d', { alpha: false, colorSpace: 'srgb' });
  if (context === null) throw new StarlingError('no-canvas', 'this browser gives no canvas to write pixels to');
  const rgba = new Uint8ClampedArray(width * height * 4).fill(255);
  for (let pixel = 0, from = 0, to = 0; pixel < width * height; pixel += 1, from += 3, to += 4) {
    rgba[to] = data[from] as number;
    rgba[to + 1] = data[from + 1] as number;
    rgba[to + 2] = data[from + 2] as number;
  }
  context.putImageData(new ImageData(rgba, width, height), 0, 0);
  const blob = await canvas.convertToBlob({ type: `image/${format}`, quality: quality / 100 });
  // A browser that cannot write a format writes PNG instead, and says so in the type alone (HTML, 4.12.5.8).
  if (blob.type !== `image/${format}`)
    throw new StarlingError('not-encodable', `this browser writes no ${format}`, { field: 'image', hint: 'use jpeg or png' });
  return { format, width, height, bytes: new Uint8Array(await blob.arrayBuffer()) };
}

function withoutAlpha(rgba: Uint8ClampedArray, pixels: number): Uint8Array {
  const rgb = new Uint8Array(pixels * 3);
  for (let pixel = 0, from = 0, to = 0; pixel < pixels; pixel += 1, from += 4, to += 3) {
    rgb[to] = rgba[from] as number;
    rgb[to + 1] = rgba[from + 1] as number;
    rgb[to + 2] = rgba[from + 2] as number;
  }
  return rgb;
}

async function decodePicture(bytes: Uint8Array, format: string): Promise<ImageBitmap> {
  try {
    const blob = new Blob([bytes as Uint8Array<ArrayBuffer>], { type: `image/${format}` });
    return await createImageBitmap(blob, { colorSpaceConversion: 'none', premultiplyAlpha: 'none', imageOrientation: 'from-image' });
  } catch (cause) {
    throw notAnImage(messageOf(cause), cause);
  }
}

function headerOf(bytes: Uint8Array): ImageHeader {
  if (bytes.length === 0) throw notAnImage('it has no bytes');
  if (bytes.length > ENCODED_BYTES_MAXIMUM) {
    throw new StarlingError('image-too-large', `the file has ${bytes.length} bytes, at most ${ENCODED_BYTES_MAXIMUM} are read`, {
      field: 'image',
    });
  }
  const header = readImageHeader(bytes);
  if (header === undefined) throw notAnImage('it is of no kind that is known');
  if (header.width < 1 || header.height < 1) throw notAnImage('its header states no size');
  return header;
}

function notAnImage(reason: string, cause?: unknown): StarlingError {
  return new StarlingError('not-an-image', `the image cannot be read: ${reason}`, {
    field: 'image',
    hint: 'send a whole JPEG, PNG, WebP, GIF, BMP or AVIF file',
    cause,
  });
}
