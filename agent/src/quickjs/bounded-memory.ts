/** Memory of WebAssembly, as far as it is used here: neither Node's types nor those of browsers are shared by both. */
export interface WasmMemory {
  readonly buffer: ArrayBufferLike;
  grow(pages: number): number;
}

export interface BoundedMemory {
  memory: WasmMemory;
  /** Whether more was asked for than there is, since the last time. */
  takeRanOut(): boolean;
}

const PAGE_BYTES = 65_536;
/** What QuickJS is linked to begin with: five megabytes of them are its stack. */
const INITIAL_BYTES = 16 * 1024 * 1024;

const { WebAssembly: Wasm } = globalThis as unknown as {
  WebAssembly: { Memory: new (limits: { initial: number; maximum: number }) => WasmMemory };
};

/**
 * Memory that ends. QuickJS counts only some bytes of each thing that it allocates where the system does not tell their sizes, so its
 * own limit bounds nothing but single large things; and what it does without memory cannot be trusted: who asked for more than there is
 * has to be given up.
 */
export function createBoundedMemory(maximumBytes: number): BoundedMemory {
  const memory = new Wasm.Memory({
    initial: INITIAL_BYTES / PAGE_BYTES,
    maximum: Math.ceil(Math.max(INITIAL_BYTES, maximumBytes) / PAGE_BYTES),
  });
  const grow = memory.grow.bind(memory);
  let ranOut = false;
  Object.defineProperty(memory, 'grow', {
    // The library asks for more than it needs, and then for less: all of its tries have failed when the last of them has.
    value(pages: number): number {
      ranOut = true;
      const before = grow(pages);
      ranOut = false;
      return before;
    },
  });
  return {
    memory,
    takeRanOut() {
      const had = ranOut;
      ranOut = false;
      return had;
    },
  };
}

/** What is left of the initial memory for a script that may have less than that. */
export function surplusBytes(usedBytes: number, allowedBytes: number, memory: WasmMemory): number {
  return memory.buffer.byteLength > INITIAL_BYTES ? 0 : Math.max(0, INITIAL_BYTES - usedBytes - allowedBytes);
}
