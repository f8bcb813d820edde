import { type GoldenInputSpec, type GoldenSet, goldenTensor, StarlingError, type TensorPort, type WholeRange } from '@starling/shared';
import { type InferenceSession, Tensor } from 'onnxruntime-node';

/** Outputs are sampled to about this many values: enough to see any wrong layer, small enough for one chunk. */
const SAMPLES = 1024;
/** Free dimensions without an example: small, and a multiple of every stride that networks use. */
const FREE_SIDE = 64;

export interface GoldenRun {
  golden: GoldenSet;
  /** All output values, for comparing artefacts with each other. */
  outputs: Map<string, Float32Array>;
}

/** What the card of a model says about its inputs, by name. */
export interface Examples {
  shapes: Readonly<Record<string, number[]>>;
  ranges: Readonly<Record<string, WholeRange>>;
}

/** Ids that are tried for inputs of whole numbers, the widest first: what an embedding knows is not said in the model's ports. */
const RANGES = [
  { minimum: 0, maximum: 99 },
  { minimum: 0, maximum: 1 },
];

/**
 * Runs a model on seeded inputs and keeps samples of what it gave.
 * @param tolerance largest difference allowed on a device, as a share of the largest expected magnitude
 * @throws StarlingError `golden-unsupported` for inputs of strings
 */
export async function makeGolden(
  session: InferenceSession,
  inputs: readonly TensorPort[],
  examples: Examples,
  tolerance: number,
): Promise<GoldenRun> {
  const [widest, ...narrower] = RANGES;
  const first = runGolden(session, inputs, examples, tolerance, widest);
  if (!inputs.some(({ name, elementType }) => isWide(elementType) && examples.ranges[name] === undefined)) return first;
  return narrower.reduce((running, range) => running.catch(() => runGolden(session, inputs, examples, tolerance, range)), first);
}

async function runGolden(
  session: InferenceSession,
  inputs: readonly TensorPort[],
  { shapes, ranges }: Examples,
  tolerance: number,
  range: GoldenInputSpec['range'],
): Promise<GoldenRun> {
  const golden: GoldenSet = { schemaVersion: 1, inputs: {}, outputs: {}, tolerance };
  const feeds: Record<string, Tensor> = {};
  for (const [index, port] of inputs.entries()) {
    const { name, elementType } = port;
    if (elementType === 'string') {
      throw new StarlingError('golden-unsupported', 'golden inputs of strings cannot be made', { field: `inputs.${name}` });
    }
    const shape = shapes[name] ?? port.shape.map((side, axis) => (typeof side === 'number' ? side : axis === 0 ? 1 : FREE_SIDE));
    const asked = ranges[name] ?? (isWide(elementType) ? range : undefined);
    const spec: GoldenInputSpec = { seed: 20_240 + index, elementType, shape, ...(asked === undefined ? {} : { range: asked }) };
    golden.inputs[name] = spec;
    feeds[name] = new Tensor(elementType as 'float32', goldenTensor(spec) as Float32Array, shape);
  }
  const outputs = new Map<string, Float32Array>();
  const given = Object.entries(await session.run(feeds)).filter(([, { type }]) => type !== 'string');
  // A class that is taken from two near values may flip where sums are added in another order: whole numbers count only if nothing else does.
  const floats = given.filter(([, { type }]) => type.startsWith('float'));
  for (const [name, output] of floats.length > 0 ? floats : given) {
    const data = Float32Array.from(output.data as ArrayLike<number | bigint>, Number);
    const stride = Math.max(1, Math.ceil(data.length / SAMPLES));
    const samples = Array.from({ length: Math.ceil(data.length / stride) }, (_, sample) => data[sample * stride] ?? 0);
    golden.outputs[name] = { shape: [...output.dims], stride, samples };
    outputs.set(name, data);
  }
  return { golden, outputs };
}

/** Whole numbers that stand for something, as ids do; bytes are taken over their whole range. */
function isWide(elementType: TensorPort['elementType']): boolean {
  return /^u?int(16|32|64)$/.test(elementType);
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
