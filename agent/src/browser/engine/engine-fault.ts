import { messageOf } from '@starling/shared';

/** What an error of ONNX Runtime means for what comes after it. */
export interface EngineFault {
  /** In words for people, with those of the engine. */
  reason: string;
  /** The model wanted more memory than there is. */
  isMemory: boolean;
  /** Nothing that this build of the engine holds can be used any more. */
  isEnd: boolean;
}

/**
 * What engines and browsers say where memory is short. Sizes beyond 32 bits are among them: WebAssembly addresses 4 GiB, so the engine
 * says that their count overflows, or that a shape is too large.
 */
const MEMORY =
  /bad_alloc|out of memory|failed to allocate|could not allocate|allocation failed|allocation size overflow|memory size exceeded|SafeIntOnOverflow|shape is too large|exceeds the max buffer size/i;

/** Judges what the engine threw. A module that has trapped or aborted computes nothing more; from any other error it recovers. */
export function judgeFault(cause: unknown): EngineFault {
  const text = messageOf(cause);
  const isMemory = MEMORY.test(text);
  // A bare number is an exception of C++ that nothing in the module caught.
  const isEnd = cause instanceof WebAssembly.RuntimeError || typeof cause === 'number' || /\baborted\(/i.test(text);
  const reason = isMemory ? `it needs more memory than this browser gives (${text})` : isEnd ? `the engine has broken off (${text})` : text;
  return { reason, isMemory, isEnd };
}
