import { goldenInput } from '@starling/shared';
import { describe, expect, test } from 'vitest';
import { checkModel, makeNode, makeTensor, type OnnxModel, writeModel } from '../onnx/index.ts';
import { graphOf, modelOf, port, relativeDifference, reread, runModel } from '../onnx/small-models.ts';
import { quantiseDynamically } from './dynamic.ts';

const codeOf = (action: () => unknown): unknown => {
  try {
    action();
    return undefined;
  } catch (error) {
    return (error as { code?: string }).code;
  }
};

/** Two convolutions of one input, a Gemm with a bias, a matrix product, and one in a branch. */
function network(opset: number): OnnxModel {
  const branch = (output: string) => graphOf({ nodes: [makeNode('MatMul', ['m', 'wm'], [output])], outputs: [port(output, [1, 32])] });
  return modelOf(
    {
      nodes: [
        makeNode('Conv', ['x', 'w1', 'b1'], ['c1'], {
          name: 'one',
          attributes: { pads: { ints: [1, 1, 1, 1] }, strides: { ints: [2, 2] } },
        }),
        makeNode('Conv', ['x', 'w2'], ['c2'], { name: 'two', attributes: { pads: { ints: [1, 1, 1, 1] }, strides: { ints: [2, 2] } } }),
        makeNode('Add', ['c1', 'c2'], ['c']),
        makeNode('Relu', ['c'], ['r']),
        makeNode('GlobalAveragePool', ['r'], ['p']),
        makeNode('Flatten', ['p'], ['f']),
        makeNode('Gemm', ['f', 'wg', 'bg'], ['g'], { name: 'gemm', attributes: { transB: { int: 1 } } }),
        makeNode('MatMul', ['g', 'wm'], ['m'], { name: 'matmul' }),
        makeNode('If', ['yes'], ['y'], { attributes: { then_branch: { graph: branch('t') }, else_branch: { graph: branch('e') } } }),
      ],
      constants: [
        makeTensor('w1', 'float', [32, 3, 3, 3], goldenInput(1, 864)),
        makeTensor('b1', 'float', [32], goldenInput(2, 32)),
        makeTensor('w2', 'float', [32, 3, 3, 3], goldenInput(3, 864)),
        makeTensor('wg', 'float', [32, 32], goldenInput(4, 1024)),
        makeTensor('bg', 'float', [32], goldenInput(5, 32)),
        makeTensor('wm', 'float', [32, 32], goldenInput(6, 1024)),
        makeTensor('yes', 'bool', [], [1]),
      ],
      inputs: [port('x', [1, 3, 16, 16])],
      outputs: [port('y', [1, 32])],
    },
    { opset },
  );
}

describe('a dynamically quantised model', () => {
  const variants = (['u8', 's8'] as const).flatMap((weights) => [false, true].map((reducedRange) => ({ weights, reducedRange })));

  test.each(variants.flatMap((variant) => [11, 13, 21].map((opset) => ({ ...variant, opset }))))(
    'gives nearly the same: weights $weights, 7 bits $reducedRange, opset $opset',
    async ({ opset, ...options }) => {
      const model = network(opset);
      expect(quantiseDynamically(model, options)).toEqual({ quantisedTensors: 4, layers: [], notes: [] });
      checkModel(reread(model));
      const feeds = { x: [1, 3, 16, 16] };
      const difference = relativeDifference(await runModel(network(opset), feeds), await runModel(model, feeds));
      expect(difference).toBeGreaterThan(0);
      // u8 x s8 of full range saturates on processors without VNNI: that is what 7 bits, or u8 x u8, are for.
      const maySaturate = options.weights === 's8' && !options.reducedRange;
      expect(difference).toBeLessThan(maySaturate ? 0.4 : 0.05);
      expect(model.graph.node.filter(({ opType }) => opType === 'DynamicQuantizeLinear').length).toBe(3);
      expect(model.graph.initializer.some(({ name }) => ['w1', 'b1', 'wg'].includes(name ?? ''))).toBe(false);
      expect(writeModel(model).length / writeModel(network(opset)).length).toBeLessThan(0.75);
    },
  );

  test('keeps what it is told to, and refuses what it cannot do', () => {
    const model = network(13);
    expect(quantiseDynamically(model, { weights: 'u8', keepInFloat: ['one', 'two'] }).quantisedTensors).toBe(2);
    expect(codeOf(() => quantiseDynamically(model, { weights: 'u8' }))).toBe('already-quantised');
    expect(codeOf(() => quantiseDynamically(network(9), { weights: 'u8' }))).toBe('unsupported-opset');
  });
});
