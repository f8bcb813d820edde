import { operatorSignatures } from '@starling/shared';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { topClasses } from './classes.ts';

const scoresOf = (values: number[]) => ({
  scores: { elementType: 'float32', shape: [1, values.length], data: Float32Array.from(values) },
});
const params = (given: Record<string, unknown>) => operatorSignatures['classes.top'].params.parse(given);

describe('classes.top', () => {
  it('names the best classes, best first, equal ones in their order', async () => {
    const { classes } = await topClasses(scoresOf([0.1, 0.6, 0.3, 0.6]), params({ count: 3, labels: ['cat', 'dog', 'fox', 'owl'] }));
    expect(classes.map(({ index, label }) => [index, label])).toEqual([
      [1, 'dog'],
      [3, 'owl'],
      [2, 'fox'],
    ]);
  });

  it('turns logits into probabilities, also far from 0', async () => {
    const { classes } = await topClasses(scoresOf([1000, 1001]), params({ softmax: true }));
    // 1 / (1 + e^-1)
    expect(classes[0]?.score).toBeCloseTo(0.7310585786, 6);
  });

  it('refuses labels that are not those of the model', async () => {
    await expect(topClasses(scoresOf([1, 2]), params({ labels: ['one'] }))).rejects.toMatchObject({
      code: 'labels-mismatch',
      field: 'params.labels',
    });
  });

  it('gives probabilities that add up to 1', async () => {
    const logits = fc.array(fc.float({ min: -50, max: 50, noNaN: true }), { minLength: 1, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(logits, async (values) => {
        const { classes } = await topClasses(scoresOf(values), params({ softmax: true, count: 1000 }));
        expect(classes.reduce((sum, { score }) => sum + score, 0)).toBeCloseTo(1, 4);
      }),
    );
  });
});
