import { goldenTensor, type TensorPort } from '@starling/shared';
import { InferenceSession } from 'onnxruntime-node';
import { expect, test } from 'vitest';
import { makeGolden } from './golden.ts';
import { writeModel } from './onnx/index.ts';
import { modelOf, port } from './onnx/small-models.ts';

const rate: TensorPort = { name: 'rate', elementType: 'int64', shape: [3] };
const cast = modelOf({
  nodes: [{ opType: 'Cast', input: ['rate'], output: ['y'], attribute: [{ name: 'to', i: 1, type: 2 }] }],
  inputs: [port('rate', [3], 'int64')],
  outputs: [port('y', [3])],
});

test('whole inputs are tried in the range that the card gives, and a device makes the same', async () => {
  const session = await InferenceSession.create(writeModel(cast));
  const ranges = { rate: { minimum: 16_000, maximum: 16_001 } };
  const { golden } = await makeGolden(session, [rate], { shapes: {}, ranges }, 1e-3);
  expect(golden.inputs.rate).toMatchObject({ range: ranges.rate, shape: [3] });
  const made = goldenTensor(golden.inputs.rate ?? expect.unreachable());
  expect(golden.outputs.y?.samples).toEqual(Array.from(made, Number));
  expect(golden.outputs.y?.samples.every((sample) => sample === 16_000 || sample === 16_001)).toBe(true);
  const free = await makeGolden(session, [rate], { shapes: {}, ranges: {} }, 1e-3);
  expect(free.golden.inputs.rate?.range).toEqual({ minimum: 0, maximum: 99 });
  await session.release();
});
