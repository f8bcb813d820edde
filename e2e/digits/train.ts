import { writeFile } from 'node:fs/promises';
import { StarlingError } from '@starling/shared';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-wasm';
import { type Random, seededRandom } from '../scenes/random.ts';
import { countCorrect } from './count-correct.ts';
import { type Digit, readDigits, SIDE } from './digits.ts';
import { CLASSES, channels, type Parameter, parameters, writeNetwork } from './network.ts';
import { digitsModelFile, figuresFile, type TrainedFigures } from './trained.ts';

/**
 * Trains the digit classifier and keeps it: `node e2e/digits/train.ts [epochs]`. Takes minutes; the model is in the repository, so it only
 * has to be run again after a change here. The figures are those of the held-out digits, which nothing here looks at before the end.
 */
const SEED = 7;
const BATCH = 64;
/** Steps are large at first and then small: the share of the epochs, and the rate of Adam. */
const phases = [
  { share: 0.5, rate: 3e-3 },
  { share: 0.3, rate: 1e-3 },
  { share: 0.2, rate: 2e-4 },
] as const;

const epochs = Number(process.argv[2] ?? 10);
await tf.setBackend('wasm');
await tf.ready();
const { training, 'held-out': heldOut } = await readDigits();
const random = seededRandom(SEED, 1);
const variables = new Map(
  parameters.map((parameter) => [parameter.name, tf.variable(firstValues(parameter, random), true, parameter.name)]),
);
let epoch = 0;
for (const { share, rate } of phases) {
  const optimiser = tf.train.adam(rate);
  for (let turn = 0; turn < Math.round(share * epochs); turn += 1) {
    epoch += 1;
    const loss = trainEpoch(optimiser);
    console.log(`epoch ${epoch}: loss ${loss.toFixed(4)}`);
  }
}
const values = new Map([...variables].map(([name, variable]) => [name, Float32Array.from(variable.dataSync())]));
const bytes = writeNetwork(values);
const correct = await countCorrect(bytes, heldOut);
const figures: TrainedFigures = {
  accuracy: correct / heldOut.length,
  correct,
  heldOut: heldOut.length,
  trainedOn: training.length,
  epochs: epoch,
  seed: SEED,
  library: `TensorFlow.js ${tf.version_core}`,
};
await writeFile(digitsModelFile, bytes);
await writeFile(figuresFile, `${JSON.stringify(figures, undefined, 2)}\n`);
console.log(`${correct} of ${heldOut.length} held-out digits (${(100 * figures.accuracy).toFixed(2)} %), ${bytes.length} bytes`);

function trainEpoch(optimiser: tf.AdamOptimizer): number {
  const order = training.map((_, index) => index);
  for (let last = order.length - 1; last > 0; last -= 1) {
    const other = random.integer(0, last);
    [order[last], order[other]] = [order[other] ?? 0, order[last] ?? 0];
  }
  let sum = 0;
  for (let start = 0; start < order.length; start += BATCH) {
    const digits = order.slice(start, start + BATCH).map((index) => training[index] as Digit);
    const loss = tf.tidy(() => {
      const pixels = tf.tensor4d(warpAll(digits), [digits.length, SIDE, SIDE, 1]);
      const truth = tf.tensor2d(truthOf(digits), [digits.length, CLASSES]);
      const { cost, gradients } = gradientsOf(pixels, truth);
      optimiser.applyGradients(Object.entries(gradients).map(([name, tensor]) => ({ name, tensor })));
      return cost.dataSync()[0] ?? 0;
    });
    sum += loss * digits.length;
  }
  return sum / order.length;
}

/** Rows with a 1 at the label. */
function truthOf(digits: readonly Digit[]): Float32Array {
  const truth = new Float32Array(digits.length * CLASSES);
  for (const [index, { label }] of digits.entries()) truth[index * CLASSES + label] = 1;
  return truth;
}

/** What a convolution, Relu and maximum had as inputs, which their gradients need. */
interface Trace {
  input: tf.Tensor4D;
  sums: tf.Tensor4D;
  positive: tf.Tensor4D;
  pooled: tf.Tensor4D;
}

/**
 * Forward, and back by the chain rule, spelled out: the core of TensorFlow.js for Node comes without the gradients of its operators, and
 * its WebAssembly backend without that of a convolution's weights.
 */
