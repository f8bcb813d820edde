import type { WasmMemory } from './bounded-memory.ts';

/** Memory as it was. */
export interface MemoryImage {
  /** Puts it back. */
  restore(): void;
}

/** A part of memory. */
export interface Range {
  start: number;
  end: number;
}

const PAGE_BYTES = 4096;
const WORD_BYTES = BigUint64Array.BYTES_PER_ELEMENT;
/** Behind the last byte in use: the head of the free memory, of which the low bytes may be zeros. */
const MARGIN_BYTES = 64;

/**
 * The longest run of empty pages. To be asked of an instance that has run nothing of anybody's: there it is the stack, for which the
 * linker keeps five megabytes; later somebody's own empty arrays could be longer. What is on a stack at the end of a call is never
 * read again, so no image needs it.
 */
export function findStack(memory: WasmMemory): Range {
  const words = new BigUint64Array(memory.buffer);
  const end = usedBytes(memory);
  let best: Range = { start: 0, end: 0 };
  let start = 0;
  for (let page = 0; page < end; page += PAGE_BYTES) {
    if (isEmpty(words, page)) continue;
    if (page - start > best.end - best.start) best = { start, end: page };
    start = page + PAGE_BYTES;
  }
  return best;
}

/** Where the last thing in memory ends. */
export function usedBytes(memory: WasmMemory): number {
  const words = new BigUint64Array(memory.buffer);
  let last = words.length;
  while (last > 0 && words[last - 1] === 0n) last -= 1;
  return Math.min(last * WORD_BYTES + MARGIN_BYTES, memory.buffer.byteLength);
}

/**
 * Keeps all memory in use but some parts of it. Memory that is asked for later lies behind it, and is given back by being forgotten.
 * @param without in order
 */
export function takeImage(memory: WasmMemory, without: readonly Range[]): MemoryImage {
  const starts = [0, ...without.map(({ end }) => end)];
  const ends = [...without.map(({ start }) => start), usedBytes(memory)];
  const parts = starts.map((start, index) => ({ start, bytes: new Uint8Array(memory.buffer).slice(start, ends[index]) }));
  return {
    restore() {
      // Memory that has grown is another buffer.
      const now = new Uint8Array(memory.buffer);
      for (const { start, bytes } of parts) now.set(bytes, start);
    },
  };
}

function isEmpty(words: BigUint64Array, byte: number): boolean {
  const first = byte / WORD_BYTES;
  for (let index = first; index < first + PAGE_BYTES / WORD_BYTES; index += 1) {
    if (words[index] !== 0n) return false;
  }
  return true;
}
