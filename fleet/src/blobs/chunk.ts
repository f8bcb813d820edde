import { CHUNK_BYTES_MAXIMUM, CHUNK_BYTES_MEAN_MAXIMUM, CHUNK_BYTES_MEAN_MINIMUM } from '@starling/shared';

/** A part of a blob that should have chunks of its own, such as the data of one tensor. */
export interface Region {
  offset: number;
  length: number;
}

export interface ChunkSizes {
  minimum: number;
  mean: number;
  maximum: number;
}

/**
 * Sizes for a blob: small blobs get small chunks, so that a change costs few bytes; large ones get large chunks, so that their
 * manifests stay short. The mean is a power of two because the cut test is a bit mask.
 */
export function chunkSizesFor(blobBytes: number): ChunkSizes {
  const wanted = Math.min(CHUNK_BYTES_MEAN_MAXIMUM, Math.max(CHUNK_BYTES_MEAN_MINIMUM, blobBytes / 256));
  const mean = 2 ** Math.round(Math.log2(wanted));
  return { minimum: mean / 4, mean, maximum: Math.min(CHUNK_BYTES_MAXIMUM, mean * 4) };
}

/** One random 32-bit number for each byte value; fixed for ever, since it decides where every stored blob was cut. */
const gear = makeGear();

function makeGear(): Uint32Array {
  const table = new Uint32Array(256);
  let state = 0x5ca1ab1e;
  for (let index = 0; index < table.length; index += 1) {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    table[index] = (mixed ^ (mixed >>> 16)) >>> 0;
  }
  return table;
}

/**
 * Length of the next chunk of `bytes` from `from` on, by a gear hash as in FastCDC (Xia et al. 2016): a cut falls where the hash of the
 * last 32 bytes has its top bits clear, so it moves with the content and an insertion changes only the chunks around it.
 * @param to end of what may be looked at; a cut is forced there
 */
export function nextCut(bytes: Uint8Array, from: number, to: number, sizes: ChunkSizes): number {
  const available = to - from;
  if (available <= sizes.minimum) return available;
  const end = Math.min(available, sizes.maximum);
  const bits = Math.log2(sizes.mean - sizes.minimum);
  const mask = ((2 ** Math.round(bits) - 1) << (32 - Math.round(bits))) | 0;
  let hash = 0;
  for (let length = Math.max(0, sizes.minimum - 32); length < end; length += 1) {
    hash = ((hash << 1) + (gear[bytes[from + length] as number] as number)) | 0;
    if (length >= sizes.minimum && (hash & mask) === 0) return length + 1;
  }
  return end;
}

/**
 * Cuts a stream into chunks. Holds at most two maximal chunks and one piece of input.
 * @param regions parts with chunks of their own, ascending and apart; cuts fall at their starts and ends
 */
export async function* cutStream(
  source: AsyncIterable<Uint8Array>,
  blobBytes: number,
  regions: readonly Region[] = [],
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const sizes = chunkSizesFor(blobBytes);
  const forced = [...new Set(regions.flatMap(({ offset, length }) => [offset, offset + length]))].sort((a, b) => a - b);
  let pending: Uint8Array = new Uint8Array(0);
  let offset = 0;
  let nextForced = 0;

  const takeWhile = function* (isLast: boolean): Generator<Uint8Array<ArrayBuffer>> {
    let from = 0;
    while (from < pending.length) {
      while (nextForced < forced.length && (forced[nextForced] as number) <= offset) nextForced += 1;
      const wall = (forced[nextForced] ?? Number.POSITIVE_INFINITY) - offset;
      const to = Math.min(pending.length, from + wall);
      // A cut may only be trusted when all that could decide it is here.
      if (!isLast && to - from < sizes.maximum && wall > to - from) break;
      const length = nextCut(pending, from, to, sizes);
      yield new Uint8Array(pending.subarray(from, from + length));
      from += length;
      offset += length;
    }
    pending = pending.subarray(from);
  };

  for await (const piece of source) {
    pending = pending.length === 0 ? piece : concatenate(pending, piece);
    yield* takeWhile(false);
  }
  yield* takeWhile(true);
}

function concatenate(left: Uint8Array, right: Uint8Array): Uint8Array {
  const joined = new Uint8Array(left.length + right.length);
  joined.set(left);
  joined.set(right, left.length);
  return joined;
}
