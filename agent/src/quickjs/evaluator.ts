import type { QuickJSContext, QuickJSHandle } from 'quickjs-emscripten-core';
import type { ScriptAnswer, ScriptCall, ScriptModule } from '../core/ports/sandbox.ts';
import type { ScriptProblem, ScriptReply } from '../core/sandbox/index.ts';
import { readOutputs, writeCall } from './carry-values.ts';
import { createInstance, type Instance } from './instance.ts';
import type { MemoryImage } from './memory-image.ts';
import { prelude } from './prelude.ts';
import {
  type Described,
  invalidScript,
  memoryOf,
  problemOf,
  SCRIPT_FILE,
  stackOf,
  timeoutOf,
  tooLarge,
  unfit,
  unsettled,
} from './problems.ts';

/** Clocks of this thread in milliseconds, from any moment: processor time, and what passes, which is cheaper to ask. */
export interface ThreadTime {
  processorMs(): number;
  passedMs(): number;
}

export interface Evaluator {
  run(call: ScriptCall): ScriptReply;
}

/** A module is loaded once, and may take longer for it than for a run. */
const LOAD_MS_MINIMUM = 1_000;
/** JSON of the outputs of one run, and of a state, in characters: what belongs into tensors and pictures is not counted. */
const OUTPUT_CHARACTERS_MAXIMUM = 4 * 1024 * 1024;
const STATE_CHARACTERS_MAXIMUM = 256 * 1024;
const MEGABYTE = 1024 * 1024;

interface Parts extends Instance {
  watch: Watch;
  /** Functions of the prelude. */
  inside: Record<'load' | 'call' | 'finish' | 'buffer' | 'describe', QuickJSHandle>;
}

/** Loads a module into an instance of its own. */
export async function openEvaluator(module: ScriptModule, time: ThreadTime): Promise<Evaluator | ScriptProblem> {
  const instance = await createInstance(module.memoryMegabytes * MEGABYTE);
  const { runtime, context } = instance;
  const watch = createWatch(time);
  runtime.setInterruptHandler(watch.isLate);
  watch.start(Math.max(LOAD_MS_MINIMUM, module.cpuMs));
  const carrier = context.unwrapResult(context.evalCode(prelude, 'carrier'));
  const names = ['load', 'call', 'finish', 'buffer', 'describe'] as const;
  const inside = Object.fromEntries(names.map((name) => [name, context.getProp(carrier, name)])) as Parts['inside'];
  const parts: Parts = { ...instance, watch, inside };
  const described = loadModule(parts, module);
  if (watch.wasLate()) return invalidScript({ message: 'the module takes too long to load' });
  if (instance.takeRanOut()) return invalidScript({ message: `the module needs more than ${module.memoryMegabytes} MB to load` });
  if (described !== undefined) return invalidScript(described);
  const image = instance.takeImage();
  return { run: (call) => runOnce(parts, module, image, call) };
}

interface Watch {
  start(limitMs: number): void;
  isLate(): boolean;
  wasLate(): boolean;
}

/** No thread works longer than time passes: until that is over, nobody asks for its processor time. */
function createWatch({ processorMs, passedMs }: ThreadTime): Watch {
  let limit = { workedMs: 0, passedMs: 0 };
  let late = false;
  return {
    start(limitMs) {
      late = false;
      limit = { workedMs: processorMs() + limitMs, passedMs: passedMs() + limitMs };
    },
    isLate() {
      late ||= passedMs() > limit.passedMs && processorMs() > limit.workedMs;
      return late;
    },
    wasLate: () => late,
  };
}

/** @returns what is wrong with it */
function loadModule({ runtime, context, inside }: Parts, module: ScriptModule): Described | undefined {
  try {
    const result = context.evalCode(module.source, SCRIPT_FILE, { type: 'module' });
    if (result.error !== undefined) return describe(context, inside, result.error);
    const waited = runtime.executePendingJobs();
    if (waited.error !== undefined) return describe(context, inside, waited.error);
    const state = context.getPromiseState(result.value);
    if (state.type === 'pending') return { message: 'the module waits for something that never comes' };
    if (state.type === 'rejected') return describe(context, inside, state.error);
    const loaded = context.callFunction(inside.load, context.undefined, state.value, context.newString(module.params));
    if (loaded.error !== undefined) return describe(context, inside, loaded.error);
    const kind = context.getString(loaded.value);
    if (kind === 'function') return undefined;
    return { message: kind === 'undefined' ? 'the module has no default export' : `the default export is no function but ${kind}` };
  } catch (cause) {
    return { message: isStackOverflow(cause) ? 'the code is nested too deep' : `the sandbox failed: ${String(cause)}` };
  }
}

