import { InferenceSession, Tensor } from 'onnxruntime-node';
import { expect, test } from 'vitest';
import { isProbeAnswer, probeInputs, probeModel } from './probe-model.ts';

test('the model of the probe gives on another engine what the probe expects, and nothing else passes', async () => {
  const session = await InferenceSession.create(probeModel(), { logSeverityLevel: 3 });
  const feeds = Object.fromEntries(
    Object.entries(probeInputs()).map(([name, { data, shape }]) => [name, new Tensor('float32', data as Float32Array, shape)]),
  );
  const { y } = await session.run(feeds);
  const data = Float32Array.from((y?.data ?? []) as Float32Array);
  const answer = (values: Float32Array) => ({ y: { elementType: 'float32' as const, shape: [1, 32, 1, 1], data: values } });
  expect(isProbeAnswer(answer(data))).toBe(true);
  expect(isProbeAnswer(answer(data.with(7, Number.NaN)))).toBe(false);
  expect(isProbeAnswer(answer(data.map((value) => value * 1.01)))).toBe(false);
  expect(isProbeAnswer({})).toBe(false);
  await session.release();
});
