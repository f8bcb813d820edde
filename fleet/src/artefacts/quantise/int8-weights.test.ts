import { goldenInput } from '@starling/shared';
import { Tensor } from 'onnxruntime-node';
import { expect, test } from 'vitest';
import { checkModel, loadedBytes, makeNode, makeTensor, type OnnxModel, writeModel } from '../onnx/index.ts';
import { graphOf, modelOf, port, relativeDifference, reread, runModel } from '../onnx/small-models.ts';
import { quantiseWeights } from './int8-weights.ts';

const side = 64;
const constant = (name: string, seed: number) => makeTensor(name, 'float', [side, side], goldenInput(seed, side * side));

/** An embedding that is also used as a matrix, a matrix within a branch, and one outside that a branch uses. */
function everywhere(opset: number): OnnxModel {
  const then = graphOf({
    nodes: [makeNode('MatMul', ['m', 'inner'], ['t'])],
    constants: [constant('inner', 3)],
    outputs: [port('t', [3, side])],
  });
  const otherwise = graphOf({ nodes: [makeNode('MatMul', ['m', 'outside'], ['e'])], outputs: [port('e', [3, side])] });
  const parts = {
    nodes: [
      makeNode('Gather', ['table', 'ids'], ['rows']),
      makeNode('MatMul', ['rows', 'table'], ['m']),
      makeNode('If', ['which'], ['y'], { attributes: { then_branch: { graph: then }, else_branch: { graph: otherwise } } }),
    ],
    constants: [constant('table', 1), constant('outside', 2)],
    inputs: [port('ids', [3], 'int64'), port('which', [], 'bool')],
    outputs: [port('y', [3, side])],
  };
  return modelOf(parts, { opset });
}

test.each([7, 11, 13, 21])('weights are a quarter of the bytes wherever they are, opset %i', async (opset) => {
  const model = everywhere(opset);
  const report = quantiseWeights(model);
  expect(report.tensors).toBe(3);
  expect(report.bytesAfter / report.bytesBefore).toBeLessThan(0.27);
  checkModel(reread(model));
  expect(writeModel(model).length / writeModel(everywhere(opset)).length).toBeLessThan(0.32);
  for (const which of [0, 1]) {
    const feeds = { ids: new Tensor('int64', BigInt64Array.of(0n, 5n, 63n), [3]), which: new Tensor('bool', Uint8Array.of(which), []) };
    const difference = relativeDifference(await runModel(everywhere(opset), {}, feeds), await runModel(model, {}, feeds));
    expect(difference).toBeGreaterThan(0);
    expect(difference).toBeLessThan(0.02);
  }
});

test('what is told to stay in float, holds NaN, or is an output stays as it is', () => {
  const model = everywhere(13);
  (model.graph.node[1] as { name?: string }).name = 'kept';
  model.graph.output.push(port('outside', [side, side]));
  const broken = goldenInput(9, side * side).fill(Number.POSITIVE_INFINITY, 0, 1);
  model.graph.initializer.push(makeTensor('broken', 'float', [side, side], broken));
  model.graph.node.push(makeNode('MatMul', ['m', 'broken'], ['unused']));
  const report = quantiseWeights(model, ['kept']);
  expect(report.tensors).toBe(1);
  expect(report.notes).toEqual(['"broken" holds NaN or infinity and stays in float']);
});

test('in memory the weights are floats again, and no more than they were', () => {
  const model = everywhere(13);
  const before = loadedBytes(model);
  expect(before).toBe(3 * side * side * 4);
  quantiseWeights(model);
  // The scales of the channels come on top.
  expect(loadedBytes(model)).toBe(before + 3 * side * 4);
  expect(writeModel(model).length).toBeLessThan(before / 2);
});