function gradientsOf(pixels: tf.Tensor4D, truth: tf.Tensor2D): { cost: tf.Tensor; gradients: tf.NamedTensorMap } {
  const traces: Trace[] = [];
  let value = pixels;
  for (const layer of channels.keys()) {
    const sums = tf.add(tf.conv2d(value, kernelOf(layer), 1, 'same'), weightOf(`conv${layer}.bias`)) as tf.Tensor4D;
    const positive = tf.relu(sums);
    const pooled = tf.maxPool(positive, 2, 2, 'valid');
    traces.push({ input: value, sums, positive, pooled });
    value = pooled;
  }
  const dense = weightOf('dense.weight') as tf.Tensor2D;
  const features = tf.reshape(value, [pixels.shape[0], -1]) as tf.Tensor2D;
  const probabilities = tf.softmax(tf.add(tf.matMul(features, dense), weightOf('dense.bias')));
  const cost = tf.neg(tf.mean(tf.sum(tf.mul(truth, tf.log(tf.add(probabilities, 1e-7))), -1)));
  const outer = tf.div(tf.sub(probabilities, truth), pixels.shape[0]) as tf.Tensor2D;
  const gradients: tf.NamedTensorMap = { 'dense.weight': tf.matMul(features, outer, true, false), 'dense.bias': tf.sum(outer, 0) };
  let gradient = tf.reshape(tf.matMul(outer, dense, false, true), value.shape) as tf.Tensor4D;
  for (const [layer, trace] of [...traces.entries()].reverse()) {
    const atSums = tf.mul(poolGradient(gradient, trace), tf.step(trace.sums)) as tf.Tensor4D;
    gradients[`conv${layer}.weight`] = kernelGradient(trace.input, atSums);
    gradients[`conv${layer}.bias`] = tf.sum(atSums, [0, 1, 2]);
    // With padding of 1 the turned kernel gives the gradient of the inputs; pixels need none.
    const turned = tf.transpose(tf.reverse(kernelOf(layer), [0, 1]), [0, 1, 3, 2]);
    if (layer > 0) gradient = tf.conv2d(atSums, turned, 1, 'same');
  }
  return { cost, gradients };
}

function weightOf(name: string): tf.Tensor {
  const found = variables.get(name);
  if (found === undefined) throw new StarlingError('unknown-parameter', `the network has no parameter "${name}"`);
  return found;
}

function kernelOf(layer: number): tf.Tensor4D {
  return weightOf(`conv${layer}.weight`) as tf.Tensor4D;
}

function poolGradient(dy: tf.Tensor4D, { positive, pooled }: Trace): tf.Tensor4D {
  return tf
    .engine()
    .runKernel('MaxPoolGrad', { dy, input: positive, output: pooled }, { filterSize: 2, strides: 2, pad: 'valid' }) as tf.Tensor4D;
}

/** A convolution itself: of the inputs, with samples as channels, by the gradients of the outputs. */
function kernelGradient(input: tf.Tensor4D, outer: tf.Tensor4D): tf.Tensor4D {
  const byWeight = tf.conv2d(tf.transpose(input, [3, 1, 2, 0]), tf.transpose(outer, [1, 2, 0, 3]), 1, 1);
  return tf.transpose(byWeight, [1, 2, 0, 3]);
}

function firstValues({ shape, fanIn }: Parameter, source: Random): tf.Tensor {
  const length = shape.reduce((product, side) => product * side, 1);
  const spread = fanIn === 0 ? 0 : Math.sqrt(2 / fanIn);
  return tf.tensor(
    Float32Array.from({ length }, () => source.normal() * spread),
    shape,
  );
}

/** Each digit a little moved, turned and sized in another way every time, as people write. */
function warpAll(digits: readonly Digit[]): Float32Array {
  const all = new Float32Array(digits.length * SIDE * SIDE);
  for (const [index, digit] of digits.entries()) all.set(warp(digit.pixels), index * SIDE * SIDE);
  return all;
}

function warp(pixels: Uint8Array): Float32Array {
  const [angle, size] = [random.between(-0.2, 0.2), random.between(0.88, 1.12)];
  const [right, down] = [random.between(-2, 2), random.between(-2, 2)];
  const [cosine, sine, centre] = [Math.cos(angle) / size, Math.sin(angle) / size, (SIDE - 1) / 2];
  const at = (row: number, column: number): number =>
    row < 0 || column < 0 || row >= SIDE || column >= SIDE ? 0 : (pixels[row * SIDE + column] ?? 0) / 255;
  return Float32Array.from({ length: SIDE * SIDE }, (_, index) => {
    const [y, x] = [Math.floor(index / SIDE) - centre - down, (index % SIDE) - centre - right];
    const [row, column] = [cosine * y + sine * x + centre, cosine * x - sine * y + centre];
    const [top, left] = [Math.floor(row), Math.floor(column)];
    const [below, after] = [row - top, column - left];
    return (
      (1 - below) * ((1 - after) * at(top, left) + after * at(top, left + 1)) +
      below * ((1 - after) * at(top + 1, left) + after * at(top + 1, left + 1))
    );
  });
}
