import { messageOf, StarlingError } from '@starling/shared';
import type { EncodedImage, EncodeOptions, ImageCodec, ImageHeader, RawImage } from '../core/ports/image-codec.ts';
import type { DecodedAhead } from './decoded-ahead.ts';
import { readImageHeader } from './image-header.ts';
import { resample } from './resample.ts';
import { withoutAlpha } from './without-alpha.ts';

/** Encoded images that are larger than this are no photographs of a camera. */
const ENCODED_BYTES_MAXIMUM = 64 * 1024 * 1024;

/** No picture that is decoded before its turn is larger: whether a pipeline takes it is not known yet. */
const AHEAD_PIXELS_MAXIMUM = 16_777_216;

/** The browser's own decoders; scaling is ours, since each browser's canvas scales in its own way. */
export function createCanvasCodec(ahead: Pick<DecodedAhead, 'take'>): ImageCodec {
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
      const known = ahead.take(bytes);
      if (known !== undefined) return known;
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

/** A picture to be shown, and its pixels as `decode` would give them; nothing where it cannot be decoded or is very large. */
export async function decodeAhead(bytes: Uint8Array): Promise<{ picture: ImageBitmap; pixels: RawImage } | undefined> {
  try {
    const header = headerOf(bytes);
    if (header.width * header.height > AHEAD_PIXELS_MAXIMUM) return undefined;
    const picture = await decodePicture(bytes, header.format);
    return { picture, pixels: pixelsOf(picture, picture.width, picture.height) };
  } catch {
    return undefined;
  }
}

/** Pixels of what a canvas can draw, on white. */
export function pixelsOf(picture: CanvasImageSource, width: number, height: number): RawImage {
  const context = readingContext(width, height);
  context.fillStyle = '#ffffff';
  context.fillRect(0, 0, width, height);
  context.drawImage(picture, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  return { width, height, data: withoutAlpha(data, width * height) };
}

/** A canvas of a larger picture is not kept. */
const KEPT_PIXELS_MAXIMUM = 4_194_304;
let kept: OffscreenCanvasRenderingContext2D | undefined;

/** One for all pictures: megabytes that come and go with each make the garbage collector go through a whole worker for each. */
function readingContext(width: number, height: number): OffscreenCanvasRenderingContext2D {
  if (kept !== undefined && kept.canvas.width === width && kept.canvas.height === height) return kept;
  const options = { willReadFrequently: true, alpha: false, colorSpace: 'srgb' } as const;
  const context = new OffscreenCanvas(width, height).getContext('2d', options);
  if (context === null) throw new StarlingError('no-canvas', 'this browser gives no canvas to read pixels from');
  kept = width * height > KEPT_PIXELS_MAXIMUM ? undefined : context;
  return context;
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
  return { format, width, height, bytes: bytesOf(blob) };
}

/** At once, in this worker: what comes later waits for the model that runs then. */
function bytesOf(blob: Blob): Uint8Array {
  return new Uint8Array(new FileReaderSync().readAsArrayBuffer(blob));
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
