import { type GoldenSet, goldenInput, StarlingError, type TensorPort } from '@starling/shared';
import { type InferenceSession, Tensor } from 'onnxruntime-node';

/** Outputs are sampled to about this many values: enough to see any wrong layer, small enough for one chunk. */
const SAMPLES = 1024;
/** Other processors and thread counts add up in another order; a wrong kernel or a flipped bit is far beyond this. */
const TOLERANCE = 0.01;
/** Free dimensions without an example: small, and a multiple of every stride that networks use. */
const FREE_SIDE = 64;

export interface GoldenRun {
  golden: GoldenSet;
  /** All output values, for comparing artefacts with each other. */
  outputs: Map<string, Float32Array>;
}

/** Runs a model on seeded inputs and keeps samples of what it gave. */
export async function makeGolden(
  session: InferenceSession,
  inputs: readonly TensorPort[],
  exampleShapes: Record<string, number[]>,
): Promise<GoldenRun> {
  const golden: GoldenSet = { schemaVersion: 1, inputs: {}, outputs: {}, tolerance: TOLERANCE };
  const feeds: Record<string, Tensor> = {};
  for (const [index, port] of inputs.entries()) {
    if (port.elementType !== 'float32') {
      throw new StarlingError('golden-unsupported', `golden inputs of type ${port.elementType} cannot be made`, {
        field: `inputs.${port.name}`,
      });
    }
    const shape =
      exampleShapes[port.name] ?? port.shape.map((side, axis) => (typeof side === 'number' ? side : axis === 0 ? 1 : FREE_SIDE));
    const seed = 20_240 + index;
    const length = shape.reduce((product, side) => product * side, 1);
    golden.inputs[port.name] = { seed, elementType: 'float32', shape };
    feeds[port.name] = new Tensor('float32', goldenInput(seed, length), shape);
  }
  const outputs = new Map<string, Float32Array>();
  for (const [name, output] of Object.entries(await session.run(feeds))) {
    if (!(output.data instanceof Float32Array)) continue;
    const stride = Math.max(1, Math.ceil(output.data.length / SAMPLES));
    const samples = Array.from(
      { length: Math.ceil(output.data.length / stride) },
      (_, sample) => (output.data as Float32Array)[sample * stride] ?? 0,
    );
    golden.outputs[name] = { shape: [...output.dims], stride, samples };
    outputs.set(name, output.data);
  }
  return { golden, outputs };
}

/**
 * Largest difference of two runs, as a share of the largest magnitude of the first. Outputs that stay below 1, as probabilities do, are
 * compared as they are: a detector that sees nothing gives values near 0, of which any rounding is a large share.
 */
export function relativeError(expected: ReadonlyMap<string, Float32Array>, actual: ReadonlyMap<string, Float32Array>): number {
  let worst = 0;
  for (const [name, values] of expected) {
    const others = actual.get(name);
    let difference = 0;
    let magnitude = 0;
    for (const [index, value] of values.entries()) {
      difference = Math.max(difference, Math.abs(value - (others?.[index] ?? Number.POSITIVE_INFINITY)));
      magnitude = Math.max(magnitude, Math.abs(value));
    }
    worst = Math.max(worst, difference / Math.max(1, magnitude));
  }
  return worst;
}
