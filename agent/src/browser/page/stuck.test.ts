import { expect, test } from 'vitest';
import { createStuckWatch } from './stuck.ts';

const MINUTE_MS = 60_000;

test('a start that does not go on is told after a while, and no more when it does', () => {
  const look = createStuckWatch();
  expect(look('starting', 0)).toBeUndefined();
  expect(look('enrolling', MINUTE_MS)).toBeUndefined();
  // Counted from the last step that was taken.
  expect(look('enrolling', 3.5 * MINUTE_MS)).toBeUndefined();
  expect(look('enrolling', 4 * MINUTE_MS)).toMatchObject({ text: expect.stringContaining('stopped answering') });
  expect(look('running', 4.1 * MINUTE_MS)).toBeUndefined();
});

test('what may last is not told', () => {
  const look = createStuckWatch();
  for (const phase of ['other-tab', 'running', 'failed', 'closed'] as const) {
    look(phase, 0);
    expect(look(phase, 100 * MINUTE_MS)).toBeUndefined();
  }
});
