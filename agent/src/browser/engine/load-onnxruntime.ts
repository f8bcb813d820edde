import { messageOf, StarlingError } from '@starling/shared';
import type * as OnnxRuntime from 'onnxruntime-web';
import asyncifyModule from 'onnxruntime-web/ort-wasm-simd-threaded.asyncify.mjs?url';
import asyncifyBinary from 'onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url';
import jspiModule from 'onnxruntime-web/ort-wasm-simd-threaded.jspi.mjs?url';
import jspiBinary from 'onnxruntime-web/ort-wasm-simd-threaded.jspi.wasm?url';
import plainModule from 'onnxruntime-web/ort-wasm-simd-threaded.mjs?url';
import plainBinary from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url';

export type Ort = typeof OnnxRuntime;

/** Builds of the engine. Every file of it is served with this code: the bundler turns these into addresses. */
const builds = {
  /** The processor alone: the smallest, and the fastest there. */
  plain: { mjs: plainModule, wasm: plainBinary, load: () => import('onnxruntime-web/wasm') },
  /** GPU and WebNN, where WebAssembly can wait for a promise. */
  jspi: { mjs: jspiModule, wasm: jspiBinary, load: () => import('onnxruntime-web/jspi') },
  /** The same for other browsers, rewritten so that it can be left and entered again: half as large again. */
  asyncify: { mjs: asyncifyModule, wasm: asyncifyBinary, load: () => import('onnxruntime-web/webgpu') },
};

type Build = keyof typeof builds;

function buildFor(provider: string): Build {
  if (provider === 'wasm') return 'plain';
  return 'Suspending' in WebAssembly ? 'jspi' : 'asyncify';
}

/** Loads the build of the engine that has a provider, once. @param threads of one run, for all sessions of that build */
export function createOrtLoader(threads: number): (provider: string) => Promise<Ort> {
  const loading = new Map<Build, Promise<Ort>>();
  return (provider) => {
    const build = buildFor(provider);
    const known = loading.get(build) ?? load(build, threads);
    loading.set(build, known);
    return known;
  };
}

async function load(build: Build, threads: number): Promise<Ort> {
  const { mjs, wasm, load: fetchCode } = builds[build];
  try {
    const ort = (await fetchCode()) as Ort;
    ort.env.wasm.wasmPaths = { mjs: new URL(mjs, import.meta.url).href, wasm: new URL(wasm, import.meta.url).href };
    ort.env.wasm.numThreads = threads;
    ort.env.wasm.proxy = false;
    // What fails is thrown, and reported in words.
    ort.env.logLevel = 'fatal';
    return ort;
  } catch (cause) {
    throw new StarlingError('load-failed', `ONNX Runtime (${build}) cannot be fetched: ${messageOf(cause)}`, { retryable: true, cause });
  }
}
