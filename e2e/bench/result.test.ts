import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { resultsFolder } from './kept.ts';
import { benches, findBench } from './registry.ts';
import { benchResultSchema, judge, median, quantile, tableOf } from './result.ts';

test.each([
  [{ value: 0.96, target: 0.95 }, true],
  [{ value: 0.95, target: 0.95 }, true],
  [{ value: 0.949, target: 0.95 }, false],
  [{ value: 12, target: 20, better: 'lower' as const }, true],
  [{ value: 20.1, target: 20, better: 'lower' as const }, false],
  [{ value: Number.MAX_VALUE, target: 20, better: 'lower' as const }, false],
])('%j is judged %s', (measure, met) => {
  expect(judge('some', [{ name: 'one', unit: 'x', ...measure }]).measures[0]?.met).toBe(met);
});

test('a measure without a target is only reported', () => {
  const result = judge('some', [{ name: 'one', value: 3, unit: 's' }]);
  expect(result.measures).toEqual([{ name: 'one', value: 3, unit: 's' }]);
  expect(tableOf(result)).not.toMatch(/met|MISSED/);
});

test('the table names a missed target', () => {
  const table = tableOf(judge('some', [{ name: 'delay', value: 31.25, unit: 'ms', target: 20, better: 'lower' }]));
  expect(table.split('\n').at(-1)).toMatch(/^delay\s+31\.25 ms\s+at most 20 ms\s+MISSED$/);
});

test('a bench that measured nothing, or no number, is refused', () => {
  expect(() => judge('some', [])).toThrow();
  expect(() => judge('some', [{ name: 'one', value: Number.NaN, unit: 'x', target: 1 }])).toThrow();
});

test('an unknown name is answered with the nearest one and all there are', () => {
  expect(() => findBench('acuracy')).toThrow(
    expect.objectContaining({ code: 'unknown-bench', field: 'NAME', hint: expect.stringMatching(/^did you mean accuracy\?.*frames/) }),
  );
  expect(() => findBench('toString')).toThrow(expect.objectContaining({ code: 'unknown-bench' }));
});

test('the median of an even count lies between the two in the middle', () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([4, 1, 3, 100])).toBe(3.5);
});

test.each([
  [0.5, 50],
  [0.99, 99],
  [1, 100],
  [0, 1],
])('the quantile %d of 1 to 100 is %d', (part, expected) => {
  expect(
    quantile(
      Array.from({ length: 100 }, (_, index) => 100 - index),
      part,
    ),
  ).toBe(expected);
});

test('every result in the tree is of a bench that there is, and judged by its own figures', async () => {
  const files = await readdir(resultsFolder).catch(() => []);
  for (const file of files) {
    const result = benchResultSchema.parse(JSON.parse(await readFile(join(resultsFolder, file), 'utf8')));
    expect(file).toBe(`${result.bench}.json`);
    expect(Object.keys(benches)).toContain(result.bench);
    const unjudged = result.measures.map(({ met: _met, ...measure }) => measure);
    expect(judge(result.bench, unjudged).measures).toEqual(result.measures);
  }
});
