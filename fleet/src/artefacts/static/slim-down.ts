import {
  type AttributeProto,
  intsOf,
  isStandard,
  type NodeProto,
  type OnnxModel,
  removeAttribute,
  shapeOf,
  subgraphsOf,
  toNumber,
} from '../onnx/index.ts';

/**
 * Takes out of a model what says nothing to a runtime: names of values become as short as can be, only layers keep theirs, and attributes
 * that say what is so without them go. Of large models that is a hundredth; a small one in int8 is nothing but weights and such texts.
 * @param layers names of nodes to keep, by which a report speaks of them
 */
export function slimDown(model: OnnxModel, layers: ReadonlySet<string>): void {
  const { graph } = model;
  const kernels = kernelsOf(graph);
  for (const node of graph.node) {
    if (node.name !== undefined && !layers.has(node.name)) delete node.name;
    delete node.docString;
    if (isStandard(node)) node.attribute = node.attribute.filter((attribute) => !saysTheDefault(node, attribute));
    if (isStandard(node) && node.opType === 'Conv' && kernels.get(node.input[1] ?? '') === String(intsOf(node, 'kernel_shape'))) {
      removeAttribute(node, 'kernel_shape');
    }
  }
  delete graph.docString;
  // Runtimes infer the types of values; what is said of those that are gone would only be wrong.
  delete graph.valueInfo;
  shortenNames(model);
}

/** Constants, dequantised ones too -> the sides of a kernel, if they are weights of convolutions. */
function kernelsOf({ initializer, node: nodes }: OnnxModel['graph']): Map<string, string> {
  const kernels = new Map(initializer.map((tensor) => [tensor.name ?? '', String(shapeOf(tensor).slice(2))]));
  for (const { opType, input, output } of nodes) {
    const kernel = kernels.get(input[0] ?? '');
    if (opType === 'DequantizeLinear' && kernel !== undefined) kernels.set(output[0] ?? '', kernel);
  }
  return kernels;
}

type Says = (attribute: AttributeProto) => boolean;

const isInt =
  (value: number): Says =>
  ({ i }) =>
    toNumber(i ?? 0) === value;
const isFloat =
  (value: number): Says =>
  ({ f }) =>
    (f ?? 0) === value;
const isAll =
  (value: number): Says =>
  ({ ints = [] }) =>
    ints.every((each) => toNumber(each) === value);
const isText =
  (value: string): Says =>
  ({ s }) =>
    new TextDecoder().decode(s ?? new Uint8Array()) === value;

/** Of operators from opset 13 on. */
const window: Readonly<Record<string, Says>> = { strides: isAll(1), dilations: isAll(1), pads: isAll(0), auto_pad: isText('NOTSET') };
const defaults: Readonly<Record<string, Readonly<Record<string, Says>>>> = {
  Conv: { ...window, group: isInt(1) },
  ConvTranspose: { ...window, group: isInt(1), output_padding: isAll(0) },
  MaxPool: { ...window, ceil_mode: isInt(0), storage_order: isInt(0) },
  AveragePool: { ...window, ceil_mode: isInt(0), count_include_pad: isInt(0) },
  Gemm: { alpha: isFloat(1), beta: isFloat(1), transA: isInt(0), transB: isInt(0) },
  Flatten: { axis: isInt(1) },
};

function saysTheDefault({ opType }: NodeProto, attribute: AttributeProto): boolean {
  const says = Object.hasOwn(defaults, opType) ? defaults[opType] : undefined;
  return says !== undefined && Object.hasOwn(says, attribute.name) && says[attribute.name]?.(attribute) === true;
}

/** Inputs and outputs keep their names, and so do all values of a model with subgraphs, which may name what lies around them. */
function shortenNames({ graph }: OnnxModel): void {
  const isPlain = graph.node.every((node) => subgraphsOf(node).length === 0);
  if (!isPlain || (graph.sparseInitializer ?? []).length > 0 || (graph.quantizationAnnotation ?? []).length > 0) return;
  const fixed = new Set([...graph.input, ...graph.output].map(({ name }) => name));
  const uses = new Map<string, number>();
  const count = (name: string): void => void (name !== '' && !fixed.has(name) && uses.set(name, (uses.get(name) ?? 0) + 1));
  for (const { name = '' } of graph.initializer) count(name);
  for (const { input, output } of graph.node) for (const name of [...input, ...output]) count(name);
  const short = new Map<string, string>();
  let place = 0;
  for (const [name] of [...uses].toSorted(([, a], [, b]) => b - a)) {
    let next = nameAt(place++);
    while (fixed.has(next)) next = nameAt(place++);
    short.set(name, next);
  }
  const renamed = (name: string): string => short.get(name) ?? name;
  for (const node of graph.node) Object.assign(node, { input: node.input.map(renamed), output: node.output.map(renamed) });
  for (const tensor of graph.initializer) tensor.name = renamed(tensor.name ?? '');
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** a, b ... Z, aa, ab ...: identifiers of C, as ONNX asks of names. */
function nameAt(place: number): string {
  const letter = LETTERS[place % LETTERS.length] ?? '';
  return place < LETTERS.length ? letter : nameAt(Math.floor(place / LETTERS.length) - 1) + letter;
}
