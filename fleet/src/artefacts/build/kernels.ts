import { readFileSync } from 'node:fs';
import { arch } from 'node:os';
import type { BuildRecipe, BuildTarget } from '@starling/shared';
import type { InferenceSession } from 'onnxruntime-node';

/** Whether the integer kernels of this machine are those that an artefact is shaped for. */
export function hostRuns(target: BuildTarget): boolean {
  switch (target) {
    case 'portable':
      return true;
    case 'x86-vnni':
      return arch() === 'x64' && hasVnni();
    case 'x86-avx2':
      return arch() === 'x64';
    case 'arm':
      return arch() === 'arm64';
    case 'tensorrt':
      return false;
  }
}

/** Linux says what the processor can; elsewhere nothing is assumed. */
function hasVnni(): boolean {
  try {
    return /\b(avx512_vnni|avx_vnni)\b/.test(readFileSync('/proc/cpuinfo', 'utf8'));
  } catch {
    return false;
  }
}

/**
 * How a built file is judged on this machine. Integer kernels of another processor may saturate on weights that are right for its target;
 * without graph optimisation ONNX Runtime computes each operator in float between QuantizeLinear and DequantizeLinear, which is what exact
 * integer kernels give.
 */
export function judgedExactly({ method, target }: Pick<BuildRecipe, 'method' | 'target'>): boolean {
  return (method === 'static-int8' || method === 'dynamic-int8') && !hostRuns(target);
}

/**
 * @param isLarge weights stay in their file, from which the system brings them in and takes them out again as it needs the memory: nothing
 *   is folded into copies, or laid out anew for faster products
 */
export function judgeOptions(exact: boolean, isLarge = false): InferenceSession.SessionOptions {
  return {
    executionProviders: ['cpu'],
    logSeverityLevel: 3,
    graphOptimizationLevel: exact || isLarge ? 'disabled' : 'all',
    ...(isLarge ? { enableCpuMemArena: false, extra: { session: { disable_prepacking: '1' } } } : {}),
  };
}

/** Sums in another order, as other processors and thread counts have them. */
const FLOAT_TOLERANCE = 0.01;
/** Half precision, and blocks of 4 bits, are computed in more than one way. */
const SHORT_TOLERANCE = 0.03;
/** A step of 8 bits that rounds the other way goes on through every layer behind it. */
const INTEGER_TOLERANCE = 0.1;

/** By how much a device's answers to golden inputs may differ, as a share of the largest; a wrong kernel is far beyond each of them. */
export function goldenTolerance({ method }: Pick<BuildRecipe, 'method'>): number {
  switch (method) {
    case 'source':
    case 'optimised':
    case 'weights-int8':
      return FLOAT_TOLERANCE;
    case 'fp16':
    case 'weights-int4':
      return SHORT_TOLERANCE;
    case 'static-int8':
    case 'dynamic-int8':
      return INTEGER_TOLERANCE;
  }
}
