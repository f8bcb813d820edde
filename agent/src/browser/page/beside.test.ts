import type { ReportedArm } from '@starling/shared';
import { expect, test } from 'vitest';
import { besideWords } from './beside.ts';

const experiment = (...arms: ReportedArm[]) => ({ experiment: { id: 'x'.repeat(26), arms } });

test('nothing is said of an experiment where there is none', () => {
  expect(besideWords(undefined)).toBeUndefined();
  expect(besideWords({})).toBeUndefined();
  expect(besideWords(experiment())).toBeUndefined();
});

test('each release that is tried is named with how far it is, and why it is off', () => {
  const [one, other] = ['a'.repeat(64), 'b'.repeat(64)];
  expect(besideWords(experiment({ release: one, state: 'running' }, { release: other, state: 'pulling' }))).toBe(
    'aaaaaaaaaaaa runs beside it; bbbbbbbbbbbb being loaded',
  );
  const problem = { code: 'challenger-fails', message: 'most of its items fail' };
  expect(besideWords(experiment({ release: one, state: 'off', problem }))).toBe('aaaaaaaaaaaa switched off here: most of its items fail');
});
