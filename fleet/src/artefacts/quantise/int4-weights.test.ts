import { readFileSync } from 'node:fs';
import { goldenInput } from '@starling/shared';
import { describe, expect, test } from 'vitest';
import { checkModel, makeNode, makeTensor, type OnnxModel, quantisationOf, writeModel } from '../onnx/index.ts';
import { graphOf, modelOf, port, relativeDifference, reread, runModel } from '../onnx/small-models.ts';
import { quantiseBlocks, quantiseToInt4 } from './int4-weights.ts';

interface Reference {
  shape: [number, number];
  weight: number[];
  cases: { blockSize: number; symmetric: boolean; packed: number[]; scales: number[]; zeroPoints: number[] | null }[];
}
const reference = JSON.parse(readFileSync(new URL('./test-data/int4-reference.json', import.meta.url), 'utf8')) as Reference;

describe('blocks of 4 bits', () => {
  test.each(reference.cases)(
    'of $blockSize, symmetric $symmetric, are those of the Python quantiser',
    ({ blockSize, symmetric, ...expected }) => {
      const [rows, columns] = reference.shape;
      const matrix = Float32Array.from(reference.weight);
      const { packed, scales, zeroPoints } = quantiseBlocks(matrix, { rows, columns, blockSize, symmetric });
      expect([...scales]).toEqual(expected.scales);
      expect(zeroPoints === undefined ? null : [...zeroPoints]).toEqual(expected.zeroPoints);
      // Levels beyond the last row are free: they meet no activation.
      const used = (bytes: ArrayLike<number>): number[] =>
        Array.from(bytes).filter((_, byte) => (byte * 2) % (Math.ceil(rows / blockSize) * blockSize) < rows);
      expect(used(packed)).toEqual(used(expected.packed));
    },
  );
});

const rows = 128;
const columns = 48;
const weight = goldenInput(5, rows * columns);

function products(): OnnxModel {
  const turned = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row += 1)
    for (let column = 0; column < columns; column += 1) turned[column * rows + row] = weight[row * columns + column] as number;
  const branch = (output: string) => graphOf({ nodes: [makeNode('MatMul', ['x', 'w'], [output])], outputs: [port(output, [4, columns])] });
  return modelOf({
    nodes: [
      makeNode('MatMul', ['x', 'w'], ['m'], { name: 'first' }),
      makeNode('Gemm', ['x', 'turned', 'bias'], ['g'], { name: 'second', attributes: { transB: { int: 1 } } }),
      makeNode('If', ['yes'], ['i'], { attributes: { then_branch: { graph: branch('t') }, else_branch: { graph: branch('e') } } }),
      makeNode('Sum', ['m', 'g', 'i'], ['y']),
    ],
    constants: [
      makeTensor('w', 'float', [rows, columns], weight),
      makeTensor('turned', 'float', [columns, rows], turned),
      makeTensor('bias', 'float', [columns], goldenInput(6, columns)),
      makeTensor('yes', 'bool', [], [1]),
    ],
    inputs: [port('x', [4, rows])],
    outputs: [port('y', [4, columns])],
  });
}

describe('a model with weights of 4 bits', () => {
  test.each([16, 32, 64, 128].flatMap((blockSize) => [true, false].map((symmetric) => ({ blockSize, symmetric }))))(
    'gives nearly the same, blocks of $blockSize, symmetric $symmetric',
    async (options) => {
      const expected = await runModel(products(), { x: [4, rows] });
      const model = products();
      expect(quantiseToInt4(model, options)).toEqual({ quantisedTensors: 2, layers: [], notes: [] });
      expect(quantisationOf(model).quantised).toBe(true);
      checkModel(reread(model));
      const difference = relativeDifference(expected, await runModel(model, { x: [4, rows] }));
      expect(difference).toBeGreaterThan(0);
      expect(difference).toBeLessThan(0.12);
      expect(writeModel(model).length / writeModel(products()).length).toBeLessThan(options.blockSize === 16 ? 0.24 : 0.2);
    },
  );

  test('keeps what it is told to, and weights that are used otherwise', async () => {
    const model = products();
    expect(quantiseToInt4(model, { blockSize: 32, keepInFloat: ['second'] }).quantisedTensors).toBe(1);
    expect(model.graph.node.map(({ opType }) => opType)).toEqual(['MatMulNBits', 'Gemm', 'If', 'Sum']);
    const shared = products();
    shared.graph.node.push(makeNode('ReduceSum', ['w'], ['s'], { attributes: { keepdims: { int: 0 } } }));
    shared.graph.output.push(port('s', []));
    expect(quantiseToInt4(shared, { blockSize: 32 }).notes).toEqual(['1 weights are kept in float too, for other nodes that use them']);
    await runModel(shared, { x: [4, rows] });
  });

  test('leaves a weight with NaN in float and says so', () => {
    const model = products();
    const broken = Float32Array.from(weight);
    broken[7] = Number.NaN;
    model.graph.initializer[0] = makeTensor('w', 'float', [rows, columns], broken);
    const report = quantiseToInt4(model, { blockSize: 32 });
    expect(report.quantisedTensors).toBe(1);
    expect(report.notes[0]).toContain('"w"');
  });
});