/** One run, from the module as it was loaded; and back to there. */
function runOnce(parts: Parts, module: ScriptModule, image: MemoryImage, call: ScriptCall): ScriptReply {
  const { watch, takeRanOut } = parts;
  watch.start(module.cpuMs);
  try {
    const found = answer(parts, module, call);
    // Even if the script has caught it: what the engine does without memory cannot be trusted.
    if (takeRanOut()) return { type: 'failed', problem: memoryOf(module.memoryMegabytes), isBroken: true };
    return 'code' in found ? { type: 'failed', problem: found, isBroken: false } : { type: 'ran', answer: found };
  } catch (cause) {
    // The engine itself has given up in the middle of something.
    if (takeRanOut()) return { type: 'failed', problem: memoryOf(module.memoryMegabytes), isBroken: true };
    const failed = { code: 'script-failed', message: `the sandbox failed: ${String(cause)}` };
    const problem = watch.wasLate() ? timeoutOf(module.cpuMs) : isStackOverflow(cause) ? stackOf() : failed;
    return { type: 'failed', problem, isBroken: true };
  } finally {
    image.restore();
  }
}

function answer(parts: Parts, module: ScriptModule, call: ScriptCall): ScriptAnswer | ScriptProblem {
  const { runtime, context, watch, inside } = parts;
  const { text, arrays } = writeCall(call);
  const bytes = arrays.reduce((sum, array) => sum + array.byteLength, text.length);
  if (bytes > module.memoryMegabytes * MEGABYTE) return memoryOf(module.memoryMegabytes);
  const given = arrays.map((array) => context.newArrayBuffer(bufferOf(array)));
  const called = context.callFunction(inside.call, context.undefined, context.newString(text), ...given);
  if (called.error !== undefined) return failure(parts, module, called.error);
  const waited = runtime.executePendingJobs();
  if (waited.error !== undefined) return failure(parts, module, waited.error);
  const finished = context.callFunction(inside.finish, context.undefined);
  if (finished.error !== undefined) return failure(parts, module, finished.error);
  // Asked once more: a run without a loop is never interrupted, however long its steps take.
  return watch.isLate() ? timeoutOf(module.cpuMs) : answerOf(parts, context.getString(finished.value));
}

function answerOf({ context, inside }: Parts, text: string): ScriptAnswer | ScriptProblem {
  if (text === 'pending') return unsettled;
  if (text.startsWith('unfit:')) {
    const { what, path } = JSON.parse(text.slice('unfit:'.length)) as { what: string; path: string };
    return unfit(what, path);
  }
  const start = text.indexOf(':') + 1;
  const stateEnd = start + Number(text.slice(0, start - 1));
  if (stateEnd - start > STATE_CHARACTERS_MAXIMUM) return tooLarge('state', stateEnd - start, STATE_CHARACTERS_MAXIMUM);
  if (text.length - stateEnd > OUTPUT_CHARACTERS_MAXIMUM) return tooLarge('outputs', text.length - stateEnd, OUTPUT_CHARACTERS_MAXIMUM);
  const outputs = readOutputs(text.slice(stateEnd), (index) => {
    const found = context.unwrapResult(context.callFunction(inside.buffer, context.undefined, context.newNumber(index)));
    return context.getArrayBuffer(found).value;
  });
  if (outputs === undefined) return { code: 'script-failed', message: 'the script has changed what carries its outputs' };
  return { outputs, ...(stateEnd === start ? {} : { state: text.slice(start, stateEnd) }) };
}

function failure({ context, watch, inside }: Parts, module: ScriptModule, error: QuickJSHandle): ScriptProblem {
  if (watch.isLate()) return timeoutOf(module.cpuMs);
  return problemOf(describe(context, inside, error), module.memoryMegabytes);
}

/** Puts an error into words, inside; where even that fails, no memory was left for it. */
function describe(context: QuickJSContext, inside: Parts['inside'], error: QuickJSHandle): Described {
  const result = context.callFunction(inside.describe, context.undefined, error);
  return result.error === undefined ? (JSON.parse(context.getString(result.value)) as Described) : { message: 'out of memory' };
}

function isStackOverflow(cause: unknown): boolean {
  return cause instanceof RangeError && cause.message.includes('call stack');
}

function bufferOf(array: { buffer: ArrayBufferLike; byteOffset: number; byteLength: number }): ArrayBufferLike {
  if (array.byteLength === array.buffer.byteLength) return array.buffer;
  return array.buffer.slice(array.byteOffset, array.byteOffset + array.byteLength);
}
