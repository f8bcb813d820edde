import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { makeNode } from './attributes.ts';
import { checkModel } from './check.ts';
import type { NodeProto } from './proto.ts';
import { graphOf, modelOf, port, relativeDifference, runModel } from './small-models.ts';
import { sortNodes } from './sort.ts';
import { floatsOf, makeTensor } from './tensor.ts';
import { constantNode, viewGraph } from './view.ts';

const x = port('x', [4]);

describe('a view', () => {
  test('knows producers, uses, constants and outputs', () => {
    const model = modelOf({
      nodes: [
        makeNode('Constant', [], ['two'], { attributes: { value_float: { float: 2 } } }),
        makeNode('Mul', ['x', 'two'], ['m'], { name: 'mul' }),
        makeNode('Add', ['m', 'm'], ['y'], { name: 'add' }),
      ],
      inputs: [x],
      outputs: [port('y', [4])],
    });
    const view = viewGraph(model);
    const [, mul, add] = view.nodes() as [NodeProto, NodeProto, NodeProto];
    expect(view.producerOf('m')).toBe(mul);
    expect(view.usesOf('m')).toEqual([
      { node: add, index: 0 },
      { node: add, index: 1 },
    ]);
    expect([...floatsOf(view.constantOf('two') as never)]).toEqual([2]);
    expect(view.constantOf('m')).toBeUndefined();
    expect([view.isInput('x'), view.isOutput('y'), view.isOutput('m')]).toEqual([true, true, false]);
    expect(view.freshName('m')).toBe('m_1');
    expect(view.freshName('m')).toBe('m_2');
  });

  test('an initialiser that callers may replace is no constant, from IR version 4 on', () => {
    const parts = {
      nodes: [makeNode('Add', ['x', 'w'], ['y'])],
      constants: [makeTensor('w', 'float', [4], [1, 2, 3, 4])],
      inputs: [x, port('w', [4])],
      outputs: [port('y', [4])],
    };
    expect(viewGraph(modelOf(parts)).constantOf('w')).toBeUndefined();
    expect(viewGraph(modelOf(parts, { irVersion: 3 })).constantOf('w')).toBeDefined();
  });

  test('edits keep the meaning that they should have', async () => {
    const model = branching();
    const view = viewGraph(model);
    const name = view.addConstant(makeTensor('w', 'float', [1], [3]));
    const scaled = view.freshName('scaled');
    view.replaceUses('x', scaled);
    view.add(makeNode('Mul', ['x', name], [scaled]));
    view.commit();
    expect(name).toBe('w_1');
    expect(checkModel(model).warnings).toEqual([]);
    const before = await runModel(branching(3), { x: [4] });
    expect(relativeDifference(before, await runModel(model, { x: [4] }))).toBeLessThan(1e-6);
  });

  test('a capture counts as a use, and constants of outer graphs are seen from inside', () => {
    const view = viewGraph(branching());
    const branch = view.nodes().find(({ opType }) => opType === 'If') as NodeProto;
    expect(view.usesOf('x')).toContainEqual({ node: branch, index: 'captured' });
    const [inner] = view.subgraphsOf(branch);
    expect(inner?.constantOf('w')).toBeDefined();
    expect(inner?.freshName('x')).toBe('x_1');
    expect(view.freshName('x')).toBe('x_2');
  });

  test('nodes that are removed are used and produced no more', () => {
    const model = branching();
    const view = viewGraph(model);
    for (const node of view.nodes()) view.remove(node);
    expect(view.usesOf('x')).toEqual([]);
    expect(view.producerOf('y')).toBeUndefined();
  });

  test('a chain of single edits stays fast on a large graph', () => {
    const nodes = Array.from({ length: 20_000 }, (_, index) => makeNode('Relu', [index === 0 ? 'x' : `v${index}`], [`v${index + 1}`]));
    const model = modelOf({ nodes, inputs: [x], outputs: [port('v20000', [4])] });
    const view = viewGraph(model);
    for (const node of nodes.slice(1)) {
      view.replaceUses(node.input[0] as string, 'x', (use) => use.node === node);
      view.add(constantNode(makeTensor('c', 'float', [], [1]), view.freshName('c')));
    }
    view.commit();
    expect(model.graph.node.length).toBe(39_999);
  });
});

/** y = (sum > 0 ? x + w : x - w), with x times `factor`. */
function branching(factor = 1) {
  const branch = (op: string) => graphOf({ nodes: [makeNode(op, ['scaled', 'w'], [`${op}_y`])], outputs: [port(`${op}_y`, [4])] });
  const scaledName = (nodes: NodeProto[]) => nodes;
  const then = branch('Add');
  const otherwise = branch('Sub');
  if (factor === 1) {
    for (const graph of [then, otherwise]) for (const node of graph.node) node.input[0] = 'x';
  }
  return modelOf({
    nodes: scaledName([
      ...(factor === 1 ? [] : [makeNode('Mul', ['x', 'factor'], ['scaled'])]),
      makeNode('ReduceSum', [factor === 1 ? 'x' : 'scaled'], ['sum'], { attributes: { keepdims: { int: 0 } } }),
      makeNode('Greater', ['sum', 'zero'], ['positive']),
      makeNode('If', ['positive'], ['y'], { attributes: { then_branch: { graph: then }, else_branch: { graph: otherwise } } }),
    ]),
    constants: [
      makeTensor('w', 'float', [4], [1, 2, 3, 4]),
      makeTensor('zero', 'float', [], [0]),
      ...(factor === 1 ? [] : [makeTensor('factor', 'float', [1], [factor])]),
    ],
    inputs: [x],
    outputs: [port('y', [4])],
  });
}

describe('sorting', () => {
  /** Graphs in which node i reads some values of nodes before it, in any order. */
  const graphs = fc.integer({ min: 1, max: 40 }).chain((size) =>
    fc.record({
      needs: fc.tuple(
        ...Array.from({ length: size }, (_, index) =>
          fc.array(fc.integer({ min: 0, max: Math.max(0, index - 1) }), { maxLength: index === 0 ? 0 : 3 }),
        ),
      ),
      order: fc.shuffledSubarray(
        Array.from({ length: size }, (_, index) => index),
        { minLength: size, maxLength: size },
      ),
    }),
  );
  const nodesOf = (needs: readonly (readonly number[])[]): NodeProto[] =>
    needs.map((from, index) => makeNode('Sum', ['x', ...from.map((each) => `v${each}`)], [`v${index}`]));

  test('puts every node after those that it needs, and loses none', () => {
    fc.assert(
      fc.property(graphs, ({ needs, order }) => {
        const nodes = nodesOf(needs);
        const sorted = sortNodes(order.map((index) => nodes[index] as NodeProto));
        const seen = new Set(['x']);
        for (const node of sorted) {
          expect(node.input.every((name) => seen.has(name))).toBe(true);
          for (const name of node.output) seen.add(name);
        }
        expect(sorted.length).toBe(nodes.length);
      }),
    );
  });

  test('leaves what is in order as it is', () => {
    fc.assert(
      fc.property(graphs, ({ needs }) => {
        const nodes = nodesOf(needs);
        expect(sortNodes(nodes)).toEqual(nodes);
      }),
    );
  });

  test('finds a circle wherever it is', () => {
    fc.assert(
      fc.property(graphs, ({ needs }) => {
        const nodes = nodesOf(needs);
        const last = nodes.at(-1) as NodeProto;
        nodes[0]?.input.push(last.output[0] as string);
        last.input.push('v0');
        expect(() => sortNodes(nodes)).toThrowError(expect.objectContaining({ code: 'cyclic-graph' }));
      }),
    );
  });
});
