import { type GraphView, makeNode } from '../../onnx/index.ts';
import { isOperator } from './operators.ts';

/** HardSwish is x HardSigmoid(x): in two operators each of them has a form in integers. @returns how many there were */
export function splitHardSwishes(view: GraphView): number {
  let split = 0;
  for (const node of view.nodes()) {
    const [input = ''] = node.input;
    const [output = ''] = node.output;
    if (!isOperator(node, 'HardSwish')) continue;
    const gate = view.freshName(`${output}_gate`);
    view.remove(node);
    view.add(
      makeNode('HardSigmoid', [input], [gate], {
        name: `${node.name ?? output}_gate`,
        attributes: { alpha: { float: 1 / 6 }, beta: { float: 0.5 } },
      }),
      makeNode('Mul', [input, gate], [output], { name: node.name ?? '' }),
    );
    split += 1;
  }
  return split;
}
