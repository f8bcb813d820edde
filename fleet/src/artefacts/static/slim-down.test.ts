import { expect, test } from 'vitest';
import { makeNode, type OnnxModel, readModel, writeModel } from '../onnx/index.ts';
import { slimDown } from './slim-down.ts';
import { NetworkBuilder, runModel, tryQuantising } from './small-network.ts';

const picture = [1, 8, 8, 8];

function network(): NetworkBuilder {
  const builder = new NetworkBuilder(37);
  const first = builder.conv('x', 8, 8, 3);
  const pooled = builder.add('MaxPool', [builder.add('Relu', [first])], {
    kernel_shape: { ints: [2, 2] },
    strides: { ints: [2, 2] },
    pads: { ints: [0, 0, 0, 0] },
    ceil_mode: { int: 0 },
  });
  builder.add('Conv', [pooled, builder.weight([4, 8, 2, 2])], {
    kernel_shape: { ints: [2, 2] },
    strides: { ints: [1, 1] },
    dilations: { ints: [2, 2] },
    group: { int: 1 },
    auto_pad: { string: 'VALID' },
  });
  return builder;
}

const attributesOf = (model: OnnxModel): string[][] =>
  model.graph.node.filter(({ opType }) => /Conv|MaxPool/.test(opType)).map(({ attribute }) => attribute.map(({ name }) => name));

test.each(['float', 'int8'] as const)('a model in %s computes the same with less said', async (precision) => {
  const source = network().build(picture);
  const model = readModel(writeModel(precision === 'float' ? source : (await tryQuantising(source, picture)).model));
  const before = writeModel(model);
  const expected = await runModel(before, picture);
  slimDown(model, new Set(['n0']));
  const after = writeModel(model);
  expect([...(await runModel(after, picture)).values()]).toEqual([...expected.values()]);
  expect(after.length).toBeLessThan(before.length);
  expect(model.graph.node.flatMap(({ name }) => name ?? []).filter((name) => name !== '')).toEqual(['n0']);
  expect(attributesOf(model)).toEqual([['pads'], ['kernel_shape', 'strides'], ['dilations', 'auto_pad']]);
  const inner = model.graph.node.flatMap(({ output }) => output).filter((name) => name !== model.graph.output[0]?.name);
  expect(inner.every((name) => name.length === 1 && name !== 'x')).toBe(true);
  expect(new Set(inner).size).toBe(inner.length);
});

test('in a model with subgraphs, which may name what lies around them, values keep their names', () => {
  const builder = network();
  builder.add('If', ['condition'], {
    then_branch: {
      graph: { name: 'then', node: [makeNode('Identity', ['v0'], ['y'])], initializer: [], input: [], output: [{ name: 'y' }] },
    },
  });
  const model = builder.build(picture);
  const names = model.graph.node.flatMap(({ output }) => output);
  slimDown(model, new Set());
  expect(model.graph.node.flatMap(({ output }) => output)).toEqual(names);
});
