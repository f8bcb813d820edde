import { describe, expect, it } from 'vitest';
import { startOperator } from './operator-harness.ts';

describe('startOperator', () => {
  it('runs an operator with the parameters of its schema', async () => {
    const scores = { elementType: 'float32', shape: [1, 3], data: Float32Array.of(0.1, 0.7, 0.2) };
    const { classes } = await startOperator('classes.top', { count: 1 }).run({ scores });
    expect(classes).toEqual([{ index: 1, label: 1, score: Math.fround(0.7) }]);
    expect(() => startOperator('classes.top', { amount: 1 })).toThrow();
  });

  it('lends no codec unless it is given one', async () => {
    await expect(startOperator('image.decode').run({ image: new Uint8Array(4) })).rejects.toMatchObject({ code: 'not-lent' });
  });
});
