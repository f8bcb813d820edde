/** Memory of WebAssembly; it may grow. */
interface Memory {
  readonly buffer: ArrayBufferLike;
}

/** Ranges of memory, as they were. */
export interface MemoryImage {
  /** Puts them back. */
  restore(): void;
}

/** Where the untouched part of the stack lies. What is there at the end of a call is never read again. */
export interface StackGap {
  start: number;
  end: number;
}

const PAGE_BYTES = 4096;
/** Behind the last byte in use: the head of the free memory, of which the low bytes may be zeros. */
const MARGIN_BYTES = 64;

/**
 * The longest run of empty pages. To be asked of an instance that has run nothing of anybody's: there it is the stack, of which the
 * linker keeps five megabytes; later somebody's own empty arrays could be longer.
 */
export function findStackGap(memory: Memory): StackGap {
  const words = new BigUint64Array(memory.buffer);
  const end = usedBytes(words);
  let best: StackGap = { start: 0, end: 0 };
  let start = 0;
  for (let page = 0; page < end; page += PAGE_BYTES) {
    if (isEmpty(words, page)) continue;
    if (page - start > best.end - best.start) best = { start, end: page };
    start = page + PAGE_BYTES;
  }
  return best;
}

/** Keeps all memory in use but the stack. Memory that is asked for later is behind it, and given back by being forgotten. */
export function takeImage(memory: Memory, gap: StackGap): MemoryImage {
  const end = Math.min(usedBytes(new BigUint64Array(memory.buffer)) + MARGIN_BYTES, memory.buffer.byteLength);
  const parts = [
    { at: 0, bytes: new Uint8Array(memory.buffer).slice(0, gap.start) },
    { at: gap.end, bytes: new Uint8Array(memory.buffer).slice(gap.end, end) },
  ];
  return {
    restore() {
      // Memory that has grown is another buffer.
      const now = new Uint8Array(memory.buffer);
      for (const { at, bytes } of parts) now.set(bytes, at);
    },
  };
}

function usedBytes(words: BigUint64Array): number {
  let last = words.length;
  while (last > 0 && words[last - 1] === 0n) last -= 1;
  return last * BigUint64Array.BYTES_PER_ELEMENT;
}

function isEmpty(words: BigUint64Array, byte: number): boolean {
  const first = byte / BigUint64Array.BYTES_PER_ELEMENT;
  for (let index = first; index < first + PAGE_BYTES / BigUint64Array.BYTES_PER_ELEMENT; index += 1) {
    if (words[index] !== 0n) return false;
  }
  return true;
}
