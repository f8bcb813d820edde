import { StarlingError } from '@starling/shared';
import { describe, expect, test } from 'vitest';
import { makeNode } from './attributes.ts';
import { checkModel, nonFiniteTensors, quantisationOf, refuseNotNumbers } from './check.ts';
import { openModel, readModel } from './read.ts';
import { type GraphParts, graphOf, modelOf, port } from './small-models.ts';
import { withDirectory } from './temporary-directory.ts';
import { makeTensor } from './tensor.ts';
import { writeModel, writeModelFile } from './write.ts';

const inputs = [port('x', [4])];
const outputs = [port('y', [4])];
const relu = makeNode('Relu', ['x'], ['y'], { name: 'relu' });

const bad: Record<string, [code: string, parts: GraphParts]> = {
  'a circle': [
    'cyclic-graph',
    { nodes: [makeNode('Add', ['x', 'b'], ['a']), makeNode('Relu', ['a'], ['b']), makeNode('Relu', ['b'], ['y'])], inputs, outputs },
  ],
  'a node that needs itself': ['cyclic-graph', { nodes: [makeNode('Add', ['x', 'y'], ['y'])], inputs, outputs }],
  'a value that two nodes make': ['duplicate-name', { nodes: [relu, makeNode('Abs', ['x'], ['y'])], inputs, outputs }],
  'a node that makes an input': ['duplicate-name', { nodes: [relu, makeNode('Abs', ['y'], ['x'])], inputs, outputs }],
  'two constants of one name': [
    'duplicate-name',
    { nodes: [relu], constants: [makeTensor('w', 'float', [1], [1]), makeTensor('w', 'float', [1], [2])], inputs, outputs },
  ],
  'two inputs of one name': ['duplicate-name', { nodes: [relu], inputs: [...inputs, ...inputs], outputs }],
  'an input of a node that nothing makes': ['dangling-input', { nodes: [makeNode('Add', ['x', 'gone'], ['y'])], inputs, outputs }],
  'the same in a branch': [
    'dangling-input',
    {
      nodes: [
        makeNode('If', ['x'], ['y'], {
          attributes: { then_branch: { graph: graphOf({ nodes: [makeNode('Add', ['x', 'gone'], ['t'])], outputs: [port('t', [4])] }) } },
        }),
      ],
      inputs,
      outputs,
    },
  ],
  'an output that nothing makes': ['dangling-output', { nodes: [relu], inputs, outputs: [port('z', [4])] }],
  'an input without axes': ['dynamic-rank', { nodes: [relu], inputs: [{ name: 'x', type: { tensorType: { elemType: 1 } } }], outputs }],
  'an operator of a stranger': ['custom-operator', { nodes: [makeNode('Magic', ['x'], ['y'], { domain: 'acme' })], inputs, outputs }],
  'a domain that is not imported': [
    'opset-missing',
    { nodes: [makeNode('Gelu', ['x'], ['y'], { domain: 'com.microsoft' })], inputs, outputs },
  ],
};

describe('a check', () => {
  test.each(Object.entries(bad))('refuses %s', (_name, [code, parts]) => {
    const error = (() => {
      try {
        checkModel(modelOf(parts));
        return undefined;
      } catch (cause) {
        return cause as StarlingError;
      }
    })();
    expect(error).toBeInstanceOf(StarlingError);
    expect(error).toMatchObject({ code, field: expect.stringMatching(/^model\./), hint: expect.any(String) });
  });

  test('names the operators and the functions of a model are no strangers', () => {
    const model = modelOf({ nodes: [makeNode('Twice', ['x'], ['y'], { domain: 'own' })], inputs, outputs }, { domains: { own: 1 } });
    const body = { input: ['a'], output: ['b'], attribute: [], node: [makeNode('Add', ['a', 'a'], ['b'])], opsetImport: [{ version: 17 }] };
    model.functions = [{ name: 'Twice', domain: 'own', ...body }];
    expect(checkModel(readModel(writeModel(model))).operators).toEqual(['Add', 'own:Twice']);
  });

  test('warns of nodes of one name and of nodes out of order', () => {
    const nodes = [makeNode('Relu', ['a'], ['y'], { name: 'n' }), makeNode('Abs', ['x'], ['a'], { name: 'n' })];
    expect(checkModel(modelOf({ nodes, inputs, outputs })).warnings).toEqual([
      'the nodes of "graph" are not in order',
      'several nodes have the name "n"',
    ]);
  });

  test('takes 100,000 nodes, in memory and from a file, in little time', async () => {
    const size = 100_000;
    const nodes = Array.from({ length: size }, (_, index) =>
      makeNode('Add', [index === 0 ? 'x' : `v${index}`, `v${Math.max(0, index - 5)}`], [`v${index + 1}`], { name: `n${index}` }),
    );
    nodes.unshift(makeNode('Relu', ['x'], ['v0']));
    const model = modelOf({ nodes: nodes.reverse(), inputs, outputs: [port(`v${size}`, [4])] });
    await withDirectory(async (directory) => {
      const file = `${directory}/large.onnx`;
      writeModelFile(model, file);
      const opened = openModel(file);
      try {
        expect(checkModel(opened.model).warnings).toEqual(['the nodes of "graph" are not in order']);
        expect(checkModel(readModel(writeModel(opened.model))).operators).toEqual(['Add', 'Relu']);
      } finally {
        opened.close();
      }
    });
  }, 60_000);
});

describe('weights', () => {
  test('that are no finite numbers are named; NaN is refused, infinity is not', () => {
    const constants = [makeTensor('good', 'float', [1], [1]), makeTensor('mask', 'float', [2], [Number.NEGATIVE_INFINITY, 0])];
    const model = modelOf({ nodes: [relu], constants, inputs, outputs });
    expect(nonFiniteTensors(model)).toEqual([{ name: 'mask', notNumbers: 0, infinities: 1 }]);
    refuseNotNumbers(nonFiniteTensors(model));
    model.graph.initializer.push(makeTensor('broken', 'float16', [2], [0x7e00, 0]));
    expect(() => refuseNotNumbers(nonFiniteTensors(model))).toThrowError(
      expect.objectContaining({ code: 'non-finite-weights', field: 'model.graph.initializer.broken' }),
    );
  });

  test('that are quantised already are noticed, also in a branch and in another domain', () => {
    expect(quantisationOf(modelOf({ nodes: [relu], inputs, outputs }))).toEqual({ quantised: false, operators: [] });
    for (const operator of ['QuantizeLinear', 'DequantizeLinear', 'DynamicQuantizeLinear', 'QLinearConv', 'MatMulInteger', 'ConvInteger']) {
      const inner = graphOf({ nodes: [makeNode(operator, ['x'], ['q'])], outputs: [port('q', [4])] });
      const nodes = [makeNode('If', ['x'], ['y'], { attributes: { then_branch: { graph: inner } } })];
      expect(quantisationOf(modelOf({ nodes, inputs, outputs }))).toEqual({ quantised: true, operators: [operator] });
    }
    const nodes = [makeNode('MatMulNBits', ['x'], ['y'], { domain: 'com.microsoft' })];
    expect(quantisationOf(modelOf({ nodes, inputs, outputs })).operators).toEqual(['com.microsoft:MatMulNBits']);
  });
});
