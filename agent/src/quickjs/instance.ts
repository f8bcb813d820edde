import variant from '@jitl/quickjs-singlefile-browser-release-sync';
import { newQuickJSWASMModuleFromVariant, type QuickJSContext, type QuickJSRuntime } from 'quickjs-emscripten-core';
import { createBoundedMemory, surplusBytes } from './bounded-memory.ts';
import { findStack, type MemoryImage, type Range, takeImage, usedBytes } from './memory-image.ts';

/** An engine of its own for one script. */
export interface Instance {
  runtime: QuickJSRuntime;
  context: QuickJSContext;
  /** Whether the script has asked for more memory than it has. The instance cannot be used any more then. */
  takeRanOut(): boolean;
  takeImage(): MemoryImage;
}

/** As much as the smallest stack of a worker in a browser bears: calls are too deep at the same place everywhere. */
const STACK_BYTES = 96 * 1024;
/** The engine's own: its stack, its tables, and what a context holds before a script is in it. */
const ENGINE_BYTES = 6 * 1024 * 1024;

/** @param memoryBytes what the script may have at once */
export async function createInstance(memoryBytes: number): Promise<Instance> {
  const { memory, takeRanOut } = createBoundedMemory(ENGINE_BYTES + memoryBytes);
  let allocate: ((bytes: number) => number) | undefined;
  const quickjs = await newQuickJSWASMModuleFromVariant({
    ...variant,
    async importModuleLoader() {
      const imported = await variant.importModuleLoader();
      const load = ('default' in imported ? imported.default : imported) as Extract<typeof imported, (...given: never) => unknown>;
      return async (options) => {
        const module = await load({ ...options, wasmMemory: memory as never });
        allocate = module._malloc;
        return module;
      };
    },
  });
  const runtime = quickjs.newRuntime();
  const context = runtime.newContext();
  const stack = findStack(memory);
  // One thing that is larger than everything is refused at once, and the script may go on.
  runtime.setMemoryLimit(memoryBytes);
  runtime.setMaxStackSize(STACK_BYTES);
  return {
    runtime,
    context,
    takeRanOut,
    takeImage() {
      const surplus = surplusBytes(usedBytes(memory), memoryBytes, memory);
      const start = surplus === 0 ? 0 : (allocate?.(surplus) ?? 0);
      const taken: Range[] = start === 0 ? [] : [{ start, end: start + surplus }];
      return takeImage(memory, [stack, ...taken]);
    },
  };
}
