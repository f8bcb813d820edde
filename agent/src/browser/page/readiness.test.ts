import { expect, test } from 'vitest';
import { readinessOf } from './readiness.ts';

test('controls do something from when the agent is on its way here, and the page invites to what its pipeline takes', () => {
  for (const phase of ['measuring', 'enrolling', 'running'] as const) {
    expect(readinessOf(phase, false)).toEqual({ isReady: true, says: expect.stringContaining('camera') });
    expect(readinessOf(phase, true)).toEqual({ isReady: true, says: expect.stringContaining('microphone') });
  }
});

test('where they do nothing, the page says why instead', () => {
  const said = (['starting', 'other-tab', 'failed'] as const).map((phase) => readinessOf(phase, false));
  expect(said.map(({ isReady }) => isReady)).toEqual([false, false, false]);
  expect(said.map(({ says }) => says)).toEqual(['Starting…', expect.stringContaining('other tab'), expect.stringContaining('Nothing')]);
});
