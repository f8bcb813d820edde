import { floatOf } from '../onnx/attributes.ts';
import { isStandard } from '../onnx/index.ts';
import type { GraphProto, NodeProto } from '../onnx/proto.ts';

/** What a graph tells of its values without a look at their elements. */
export interface KnownValues {
  /** The least that the operators which make a value let through; undefined if they let everything through. */
  lowerBoundOf(value: string): number | undefined;
  /** Whether a value surely has channels and at least one axis of pixels behind them. */
  isPicture(value: string): boolean;
}

export function readKnownValues(graph: GraphProto): KnownValues {
  const producers = new Map<string, NodeProto>();
  const pictures = new Set<string>();
  const shapes = new Map(graph.initializer.map(({ name, dims }) => [name ?? '', dims.length]));
  for (const node of graph.node) {
    for (const output of node.output) if (output !== '') producers.set(output, node);
    if (isStandard(node) && makesPicture(node, pictures, shapes)) pictures.add(node.output[0] ?? '');
  }
  return {
    lowerBoundOf: (value) => {
      const producer = producers.get(value);
      return producer === undefined || !isStandard(producer) ? undefined : lowerBoundOf(producer, producers);
    },
    isPicture: (value) => pictures.has(value),
  };
}

/** Operators whose result has the shape of their first input, or its axes at least. */
const KEEPERS = new Set([
  'Relu',
  'Clip',
  'HardSigmoid',
  'Sigmoid',
  'HardSwish',
  'LeakyRelu',
  'BatchNormalization',
  'MaxPool',
  'AveragePool',
]);
const PIXEL_AXES_MINIMUM = 3;

function makesPicture({ opType, input }: NodeProto, pictures: ReadonlySet<string>, shapes: ReadonlyMap<string, number>): boolean {
  if (opType === 'Conv' || opType === 'ConvTranspose') return (shapes.get(input[1] ?? '') ?? 0) >= PIXEL_AXES_MINIMUM;
  if (KEEPERS.has(opType)) return pictures.has(input[0] ?? '');
  // The result has as many axes as the operand with most of them.
  return (opType === 'Add' || opType === 'Mul') && input.some((name) => pictures.has(name));
}

function lowerBoundOf(node: NodeProto, producers: ReadonlyMap<string, NodeProto>): number | undefined {
  if (node.opType === 'Relu' || node.opType === 'Sigmoid' || node.opType === 'HardSigmoid') return 0;
  if (node.opType !== 'Mul') return undefined;
  for (const [place, name] of node.input.entries()) {
    const ramp = producers.get(name);
    if (ramp?.opType !== 'HardSigmoid' || !isStandard(ramp) || ramp.input[0] !== node.input[1 - place]) continue;
    const factor = floatOf(ramp, 'alpha', 0.2);
    const summand = floatOf(ramp, 'beta', 0.5);
    // x (factor x + summand) at its lowest; where the ramp has ended, x times 1 is above 0.
    if (factor > 0 && summand > 0 && summand < 1) return Math.fround(-(summand ** 2) / (4 * factor));
  }
  return undefined;
}
