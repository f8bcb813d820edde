import { expect, test } from 'vitest';
import { labelIn } from './field-problems.ts';

test('a field is called what it lies in is called, where it has no label of its own', () => {
  const labels = { name: 'Name', 'goal.measure': 'Judged by', goal: 'What decides' };
  expect(['name', 'goal.measure', 'goal.labels.kept', 'unknown.0'].map((field) => labelIn(labels, field))).toEqual([
    ...['Name', 'Judged by', 'What decides', 'unknown.0'],
  ]);
});
