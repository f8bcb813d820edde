import { expect, test } from 'vitest';
import { changeOf, changeRange, decibels } from './change.ts';

test('a loss is a change downwards', () => {
  expect(changeOf(0.3)).toBe('−0.30 points');
  expect(changeOf(1)).toBe('−1.00 point');
  expect(changeOf(-0.25)).toBe('+0.25 points');
});

test('what rounds to nothing has no sign', () => {
  expect(changeOf(0)).toBe('no change');
  expect(changeOf(-0.001)).toBe('no change');
});

test('an interval goes from the worse end to the better', () => {
  expect(changeRange({ value: 0.3, low: -0.1, high: 0.7 })).toBe('−0.70 to +0.10');
  expect(changeRange({ value: 0, low: 0, high: 0 })).toBe('0 to 0');
});

test('noise that is not there is no figure', () => {
  expect(decibels(38.24)).toBe('38.2 dB');
  expect(decibels(300)).toBe('equal');
  expect(decibels(null)).toBe('–');
});
