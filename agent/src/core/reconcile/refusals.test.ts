import { expect, test } from 'vitest';
import { createRefusals } from './refusals.ts';
import type { Verdict } from './verdicts.ts';

const wanted = { release: 'r', artefacts: { detect: 'd0', read: 'r0' }, fallbacks: { detect: ['d1'], read: ['r1', 'r2'] } };
const needs = [
  { name: 'detect', artefact: 'd0', bytes: 10 },
  { name: 'read', artefact: 'r0', bytes: 90 },
];
const reason = '100 bytes are needed, 50 are available';
const verdict = { provider: 'cpu', code: 'self-test-failed' } as Verdict;
const refusing = (...artefacts: string[]) => createRefusals({ refusal: (each) => (artefacts.includes(each) ? verdict : undefined) });

test('the model that needs most gives way, and says why', () => {
  const refusals = refusing();
  expect(refusals.giveWay(wanted, needs, reason)).toEqual({ model: 'read', artefact: 'r0' });
  expect(refusals.of('r0')).toEqual({ provider: '', code: 'memory-low', reason });
  expect(refusals.of('d0')).toBeUndefined();
});

test('one with no runner-up left stays, and a smaller one gives way in its place', () => {
  const refusals = refusing('r1', 'r2');
  expect(refusals.giveWay(wanted, needs, reason)).toEqual({ model: 'detect', artefact: 'd0' });
  expect(refusals.of('r0')).toBeUndefined();
  expect(refusals.of('r1')).toBe(verdict);
});

test('what costs nothing more does not give way; and where nothing can, nothing does', () => {
  const refusals = refusing();
  expect(refusals.giveWay(wanted, [{ name: 'read', artefact: 'r0', bytes: 0 }], reason)).toBeUndefined();
  expect(refusals.giveWay({ ...wanted, fallbacks: {} }, needs, reason)).toBeUndefined();
  expect(refusals.of('r0')).toBeUndefined();
});

test('the next try asks again, without saying it again; a verdict stays', () => {
  const refusals = refusing('r1');
  refusals.giveWay(wanted, needs, reason);
  refusals.forgetMemory();
  expect([refusals.of('r0'), refusals.of('r1')]).toEqual([undefined, verdict]);
  expect(refusals.giveWay(wanted, needs, reason)).toBeUndefined();
  expect(refusals.of('r0')).toMatchObject({ code: 'memory-low' });
});
