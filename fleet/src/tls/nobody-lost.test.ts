import { expect, test } from 'vitest';
import { requireNobodyLost } from './nobody-lost.ts';

const [old, next] = ['a'.repeat(64), 'b'.repeat(64)];
const processes = (...authorities: string[]) => authorities.map((authority, index) => ({ name: `process ${index + 1}`, authority }));

test('nobody may be left who shows what devices would believe no longer, and a few of them are named', () => {
  const before = [next, old];
  requireNobodyLost(processes(next, next), { named: [next], before });
  requireNobodyLost(processes(next, old), { named: [next, old], before });
  const dropsOld =
    (...authorities: string[]) =>
    () =>
      requireNobodyLost(processes(...authorities), { named: [next], before });
  expect(dropsOld(next, old)).toThrow(expect.objectContaining({ code: 'authority-in-use', field: 'authorities' }));
  expect(dropsOld(next, old)).toThrow(/^1 of 2 .*: process 2$/);
  expect(dropsOld(old, old, old, old, next)).toThrow(/^4 of 5 .*: process 1, process 2, process 3 and 1 more$/);
});

test('what devices do not believe anyway is no reason, and by claim tokens they believe what is shown', () => {
  requireNobodyLost(processes(next, old), { named: [next], before: [next] });
  expect(() => requireNobodyLost(processes(old), { named: [next], before: undefined })).toThrow(/process 1$/);
});
