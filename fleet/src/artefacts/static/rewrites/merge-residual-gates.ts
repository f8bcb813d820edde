import { type GraphView, isStandard, makeNode, makeTensor, type NodeProto } from '../../onnx/index.ts';
import { isOperator, onlyUse } from './operators.ts';

/** Steps back from a gate to the pooling that it is computed from. */
const DEPTH_MAXIMUM = 8;

/**
 * A squeeze-and-excitation block with a residual, x + x g, reads and writes the whole of x twice: x (1 + g) does so once, and the sum moves
 * to g, which has one number per channel.
 * @returns how many there were
 */
export function mergeResidualGates(view: GraphView): number {
  let merged = 0;
  for (const sum of view.nodes()) {
    if (!isOperator(sum, 'Add')) continue;
    for (const [index, product] of sum.input.entries()) {
      const value = sum.input[1 - index] ?? '';
      const producer = view.producerOf(product);
      if (!isOperator(producer, 'Mul') || !producer.input.includes(value) || onlyUse(view, product)?.node !== sum) continue;
      const gate = producer.input.find((name) => name !== value);
      if (gate === undefined || !isFromPooling(view, gate)) continue;
      const raised = view.freshName(`${gate}_raised`);
      const one = view.addConstant(makeTensor(`${gate}_one`, 'float', [], [1]));
      view.remove(sum, producer);
      view.add(
        makeNode('Add', [gate, one], [raised], { name: raised }),
        makeNode('Mul', [value, raised], [...sum.output], { name: producer.name ?? '' }),
      );
      merged += 1;
      break;
    }
  }
  return merged;
}

const smallOperators: readonly string[] = ['Conv', 'Relu', 'Clip', 'HardSigmoid', 'Sigmoid'];

/** Whether a value comes from a pooled one through operators that keep its shape small. */
function isFromPooling(view: GraphView, value: string): boolean {
  let node: NodeProto | undefined = view.producerOf(value);
  for (let depth = 0; depth < DEPTH_MAXIMUM; depth += 1) {
    if (node === undefined || !isStandard(node)) return false;
    if (node.opType === 'GlobalAveragePool' || node.opType === 'GlobalMaxPool') return true;
    if (!smallOperators.includes(node.opType)) return false;
    node = view.producerOf(node.input[0] ?? '');
  }
  return false;
}
