import type { OperatorResult } from '@starling/shared';
import { expect, test } from 'vitest';
import { createFollowed } from './followed.ts';

const answer = (given: Partial<OperatorResult>): OperatorResult => ({ request: 'r', status: 'running', atMs: 1, ...given });

test('a command is followed until its last answer was sent', () => {
  const followed = createFollowed();
  expect(followed.mayBeOwn('one')).toBe(false);
  followed.add({ commands: ['one', 'other'], batches: [] });
  for (const status of ['queued', 'sent', 'accepted', 'progress'] as const) followed.said(answer({ status, command: 'one' }));
  expect(followed.mayBeOwn('one')).toBe(true);
  followed.said(answer({ status: 'done', command: 'one' }));
  expect(followed.mayBeOwn('one')).toBe(false);
  expect(followed.mayBeOwn('other')).toBe(true);
});

test('while one for many is under way any command may be a part of it, also once it is stopped, until the last device has ended', () => {
  const followed = createFollowed();
  followed.add({ commands: [], batches: ['many'] });
  followed.said(answer({ status: 'running', batch: 'many', counts: { done: 3, sent: 1 } }));
  expect(followed.mayBeOwn('part')).toBe(true);
  followed.said(answer({ status: 'stopped', batch: 'many', counts: { done: 3, waiting: 5, accepted: 1 } }));
  expect(followed.mayBeOwn('part')).toBe(true);
  followed.said(answer({ status: 'done', command: 'part' }));
  expect(followed.mayBeOwn('part')).toBe(true);
  followed.said(answer({ status: 'stopped', batch: 'many', counts: { done: 4, waiting: 5 } }));
  expect(followed.mayBeOwn('part')).toBe(false);
});
