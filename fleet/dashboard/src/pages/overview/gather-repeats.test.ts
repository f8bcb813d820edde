import { expect, test } from 'vitest';
import { gatherRepeats } from './gather-repeats.ts';

const said = (actor: string, action: string, subject: string, atMs: number) => ({ actor, action, subject, atMs });

test('the same in a row is one entry at its newest time; something between, another person or subject is not the same', () => {
  const entries = [
    said('ann', 'command.infer', 'gate', 9),
    said('ann', 'command.infer', 'gate', 8),
    said('ann', 'command.infer', 'gate', 7),
    said('ann', 'command.infer', 'dock', 6),
    said('bob', 'command.infer', 'dock', 5),
    said('ann', 'command.infer', 'gate', 4),
    said('ann', 'device.assign', 'gate', 3),
  ];
  expect(gatherRepeats(entries).map(({ entry, times }) => [entry.atMs, times])).toEqual([
    [9, 3],
    [6, 1],
    [5, 1],
    [4, 1],
    [3, 1],
  ]);
  expect(gatherRepeats([])).toEqual([]);
});
