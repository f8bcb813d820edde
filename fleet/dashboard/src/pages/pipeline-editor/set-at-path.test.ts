import { expect, test } from 'vitest';
import { withValueAt } from './set-at-path.ts';

test('a value is set where the path says, and left out without one', () => {
  expect(withValueAt({ a: 1 }, ['b', 'c'], 2)).toEqual({ a: 1, b: { c: 2 } });
  expect(withValueAt({ a: 1, b: { c: 2, d: 3 } }, ['b', 'c'], undefined)).toEqual({ a: 1, b: { d: 3 } });
  expect(withValueAt({ a: 1 }, ['a'], undefined)).toEqual({});
});

test('a list grows and shrinks by its places', () => {
  const one = withValueAt({}, ['rows'], [{ name: 'x' }]);
  const two = withValueAt(one, ['rows', 1], { name: 'y' });
  expect(two).toEqual({ rows: [{ name: 'x' }, { name: 'y' }] });
  expect(withValueAt(two, ['rows', 0, 'name'], 'z')).toEqual({ rows: [{ name: 'z' }, { name: 'y' }] });
  expect(withValueAt(two, ['rows', 0], undefined)).toEqual({ rows: [{ name: 'y' }] });
});
