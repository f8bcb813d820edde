import { StarlingError } from '@starling/shared';
import { expect, test } from 'vitest';
import type { Clock } from '../ports/clock.ts';
import { createLink, type LinkHandlers, type LinkPorts } from './link.ts';

test('a device that is told that the network is back tries at once, however long it was to wait', async () => {
  const timers = new Map<() => void, number>();
  const clock: Clock = {
    monotonicMs: () => 0,
    wallMs: () => 0,
    after(delayMs, run) {
      timers.set(run, delayMs);
      return () => void timers.delete(run);
    },
  };
  let tries = 0;
  const access = {
    async post(): Promise<never> {
      tries += 1;
      throw new StarlingError('unreachable', 'nobody answers', { retryable: true });
    },
    get: () => expect.unreachable(),
  };
  const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
  const link = createLink({
    ...{ clock, access, log, bootId: 'boot', key: { device: 'device' }, random: { number: () => 1 } },
    capabilities: async () => ({}),
  } as unknown as LinkPorts);
  link.retryNow();
  expect(link.state).toBe('idle');
  link.start({} as LinkHandlers);
  // Each try that fails is waited for longer than the one before.
  for (const expected of [1_000, 2_000, 4_000, 8_000]) {
    await expect.poll(() => [...timers.values()]).toEqual([expected]);
    const [run = expect.unreachable()] = timers.keys();
    timers.clear();
    run();
  }
  await expect.poll(() => link.state).toBe('waiting');
  const before = tries;
  link.retryNow();
  expect(timers.size).toBe(0);
  // What fails then is tried again soon, and not after twice as long as before.
  await expect.poll(() => [...timers.values()]).toEqual([1_000]);
  expect(tries).toBe(before + 1);
  await link.close();
  link.retryNow();
  expect(link.state).toBe('closed');
});
