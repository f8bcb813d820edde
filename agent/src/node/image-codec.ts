import { messageOf, StarlingError } from '@starling/shared';
import sharp, { type Sharp } from 'sharp';
import type { EncodedImage, EncodeOptions, ImageCodec, ImageHeader, RawImage } from '../core/ports/image-codec.ts';

/** Encoded images that are larger than this are no photographs of a camera. */
const ENCODED_BYTES_MAXIMUM = 64 * 1024 * 1024;

/** libvips through sharp: decoding and scaling run on its own threads. */
export function createSharpCodec(): ImageCodec {
  // A cache would hold on to pixels of frames that never come again.
  sharp.cache(false);
  return {
    probe: async (bytes) => headerOf(await readMetadata(bytes)),
    async decode(bytes, maximumPixels) {
      const header = headerOf(await readMetadata(bytes));
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
      const decoder = sharp(bytes, { limitInputPixels: maximumPixels, failOn: 'error', pages: 1 });
      return toRaw(decoder.rotate().flatten({ background: '#ffffff' }).toColourspace('srgb'));
    },
    async resize(image, width, height) {
      const input = sharp(image.data, { raw: { width: image.width, height: image.height, channels: 3 } });
      return toRaw(input.resize(width, height, { fit: 'fill', kernel: 'linear', fastShrinkOnLoad: false }));
    },
    encode,
  };
}

/** Pixels as a file that everybody reads. */
export async function encodeJpeg(image: RawImage): Promise<Uint8Array> {
  const { bytes } = await encode(image, { format: 'jpeg', quality: 85, longestSide: Math.max(image.width, image.height) });
  return bytes;
}

async function encode({ width, height, data }: RawImage, { format, quality, longestSide }: EncodeOptions): Promise<EncodedImage> {
  try {
    const whole = sharp(data, { raw: { width, height, channels: 3 } });
    const fitted = whole.resize(longestSide, longestSide, { fit: 'inside', withoutEnlargement: true, kernel: 'linear' });
    const written = format === 'png' ? fitted.png({ compressionLevel: 6 }) : fitted.toFormat(format, { quality });
    const file = await written.toBuffer({ resolveWithObject: true });
    return { format, width: file.info.width, height: file.info.height, bytes: file.data };
  } catch (cause) {
    throw new StarlingError('not-encodable', `the picture cannot be written: ${messageOf(cause)}`, { field: 'image', cause });
  }
}

async function readMetadata(bytes: Uint8Array): Promise<Awaited<ReturnType<Sharp['metadata']>>> {
  if (bytes.length === 0) throw notAnImage('it has no bytes');
  if (bytes.length > ENCODED_BYTES_MAXIMUM) {
    throw new StarlingError('image-too-large', `the file has ${bytes.length} bytes, at most ${ENCODED_BYTES_MAXIMUM} are read`, {
      field: 'image',
    });
  }
  try {
    // The limit is checked by the caller from the header, with an error that names it.
    return await sharp(bytes, { limitInputPixels: false }).metadata();
  } catch (cause) {
    throw notAnImage(messageOf(cause), cause);
  }
}

function headerOf(metadata: { width?: number; height?: number; pageHeight?: number; format?: string }): ImageHeader {
  const { width, height, pageHeight, format } = metadata;
  if (width === undefined || height === undefined || width < 1 || height < 1) throw notAnImage('its header states no size');
  return { width, height: pageHeight ?? height, format: format ?? 'unknown' };
}

async function toRaw(image: Sharp): Promise<RawImage> {
  try {
    const { data, info } = await image.removeAlpha().raw().toBuffer({ resolveWithObject: true });
    return { width: info.width, height: info.height, data: info.channels === 1 ? greyToRgb(data) : data };
  } catch (cause) {
    throw notAnImage(messageOf(cause), cause);
  }
}

function greyToRgb(grey: Uint8Array): Uint8Array {
  const rgb = new Uint8Array(grey.length * 3);
  for (let pixel = 0; pixel < grey.length; pixel += 1) rgb.fill(grey[pixel] as number, pixel * 3, pixel * 3 + 3);
  return rgb;
}

function notAnImage(reason: string, cause?: unknown): StarlingError {
  return new StarlingError('not-an-image', `the image cannot be read: ${reason}`, {
    field: 'image',
    hint: 'send a whole JPEG, PNG, WebP, GIF, TIFF or AVIF file',
    cause,
  });
}
