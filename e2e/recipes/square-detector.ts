/**
 * Pixels -> boxes around bright squares, as an ONNX model with inputs and outputs of a YOLO v8 export. Weights of YOLO itself come under the
 * AGPL and are not ours to ship; what a pipeline has to do with an export is the same.
 */
import type { GraphSpec, NodeSpec, WeightSpec } from '../harness/onnx-file.ts';

/** Of the picture that it takes. */
export const DETECTOR_SIDE = 320;

/** Pixels from one place to the next, and of the window that is looked at around each place: as large as what it can find. */
const heads = [
  { stride: 8, window: 48 },
  { stride: 16, window: 96 },
  { stride: 32, window: 192 },
];
/** Strokes of writing that are thinner than this, in pixels, are no hole in a square. */
const CLOSED = 11;

/**
 * `images` float32 [1,3,320,320] from 0 to 1 -> `output0` float32 [1,5,2100]: centre, width and height in pixels, and the score of the one
 * class. At each place the box reaches as far as pixels of its window are bright. Its score is how well it is filled; 0 where the centre of the
 * box is nearer to another place, or where it may go on beyond the window.
 */
export function squareDetector(): GraphSpec {
  const graph = createGraph();
  const grey = graph.add('Conv', ['images', graph.constant([1, 3, 1, 1], [1 / 3, 1 / 3, 1 / 3])]);
  const bright = closed(graph, graph.asNumber('Greater', grey, graph.constant([], [0.5])));
  const maps = heads.map((head) => addHead(graph, bright, head));
  graph.nodes.push({ op: 'Concat', inputs: maps, outputs: ['output0'], attributes: { axis: 2 } });
  const places = heads.reduce((sum, { stride }) => sum + (DETECTOR_SIDE / stride) ** 2, 0);
  return {
    nodes: graph.nodes,
    weights: graph.weights,
    inputs: { images: { type: 'float32', shape: [1, 3, DETECTOR_SIDE, DETECTOR_SIDE] } },
    outputs: { output0: { type: 'float32', shape: [1, 5, places] } },
  };
}

interface Graph {
  nodes: NodeSpec[];
  weights: Record<string, WeightSpec>;
  /** @returns the name of what it gives */
  add(op: string, inputs: readonly string[], attributes?: NonNullable<NodeSpec['attributes']>): string;
  constant(shape: readonly number[], values: Iterable<number>): string;
  /** What a comparison answers as 0 or 1. */
  asNumber(op: string, left: string, right: string): string;
}

function createGraph(): Graph {
  const nodes: NodeSpec[] = [];
  const weights: Record<string, WeightSpec> = {};
  const add: Graph['add'] = (op, inputs, attributes = {}) => {
    const name = `v${nodes.length}`;
    nodes.push({ op, inputs, outputs: [name], attributes });
    return name;
  };
  return {
    nodes,
    weights,
    add,
    constant(shape, values) {
      const name = `c${Object.keys(weights).length}`;
      weights[name] = { shape, values: Float32Array.from(values) };
      return name;
    },
    // 1 is float32 in TensorProto.DataType.
    asNumber: (op, left, right) => add('Cast', [add(op, [left, right])], { to: 1 }),
  };
}

/** Grows what is bright and shrinks it again. */
function closed({ add }: Graph, bright: string): string {
  const pads = Array.from({ length: 4 }, () => (CLOSED - 1) / 2);
  const window = { kernel_shape: [CLOSED, CLOSED], pads };
  return add('Neg', [add('MaxPool', [add('Neg', [add('MaxPool', [bright], window)])], window)]);
}

function addHead(graph: Graph, bright: string, { stride, window }: (typeof heads)[number]): string {
  const { add, constant, asNumber } = graph;
  const cells = DETECTOR_SIDE / stride;
  const pad = (window - stride) / 2;
  const pool = { kernel_shape: [window, window], strides: [stride, stride], pads: [pad, pad, pad, pad] };
  const side = constant([], [DETECTOR_SIDE]);
  /** Along x or y: where what is bright in the window begins and ends. */
  const span = (axis: 'x' | 'y') => {
    const shape = axis === 'x' ? [1, 1, 1, DETECTOR_SIDE] : [1, 1, DETECTOR_SIDE, 1];
    const fromStart = constant(
      shape,
      Array.from({ length: DETECTOR_SIDE }, (_, at) => at + 1),
    );
    const fromEnd = constant(
      shape,
      Array.from({ length: DETECTOR_SIDE }, (_, at) => DETECTOR_SIDE - at),
    );
    const end = add('MaxPool', [add('Mul', [bright, fromStart])], pool);
    const start = add('Sub', [side, add('MaxPool', [add('Mul', [bright, fromEnd])], pool)]);
    const centre = add('Mul', [add('Add', [start, end]), constant([], [0.5])]);
    const length = add('Sub', [end, start]);
    const place = constant(
      axis === 'x' ? [1, 1, 1, cells] : [1, 1, cells, 1],
      Array.from({ length: cells }, (_, cell) => (cell + 0.5) * stride),
    );
    const distance = add('Abs', [add('Sub', [centre, place])]);
    const isNear = asNumber('LessOrEqual', distance, constant([], [stride / 2]));
    const reach = add('Add', [distance, add('Mul', [length, constant([], [0.5])])]);
    const fits = asNumber('Less', reach, constant([], [window / 2 - 0.5]));
    return { centre, length, counts: add('Mul', [isNear, fits]) };
  };
  const [x, y] = [span('x'), span('y')];
  const mass = add('Mul', [add('AveragePool', [bright], { ...pool, count_include_pad: 1 }), constant([], [window ** 2])]);
  const fill = add('Div', [mass, add('Mul', [x.length, y.length])]);
  // Three quarters filled is nothing yet.
  const score = add('Relu', [add('Sub', [add('Mul', [fill, constant([], [4])]), constant([], [3])])]);
  const all = add('Concat', [x.centre, y.centre, x.length, y.length, add('Mul', [score, add('Mul', [x.counts, y.counts])])], { axis: 1 });
  graph.weights[`s${stride}`] = { shape: [3], values: BigInt64Array.from([1n, 5n, BigInt(cells ** 2)]) };
  return add('Reshape', [all, `s${stride}`]);
}
