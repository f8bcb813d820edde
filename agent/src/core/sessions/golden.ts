import { cborDecode, type GoldenSet, goldenError, goldenNumbers, goldenSetSchema, goldenTensor, messageOf } from '@starling/shared';
import type { Engine, EngineSession, Tensor } from '../ports/engine.ts';

export interface GoldenVerdict {
  passed: boolean;
  /** Largest difference to the golden outputs, relative to their largest magnitude. */
  maximumError: number;
  reason?: string;
}

export function readGolden(bytes: Uint8Array): GoldenSet {
  return cborDecode(bytes, goldenSetSchema);
}

/** Replays a golden set: a wrong build, a broken driver or a flipped bit in memory shows here. */
export async function replayGolden(session: EngineSession, bytes: Uint8Array, engine: Engine): Promise<GoldenVerdict> {
  try {
    const golden = readGolden(bytes);
    return judgeOutputs(golden, await session.run(goldenFeeds(golden, engine)));
  } catch (error) {
    return refused(messageOf(error));
  }
}

/** Compares outputs with what a golden set expects. */
export function judgeOutputs(golden: GoldenSet, outputs: Readonly<Record<string, Tensor>>): GoldenVerdict {
  let maximumError = 0;
  for (const [name, expected] of Object.entries(golden.outputs)) {
    const actual = outputs[name];
    if (actual === undefined || actual.shape.join() !== expected.shape.join()) {
      return refused(`output ${name} has shape [${actual?.shape.join() ?? 'none'}], not [${expected.shape.join()}]`);
    }
    maximumError = Math.max(maximumError, goldenError(expected, goldenNumbers(actual.elementType, actual.data)));
  }
  if (!Number.isFinite(maximumError)) return refused('an output is not a number');
  const passed = maximumError <= golden.tolerance;
  return passed
    ? { passed, maximumError }
    : { passed, maximumError, reason: `error ${maximumError.toExponential(2)} is over ${golden.tolerance}` };
}

/** The inputs of a golden set, made again from their seeds. @throws StarlingError `golden-unsupported` */
export function goldenFeeds(golden: GoldenSet, engine: Engine): Record<string, Tensor> {
  const feeds: Record<string, Tensor> = {};
  for (const [name, input] of Object.entries(golden.inputs)) {
    const made = goldenTensor(input);
    const { elementType, shape } = input;
    if (!(made instanceof Float32Array)) {
      feeds[name] = { elementType, shape, data: made };
      continue;
    }
    const data = engine.allocateFloat32(made.length);
    data.set(made);
    feeds[name] = { elementType, shape, data };
  }
  return feeds;
}

function refused(reason: string): GoldenVerdict {
  return { passed: false, maximumError: Number.MAX_VALUE, reason };
}
