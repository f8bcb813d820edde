import { InferenceSession, Tensor } from 'onnxruntime-node';
import { type Digit, SIDE } from './digits.ts';

const BATCH = 100;

/** How many digits a classifier of pixels to logits gets right. */
export async function countCorrect(model: Uint8Array, digits: readonly Digit[]): Promise<number> {
  const session = await InferenceSession.create(model, { executionProviders: ['cpu'], logSeverityLevel: 3 });
  let correct = 0;
  try {
    for (let start = 0; start < digits.length; start += BATCH) {
      const batch = digits.slice(start, start + BATCH);
      const pixels = new Float32Array(batch.length * SIDE * SIDE);
      for (const [index, digit] of batch.entries())
        pixels.set(
          Float32Array.from(digit.pixels, (value) => value / 255),
          index * SIDE * SIDE,
        );
      const { logits } = await session.run({ pixels: new Tensor('float32', pixels, [batch.length, 1, SIDE, SIDE]) });
      const scores = logits?.data as Float32Array;
      for (const [index, { label }] of batch.entries()) {
        const row = scores.subarray(index * 10, index * 10 + 10);
        if (row.indexOf(Math.max(...row)) === label) correct += 1;
      }
    }
    return correct;
  } finally {
    await session.release();
  }
}
