/** Layers of the digit classifier, once for training and once for its ONNX file. Weights lie as TensorFlow.js has them: [3, 3, in, out]. */
import { type OnnxModel, readModel, writeModel } from '@starling/fleet/artefacts';

/** Output channels of the convolutions: 3 x 3 with padding, each followed by Relu and a maximum over 2 x 2. */
export const channels = [8, 16, 32] as const;
/** What is left of 28 pixels after three halvings. */
const LAST_SIDE = 3;
export const CLASSES = 10;

export interface Parameter {
  name: string;
  shape: number[];
  /** How many values each output is a sum of, for the spread of first weights. */
  fanIn: number;
}

export const parameters: readonly Parameter[] = [
  ...channels.flatMap((out, layer) => {
    const input = channels[layer - 1] ?? 1;
    return [
      { name: `conv${layer}.weight`, shape: [3, 3, input, out], fanIn: 9 * input },
      { name: `conv${layer}.bias`, shape: [out], fanIn: 0 },
    ];
  }),
  { name: 'dense.weight', shape: [LAST_SIDE * LAST_SIDE * channels[2], CLASSES], fanIn: LAST_SIDE * LAST_SIDE * channels[2] },
  { name: 'dense.bias', shape: [CLASSES], fanIn: 0 },
];

/** Numbers of onnx.proto. */
const FLOAT = 1;
const attributeTypes = { integer: 2, integers: 7 } as const;

/** @param values by parameter name, in the order of TensorFlow.js: channels last */
export function writeNetwork(values: ReadonlyMap<string, Float32Array>): Uint8Array {
  const nodes: OnnxModel['graph']['node'] = [];
  const add = (opType: string, input: string[], output: string, integers: Record<string, number | number[]> = {}): string => {
    const attribute = Object.entries(integers).map(([name, value]) =>
      typeof value === 'number' ? { name, type: attributeTypes.integer, i: value } : { name, type: attributeTypes.integers, ints: value },
    );
    nodes.push({ name: output, opType, input, output: [output], attribute });
    return output;
  };
  let value = 'pixels';
  for (const layer of channels.keys()) {
    const input = [value, `conv${layer}.weight`, `conv${layer}.bias`];
    value = add('Conv', input, `conv${layer}`, { kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [1, 1] });
    value = add('Relu', [value], `relu${layer}`);
    value = add('MaxPool', [value], `pool${layer}`, { kernel_shape: [2, 2], strides: [2, 2] });
  }
  value = add('Flatten', [value], 'features', { axis: 1 });
  add('Gemm', [value, 'dense.weight', 'dense.bias'], 'logits', { transB: 1 });
  const port = (name: string, shape: (number | string)[]) => ({
    name,
    type: {
      tensorType: {
        elemType: FLOAT,
        shape: { dim: shape.map((side) => (typeof side === 'number' ? { dimValue: side } : { dimParam: side })) },
      },
    },
  });
  const initializer = parameters.map(({ name, shape }) => {
    const stored = channelsFirst(name, shape, values.get(name) ?? new Float32Array());
    return { name, dataType: FLOAT, dims: stored.shape, rawData: new Uint8Array(stored.values.buffer) };
  });
  const graph = {
    name: 'digits',
    node: nodes,
    initializer,
    input: [port('pixels', ['n', 1, 28, 28])],
    output: [port('logits', ['n', CLASSES])],
  };
  const bytes = writeModel({ irVersion: 8, opsetImport: [{ domain: '', version: 13 }], graph });
  // Read once more: what cannot be read is not written.
  readModel(bytes);
  return bytes;
}

/** [3, 3, in, out] -> [out, in, 3, 3], and the inputs of the last layer from (row, column, channel) to (channel, row, column). */
function channelsFirst(name: string, shape: readonly number[], values: Float32Array): { shape: number[]; values: Float32Array } {
  const [first = 1, second = 1, third = 1, fourth = 1] = shape;
  if (shape.length === 1) return { shape: [first], values: Float32Array.from(values) };
  if (name === 'dense.weight') {
    const [pixels, depth] = [LAST_SIDE * LAST_SIDE, channels[2]];
    const stored = Float32Array.from({ length: values.length }, (_, index) => {
      const [out, feature] = [Math.floor(index / first), index % first];
      return values[((feature % pixels) * depth + Math.floor(feature / pixels)) * second + out] ?? 0;
    });
    return { shape: [second, first], values: stored };
  }
  const taps = first * second;
  const stored = Float32Array.from({ length: values.length }, (_, index) => {
    const [out, input, tap] = [Math.floor(index / (third * taps)), Math.floor(index / taps) % third, index % taps];
    return values[(tap * third + input) * fourth + out] ?? 0;
  });
  return { shape: [fourth, third, first, second], values: stored };
}
