import { expect, test } from 'vitest';
import { addDistance, type EdgeValue, noDistance } from './browser-edges.ts';
import { addSameText } from './browser-parity.ts';

const values = (...numbers: EdgeValue[]) => ({ numbers, texts: [] });
const map = (...data: number[]): EdgeValue => ({ edge: 'detect.map', shape: [data.length], numbers: Float32Array.from(data) });

function distanceOf(ours: EdgeValue[], reference: EdgeValue[]) {
  const sum = noDistance();
  addDistance(sum, values(...ours), values(...reference));
  return sum;
}

test('what is allowed grows with the largest value of the array and with the value itself', () => {
  // Beside the 10 a ten thousandth of it is allowed everywhere, and at itself a thousandth more.
  const allowed = 1e-4 * 10 + 1e-3 * 10;
  expect(distanceOf([map(10 + allowed * 0.9, 0)], [map(10, 0)])).toMatchObject({ arrays: 1, equal: 0, outside: 0 });
  expect(distanceOf([map(10 + allowed * 1.1, 0)], [map(10, 0)])).toMatchObject({ outside: 1, worstEdge: 'detect.map' });
  expect(distanceOf([map(10, 0.9e-3)], [map(10, 0)]).outside).toBe(0);
  expect(distanceOf([map(10, 1.1e-3)], [map(10, 0)]).outside).toBe(1);
});

test('equal arrays count as such, and each edge keeps its largest difference', () => {
  const other: EdgeValue = { edge: 'boxes.boxes', shape: [1], numbers: Float64Array.of(1.0001) };
  const sum = distanceOf([map(1, 2), { ...other, numbers: Float64Array.of(1) }], [map(1, 2), other]);
  expect(sum).toMatchObject({ arrays: 2, equal: 1, outside: 0 });
  expect(sum.largestByEdge.get('detect.map')).toBe(0);
  expect(sum.largestByEdge.get('boxes.boxes')).toBeCloseTo(0.0909, 3);
});

test.each([
  ['a value that is no number', [map(Number.NaN, 1)], [map(0, 1)]],
  ['another shape', [map(1, 2, 3)], [map(1, 2)]],
  ['an array that is missing', [], [map(1, 2)]],
  ['one more than there should be', [map(1), map(2)], [map(1)]],
])('outside is %s', (_what, ours, reference) => {
  expect(distanceOf(ours, reference)).toMatchObject({ outside: 1, worst: Number.POSITIVE_INFINITY });
});

test('lines are the same wherever they stand, each once', () => {
  const sum = { same: 0, lines: 0 };
  addSameText(sum, ['A', 'B', 'B'], ['B', 'A', 'C', 'D']);
  expect(sum).toEqual({ same: 2, lines: 4 });
});
