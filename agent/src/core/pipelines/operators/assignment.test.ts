import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assign } from './assignment.ts';

const assigned = (gains: readonly (readonly number[])[]) => [
  ...assign(gains.length, gains[0]?.length ?? 0, (row, column) => gains[row]?.[column] ?? 0),
];
const sumOf = (gains: readonly (readonly number[])[], columns: readonly number[]): number =>
  columns.reduce((sum, column, row) => sum + (column === -1 ? 0 : (gains[row]?.[column] ?? 0)), 0);

/** The largest sum by trying everything. */
function bestSum(gains: readonly (readonly number[])[], row = 0, taken: ReadonlySet<number> = new Set()): number {
  const line = gains[row];
  if (line === undefined) return 0;
  const alone = bestSum(gains, row + 1, taken);
  return line.reduce((best, gain, column) => {
    if (gain <= 0 || taken.has(column)) return best;
    return Math.max(best, gain + bestSum(gains, row + 1, new Set([...taken, column])));
  }, alone);
}

describe('assign', () => {
  it('gives up the best pair where two others are better together', () => {
    expect(
      assigned([
        [0.9, 0.8],
        [0.8, 0.1],
      ]),
    ).toEqual([1, 0]);
  });

  it('leaves alone what gains nothing', () => {
    expect(
      assigned([
        [0, 0, 0.4],
        [0, 0, 0.5],
        [-1, 0, 0],
      ]),
    ).toEqual([-1, 2, -1]);
    expect(assigned([])).toEqual([]);
    expect(assigned([[], []])).toEqual([-1, -1]);
  });

  it('finds what scipy.optimize.linear_sum_assignment finds', () => {
    // numpy.random.default_rng(7).random((5, 6)).round(3) with maximize=True, SciPy 1.17
    const gains = [
      [0.625, 0.897, 0.776, 0.225, 0.3, 0.874],
      [0.005, 0.821, 0.797, 0.468, 0.303, 0.278],
      [0.255, 0.445, 0.505, 0.553, 0.996, 0.793],
      [0.622, 0.989, 0.215, 0.16, 0.613, 0.044],
      [0.036, 0.515, 0.466, 0.917, 0.629, 0.514],
    ];
    expect(assigned(gains)).toEqual([5, 2, 4, 1, 3]);
    expect(sumOf(gains, assigned(gains))).toBeCloseTo(4.573, 12);
  });

  it('is as good as the best of all assignments, and pairs nothing twice', () => {
    // Whole thousandths: numbers that are chosen freely are mostly so small that it makes no difference who gets them.
    const some = fc.integer({ min: 1, max: 1000 }).map((thousandths) => thousandths / 1000);
    const gain = fc.oneof({ weight: 1, arbitrary: fc.constantFrom(0, -0.5) }, { weight: 5, arbitrary: some });
    const matrix = fc
      .tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 }))
      .chain(([rows, columns]) =>
        fc.array(fc.array(gain, { minLength: columns, maxLength: columns }), { minLength: rows, maxLength: rows }),
      );
    fc.assert(
      fc.property(matrix, (gains) => {
        const columns = assigned(gains);
        const paired = columns.filter((column) => column !== -1);
        expect(new Set(paired).size).toBe(paired.length);
        expect(columns.every((column, row) => column === -1 || (gains[row]?.[column] ?? 0) > 0)).toBe(true);
        expect(sumOf(gains, columns)).toBeCloseTo(bestSum(gains), 9);
      }),
      { numRuns: 500 },
    );
  });

  it('does not take long for a crowd in which everybody touches everybody', () => {
    const gainOf = (row: number, column: number): number => 1 + ((row * 7919 + column * 104_729) % 1000) / 1000;
    const columns = assign(500, 1000, gainOf);
    expect(new Set(columns).size).toBe(500);
  });
});
