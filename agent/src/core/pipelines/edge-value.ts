import { type Audio, cborEncode, type EdgeLeaf, type EdgeValue, summariseAudio, summariseTensor } from '@starling/shared';
import type { Tensor } from '../ports/engine.ts';
import type { ImageCodec, RawImage } from '../ports/image-codec.ts';

/** How pictures are written: longest sides, tried until one fits. */
interface PictureSizes {
  sides: readonly number[];
  quality: number;
}
/** To be looked at. */
const shown: PictureSizes = { sides: [640, 320, 160, 80], quality: 70 };
/** To be learned from: as large as there is room. */
const kept: PictureSizes = { sides: [8192, 4096, 2560, 1920, 1280, 640, 320, 160, 80], quality: 90 };
/** Room for all of an image that is not its thumbnail. */
const IMAGE_REST_BYTES = 256;
/** Larger encoded pictures are not opened to be looked at. */
const PIXELS_MAXIMUM = 50_000_000;
/** First items of a list that are shown. */
const LIST_ITEMS_MAXIMUM = 16;
/** First bytes of what nothing is known about. */
const START_BYTES = 64;
/** Parts of a JSON value that are gone through: a larger one is left out before it has cost anything. */
const JSON_PARTS_MAXIMUM = 20_000;
const JSON_DEPTH_MAXIMUM = 24;

/** What writes pictures, and how. */
type Pictures = Pick<ImageCodec, 'decode' | 'encode'> & PictureSizes;

/**
 * A value of an edge, made small enough to be looked at from afar. Never throws: what cannot be shown says so.
 * @param isKept it is learned from, and not only looked at: pictures keep their size as far as there is room
 */
export async function encodeEdgeValue(value: unknown, codec: ImageCodec, maximumBytes: number, isKept = false): Promise<EdgeValue> {
  const { decode, encode } = codec;
  const pictures = { decode, encode, ...(isKept ? kept : shown) };
  try {
    if (Array.isArray(value)) return await encodeList(value, pictures, maximumBytes);
    return await encodeLeaf(value, pictures, maximumBytes);
  } catch {
    return { kind: 'left-out', reason: 'not-encodable' };
  }
}

/** A list that JSON can say stays whole if it fits; of any other the first items are shown. */
async function encodeList(list: readonly unknown[], codec: Pictures, maximumBytes: number): Promise<EdgeValue> {
  const whole = list.some(isRich) ? undefined : encodeJson(list, maximumBytes);
  if (whole?.kind === 'json') return whole;
  const items: EdgeLeaf[] = [];
  let room = maximumBytes - 64;
  const count = Math.min(list.length, LIST_ITEMS_MAXIMUM);
  for (const [index, item] of list.slice(0, count).entries()) {
    const share = Math.max(1024, Math.floor(room / (count - index)));
    if (share > room) break;
    const leaf = await encodeLeaf(item, codec, share);
    items.push(leaf);
    room -= cborEncode(leaf).length;
  }
  return { kind: 'list', length: list.length, items };
}

async function encodeLeaf(value: unknown, codec: Pictures, maximumBytes: number): Promise<EdgeLeaf> {
  if (isPixels(value)) return encodeImage(value, codec, maximumBytes);
  if (isTensor(value)) return summariseTensor(value, maximumBytes);
  if (isAudio(value)) return summariseAudio(value, maximumBytes);
  if (value instanceof Uint8Array) return encodeBytes(value, codec, maximumBytes);
  return encodeJson(value, maximumBytes);
}

async function encodeImage(image: RawImage, codec: Pictures, maximumBytes: number): Promise<EdgeLeaf> {
  const room = maximumBytes - IMAGE_REST_BYTES;
  let sizeBytes = 0;
  const { width, height } = image;
  const longest = Math.max(width, height);
  for (const longestSide of new Set(codec.sides.map((side) => Math.min(side, longest)))) {
    // A picture at this side takes more than a twelfth of its pixels; it is not even tried where that is too much.
    const share = longestSide / longest;
    if ((width * height * share ** 2) / 24 > room) continue;
    const written = await codec.encode(image, { format: 'jpeg', quality: codec.quality, longestSide });
    sizeBytes = written.bytes.length;
    if (sizeBytes > room) continue;
    const { bytes: data, ...thumbnail } = written;
    return { kind: 'image', width, height, thumbnail: { ...thumbnail, data } };
  }
  return { kind: 'left-out', reason: 'too-large', sizeBytes };
}

/** Encoded pictures are what sources give; other bytes show their start. */
async function encodeBytes(bytes: Uint8Array, codec: Pictures, maximumBytes: number): Promise<EdgeLeaf> {
  let pixels: RawImage;
  try {
    pixels = await codec.decode(bytes, PIXELS_MAXIMUM);
  } catch {
    return { kind: 'bytes', sizeBytes: bytes.length, start: bytes.slice(0, START_BYTES) };
  }
  const leaf = await encodeImage(pixels, codec, maximumBytes);
  return leaf.kind === 'image' ? { ...leaf, encodedBytes: bytes.length } : leaf;
}

function encodeJson(value: unknown, maximumBytes: number): EdgeLeaf {
  const parts = { left: JSON_PARTS_MAXIMUM };
  const plain = plainOf(value, parts, 0);
  if (parts.left < 0) return { kind: 'left-out', reason: 'too-large' };
  if (plain === undefined) return { kind: 'left-out', reason: 'not-encodable' };
  const leaf = { kind: 'json', value: plain } as const;
  const sizeBytes = cborEncode(leaf).length;
  return sizeBytes <= maximumBytes ? leaf : { kind: 'left-out', reason: 'too-large', sizeBytes };
}

/** What JSON can say of a value. Numbers that it cannot say become null, arrays of numbers lists. */
function plainOf(value: unknown, parts: { left: number }, depth: number): unknown {
  parts.left -= 1;
  if (parts.left < 0 || depth > JSON_DEPTH_MAXIMUM) return undefined;
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value;
  if (ArrayBuffer.isView(value)) {
    const numbers = value as unknown as ArrayLike<number | bigint>;
    if (numbers.length > parts.left) parts.left = -1;
    return parts.left < 0 ? undefined : Array.from(numbers, (each) => plainOf(each, parts, depth + 1));
  }
  if (Array.isArray(value)) {
    if (value.length > parts.left) parts.left = -1;
    return parts.left < 0 ? undefined : value.map((each) => plainOf(each, parts, depth + 1) ?? null);
  }
  if (typeof value !== 'object') return undefined;
  const plain: Record<string, unknown> = {};
  for (const [key, each] of Object.entries(value)) {
    const said = plainOf(each, parts, depth + 1);
    if (said !== undefined) plain[key] = said;
  }
  return plain;
}

function isRich(value: unknown): boolean {
  return isPixels(value) || isTensor(value) || isAudio(value) || value instanceof Uint8Array;
}

function isPixels(value: unknown): value is RawImage {
  if (typeof value !== 'object' || value === null || !('width' in value && 'height' in value && 'data' in value)) return false;
  const { width, height, data } = value as RawImage;
  return data instanceof Uint8Array && width > 0 && height > 0 && data.length === width * height * 3;
}

function isTensor(value: unknown): value is Tensor {
  return typeof value === 'object' && value !== null && 'shape' in value && 'elementType' in value && 'data' in value;
}

function isAudio(value: unknown): value is Audio {
  return typeof value === 'object' && value !== null && 'sampleRateHz' in value && 'samples' in value;
}
