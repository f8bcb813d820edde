import { messageOf, StarlingError } from '@starling/shared';
import type * as OnnxRuntime from 'onnxruntime-web';
import gpuModule from 'onnxruntime-web/ort-wasm-simd-threaded.asyncify.mjs?url';
import gpuBinary from 'onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url';
import plainModule from 'onnxruntime-web/ort-wasm-simd-threaded.mjs?url';
import plainBinary from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url';

export type Ort = typeof OnnxRuntime;

/** Every file of the engine is served with this code: the build turns these into addresses. */
const files = {
  plain: { mjs: plainModule, wasm: plainBinary },
  gpu: { mjs: gpuModule, wasm: gpuBinary },
};

export type OrtBuild = keyof typeof files;

/** Providers that live in the larger build of the engine; the smaller one is faster on the processor. */
export function buildFor(provider: string): OrtBuild {
  return provider === 'wasm' ? 'plain' : 'gpu';
}

/** Loads a build of the engine once. @param threads of one run, for all sessions of that build */
export function createOrtLoader(threads: number): (build: OrtBuild) => Promise<Ort> {
  const loading = new Map<OrtBuild, Promise<Ort>>();
  return (build) => {
    const known = loading.get(build) ?? load(build, threads);
    loading.set(build, known);
    return known;
  };
}

async function load(build: OrtBuild, threads: number): Promise<Ort> {
  try {
    const ort = (build === 'plain' ? await import('onnxruntime-web/wasm') : await import('onnxruntime-web/webgpu')) as Ort;
    const base = new URL(import.meta.url);
    const { mjs, wasm } = files[build];
    ort.env.wasm.wasmPaths = { mjs: new URL(mjs, base).href, wasm: new URL(wasm, base).href };
    ort.env.wasm.numThreads = threads;
    ort.env.wasm.proxy = false;
    // What fails is thrown, and reported in words.
    ort.env.logLevel = 'fatal';
    return ort;
  } catch (cause) {
    throw new StarlingError('load-failed', `ONNX Runtime (${build}) cannot be fetched: ${messageOf(cause)}`, { retryable: true, cause });
  }
}
