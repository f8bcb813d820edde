import { expect, test } from 'vitest';
import { judge } from './judge.ts';
import type { Exception, Rule } from './rule.ts';

const rule: Rule = { name: 'length', find: () => [{ path: 'a.ts', line: 3, message: 'too long', size: 90 }] };
const exception = (sizeMaximum: number | undefined, path = 'a.ts'): Exception => ({ rule: 'length', path, sizeMaximum, reason: 'a list' });

test('a breach is shown with its place', () => {
  expect(judge(rule, [], [])).toEqual(['a.ts:3 too long']);
});

test('a breach at its ceiling passes', () => {
  expect(judge(rule, [], [exception(90)])).toEqual([]);
});

test('a breach that grew beyond its ceiling is shown', () => {
  expect(judge(rule, [], [exception(89)])).toEqual(['a.ts:3 too long']);
});

test('a ceiling higher than needed has to follow', () => {
  expect(judge(rule, [], [exception(95)])).toEqual(['exceptions.ts: a.ts shrank to 90: lower its sizeMaximum from 95']);
});

test('an exception for a measured rule without a ceiling permits nothing', () => {
  expect(judge(rule, [], [exception(undefined)])).toEqual(['a.ts:3 too long']);
});

test('an exception without a breach has to go', () => {
  expect(judge(rule, [], [exception(90), exception(90, 'b.ts')])).toEqual(['exceptions.ts: b.ts keeps length now: remove its exception']);
});

test('an exception of another rule permits nothing', () => {
  expect(judge(rule, [], [{ ...exception(90), rule: 'names' }])).toEqual(['a.ts:3 too long']);
});
