import { goldenInput } from '@starling/shared';
import { expect, test } from 'vitest';
import { floatsOf, makeNode, makeTensor } from '../onnx/index.ts';
import { modelOf, port, reread, runModel } from '../onnx/small-models.ts';
import { pruneWeights } from './prune.ts';

const side = 64;
const make = () =>
  modelOf({
    nodes: [makeNode('MatMul', ['x', 'w'], ['m']), makeNode('Add', ['m', 'b'], ['y'])],
    constants: [
      makeTensor('w', 'float', [side, side], goldenInput(1, side * side)),
      makeTensor('b', 'float', [side], goldenInput(2, side)),
    ],
    inputs: [port('x', [1, side])],
    outputs: [port('y', [1, side])],
  });

test.each([0.25, 0.5, 0.9])('the smallest weights become 0, the others and small tensors stay: %d', async (sparsity) => {
  const model = make();
  const report = pruneWeights(model, sparsity);
  const [weight, bias] = reread(model).graph.initializer;
  const before = goldenInput(1, side * side);
  const after = floatsOf(weight as never);
  const cut = [...before].filter((_, index) => after[index] === 0).map(Math.abs);
  const left = [...after].filter((value) => value !== 0).map(Math.abs);
  expect(cut.length / after.length).toBeCloseTo(sparsity, 3);
  expect(Math.max(...cut)).toBeLessThanOrEqual(Math.min(...left));
  expect([...after].every((value, index) => value === 0 || value === before[index])).toBe(true);
  expect(floatsOf(bias as never)).toEqual(goldenInput(2, side));
  expect(report.sparsity).toBeCloseTo(sparsity, 3);
  expect(report.deflatedBytesAfter / report.deflatedBytesBefore).toBeLessThan(1.1 - sparsity);
  await runModel(model, { x: [1, side] });
});

test('a sparsity of 0 changes nothing, and the report says what was saved', () => {
  const model = make();
  const { notes, deflatedBytesBefore, deflatedBytesAfter } = pruneWeights(model, 0);
  expect(deflatedBytesAfter).toBe(deflatedBytesBefore);
  expect(notes.at(-1)).toContain('memory and time on the device stay the same');
  expect(floatsOf(model.graph.initializer[0] as never)).toEqual(goldenInput(1, side * side));
});
