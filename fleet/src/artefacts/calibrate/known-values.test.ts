import { InferenceSession } from 'onnxruntime-node';
import { expect, test } from 'vitest';
import { type OnnxModel, writeModel } from '../onnx/index.ts';
import { NetworkBuilder, rangesOf, samplesOf } from '../static/small-network.ts';
import { calibrate } from './calibrate.ts';
import { readKnownValues } from './known-values.ts';

const picture = [1, 8, 12, 12];
const open = (model: OnnxModel) => InferenceSession.create(writeModel(model), { intraOpNumThreads: 1, logSeverityLevel: 4 });

/** Values of the kinds of which something is known, by what they are. */
function network() {
  const builder = new NetworkBuilder(29);
  const plain = builder.conv('x', 8, 16, 3);
  const relu = builder.add('Relu', [builder.conv(plain, 16, 16, 3)]);
  const before = builder.conv(relu, 16, 16, 1);
  const gate = builder.add('HardSigmoid', [before], { alpha: { float: 1 / 6 }, beta: { float: 0.5 } });
  const swish = builder.add('Mul', [gate, before]);
  const other = builder.add('Mul', [builder.add('HardSigmoid', [plain]), swish]);
  const pooled = builder.add('MaxPool', [other], { kernel_shape: { ints: [2, 2] } });
  const flat = builder.add('Flatten', [pooled]);
  return { model: builder.build(picture), plain, relu, gate, swish, other, pooled, flat };
}

test('bounds are known of what cannot be less, pictures of what convolutions make', () => {
  const { model, plain, relu, gate, swish, other, pooled, flat } = network();
  const { lowerBoundOf, isPicture } = readKnownValues(model.graph);
  expect([plain, relu, gate, swish, other, pooled, flat, 'x'].map(lowerBoundOf)).toEqual([
    ...[undefined, 0, 0, -0.375],
    ...[undefined, undefined, undefined, undefined],
  ]);
  expect([plain, relu, gate, swish, other, pooled, flat, 'x'].map(isPicture)).toEqual([true, true, true, true, true, true, false, false]);
});

test.each(['minmax', 'mse'] as const)('ranges by %s are those of the values themselves', async (method) => {
  const { model, ...named } = network();
  const values = Object.values(named);
  const seen = await rangesOf(model, values, picture);
  const { ranges } = await calibrate(model, values, samplesOf(picture), {
    calibration: { method, percentile: 100, samplesMaximum: 8 },
    open,
    levels: 65_536,
  });
  const { lowerBoundOf } = readKnownValues(model.graph);
  for (const value of values) {
    const { minimum = Number.NaN, maximum = Number.NaN } = seen.get(value) ?? {};
    const found = ranges.get(value) ?? { minimum: Number.NaN, maximum: Number.NaN };
    if (method === 'minmax') expect(found, value).toEqual({ minimum: lowerBoundOf(value) ?? minimum, maximum });
    else expect(Math.abs(found.maximum - maximum), value).toBeLessThan(0.03 * (maximum - minimum));
    expect(minimum, value).toBeGreaterThanOrEqual(lowerBoundOf(value) ?? Number.NEGATIVE_INFINITY);
  }
});
