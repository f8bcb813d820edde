import { attributeOf, type NodeProto, type OnnxModel, type TensorProto, toNumber } from '../onnx/index.ts';
import { isOperator, replaceNodes, visitScopes } from './scope.ts';
import { floatTensor, integerTensor } from './tensors.ts';

/** From this IR version on initialisers need not be inputs as well. */
const IR_VERSION_OF_CONSTANTS = 4;

/**
 * Makes initialisers of Constant nodes, and constants of the initialisers that are listed as inputs, so that every later pass finds a weight
 * in one place. Such inputs could be overridden by a caller, but a pipeline feeds the ports of a model alone, and they are none.
 * @returns how many there were
 */
export function liftConstants(model: OnnxModel): number {
  const initialisers = new Set(model.graph.initializer.map((tensor) => tensor.name));
  const ports = model.graph.input.filter((input) => !initialisers.has(input.name));
  let lifted = model.graph.input.length - ports.length;
  model.graph.input = ports;
  model.irVersion = Math.max(toNumber(model.irVersion), IR_VERSION_OF_CONSTANTS);
  visitScopes(model, ({ graph, outputs }) => {
    const gone = new Map<NodeProto, NodeProto[]>();
    for (const node of graph.node) {
      const [name] = node.output;
      // An output of the graph keeps its node: not every runtime gives out an initialiser.
      if (!isOperator(node, 'Constant') || name === undefined || outputs.has(name)) continue;
      const tensor = tensorOf(node, name);
      if (tensor === undefined) continue;
      graph.initializer.push(tensor);
      gone.set(node, []);
    }
    replaceNodes(graph, gone);
    lifted += gone.size;
  });
  return lifted;
}

/** Strings and sparse values stay nodes. */
function tensorOf(node: NodeProto, name: string): TensorProto | undefined {
  const { t } = attributeOf(node, 'value') ?? {};
  if (t !== undefined && t !== null) {
    t.name = name;
    return t;
  }
  const [single, list] = [attributeOf(node, 'value_float')?.f, attributeOf(node, 'value_floats')?.floats];
  if (single !== undefined) return floatTensor(name, Float32Array.of(single), []);
  if (list !== undefined) return floatTensor(name, Float32Array.from(list), [list.length]);
  const [integer, integers] = [attributeOf(node, 'value_int')?.i, attributeOf(node, 'value_ints')?.ints];
  if (integer !== undefined) return integerTensor(name, [toNumber(integer)], []);
  if (integers !== undefined) return integerTensor(name, integers.map(toNumber));
  return undefined;
}
