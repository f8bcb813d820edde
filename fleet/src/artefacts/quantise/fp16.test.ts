import { goldenInput } from '@starling/shared';
import { Tensor } from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import { checkModel, float16ToNumber, makeNode, makeTensor, type NodeProto, type OnnxModel, valuesOf, writeModel } from '../onnx/index.ts';
import { graphOf, modelOf, port, relativeDifference, reread, runModel } from '../onnx/small-models.ts';
import { convertToFloat16 } from './fp16.ts';

const codeOf = (action: () => unknown): unknown => {
  try {
    action();
    return undefined;
  } catch (error) {
    return (error as { code?: string }).code;
  }
};

/** Convolution, a resize, which stays in float, indices by Shape and Cast, and a branch that uses what float16 nodes make. */
function mixed(opset: number): OnnxModel {
  const branch = (output: string, op: string) =>
    graphOf({ nodes: [makeNode(op, ['r', 'half'], [output])], outputs: [port(output, [1, 4, 'h', 'w'])] });
  return modelOf(
    {
      nodes: [
        makeNode('Conv', ['x', 'w', 'b'], ['c'], { name: 'conv', attributes: { pads: { ints: [1, 1, 1, 1] } } }),
        makeNode('Relu', ['c'], ['r'], { name: 'relu' }),
        makeNode('Resize', ['r', '', 'scales'], ['big'], { name: 'resize', attributes: { mode: { string: 'nearest' } } }),
        makeNode('Shape', ['r'], ['shape']),
        makeNode('Cast', ['shape'], ['sides'], { attributes: { to: { int: 1 } } }),
        makeNode('ReduceMax', ['sides'], ['side'], { attributes: { keepdims: { int: 0 } } }),
        makeNode('Div', ['big', 'side'], ['d'], { name: 'div' }),
        makeNode('If', ['yes'], ['i'], {
          attributes: { then_branch: { graph: branch('t', 'Add') }, else_branch: { graph: branch('e', 'Sub') } },
        }),
        makeNode('GlobalAveragePool', ['d'], ['p']),
        makeNode('Add', ['p', 'i'], ['y'], { name: 'add' }),
      ],
      constants: [
        makeTensor('w', 'float', [4, 3, 3, 3], goldenInput(3, 108)),
        makeTensor('b', 'float', [4], [1, 2, 3, 4]),
        makeTensor('scales', 'float', [4], [1, 1, 2, 2]),
        makeTensor('half', 'float', [1], [0.5]),
        makeTensor('yes', 'bool', [], [1]),
      ],
      inputs: [port('x', [1, 3, 8, 8])],
      outputs: [port('y', [1, 4, 8, 8]), port('r', [1, 4, 8, 8])],
    },
    { opset },
  );
}

describe('a model in float16', () => {
  test.each([13, 17, 21])('gives nearly the same, with inputs and outputs as they were, opset %i', async (opset) => {
    const model = mixed(opset);
    const report = convertToFloat16(model);
    expect(report.notes).toEqual(['1 nodes with subgraphs stay in float32, with all that is in them']);
    checkModel(reread(model));
    const expected = await runModel(mixed(opset), { x: [1, 3, 8, 8] });
    const actual = await runModel(model, { x: [1, 3, 8, 8] });
    expect(relativeDifference(expected, actual)).toBeGreaterThan(0);
    expect(relativeDifference(expected, actual)).toBeLessThan(0.003);
    expect(actual.get('r')?.data).toBeInstanceOf(Float32Array);
    const types = new Map(model.graph.initializer.map(({ name, dataType }) => [name, dataType]));
    expect(types.get('w_float16')).toBe(10);
    expect(types.has('w')).toBe(false);
    expect(types.get('scales')).toBe(1);
  });

  test('keeps nodes in float32 that are named', async () => {
    const model = mixed(13);
    convertToFloat16(model, ['conv']);
    const conv = model.graph.node.find(({ opType }) => opType === 'Conv') as NodeProto;
    expect(conv.input).toEqual(['x', 'w', 'b']);
    const difference = relativeDifference(await runModel(mixed(13), { x: [1, 3, 8, 8] }), await runModel(model, { x: [1, 3, 8, 8] }));
    expect(difference).toBeLessThan(0.003);
  });

  const adding = (values: readonly number[]) =>
    modelOf({
      nodes: [makeNode('Add', ['x', 'w'], ['y'], { name: 'add' })],
      constants: [makeTensor('w', 'float', [values.length], values)],
      inputs: [port('x', [values.length])],
      outputs: [port('y', [values.length])],
    });

  test('never makes a 0 of a weight that was none, and tells of infinities and NaN that were', () => {
    const model = adding([65_504, 1e-12, -1e-30, 0, Number.NEGATIVE_INFINITY, Number.NaN]);
    const { notes } = convertToFloat16(model);
    const [weight] = reread(model).graph.initializer;
    const halves = Array.from(valuesOf(weight as never) as Uint16Array, float16ToNumber);
    expect(halves).toEqual([65_504, 2 ** -24, -(2 ** -24), 0, Number.NEGATIVE_INFINITY, Number.NaN]);
    expect(notes).toEqual([
      '"w" holds NaN, 1 times',
      '"w" holds infinity, 1 times, as the source does',
      '2 values of "w" are too small for float16 and became 5.96e-8',
    ]);
  });

  test('leaves a node in float32 whose weights are beyond float16', async () => {
    const model = adding([1e30, -70_000]);
    const { notes, quantisedTensors } = convertToFloat16(model);
    expect(notes).toEqual(['"add" stays in float32: "w" holds values beyond float16']);
    expect(quantisedTensors).toBe(0);
    expect(await runModel(model, { x: [2] })).toEqual(await runModel(adding([1e30, -70_000]), { x: [2] }));
  });

  test('halves the file', () => {
    const side = 128;
    const make = () =>
      modelOf({
        nodes: [makeNode('MatMul', ['x', 'w'], ['y'])],
        constants: [makeTensor('w', 'float', [side, side], goldenInput(1, side * side))],
        inputs: [port('x', [1, side])],
        outputs: [port('y', [1, side])],
      });
    const model = make();
    convertToFloat16(model);
    expect(writeModel(model).length / writeModel(make()).length).toBeLessThan(0.51);
  });

  test('is not made of one that is quantised', () => {
    const nodes = [makeNode('DynamicQuantizeLinear', ['x'], ['q', 's', 'z']), makeNode('DequantizeLinear', ['q', 's', 'z'], ['y'])];
    const model = modelOf({ nodes, inputs: [port('x', [4])], outputs: [port('y', [4])] });
    expect(codeOf(() => convertToFloat16(model))).toBe('already-quantised');
  });

  test('runs with inputs that are no floats', async () => {
    const model = modelOf({
      nodes: [makeNode('Gather', ['table', 'ids'], ['rows']), makeNode('Exp', ['rows'], ['y'])],
      constants: [makeTensor('table', 'float', [3, 2], [0, 1, 2, 3, 4, 5])],
      inputs: [port('ids', [2], 'int64')],
      outputs: [port('y', [2, 2])],
    });
    convertToFloat16(model);
    const outputs = await runModel(model, {}, { ids: new Tensor('int64', BigInt64Array.of(2n, 0n), [2]) });
    const [first] = (outputs.get('y')?.data ?? []) as Float32Array;
    expect(first).toBeCloseTo(Math.exp(4), 0);
  });
});
