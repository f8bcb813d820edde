import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createRenewals } from './renewals.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Readings that take a while each. */
function slowReadings(tookMs: number) {
  const begun: string[][] = [];
  let open = 0;
  let openAtMost = 0;
  const renewals = createRenewals<'device'>(
    () => 300,
    async (_type, ids) => {
      begun.push([...ids]);
      open += 1;
      openAtMost = Math.max(openAtMost, open);
      await new Promise((resolve) => setTimeout(resolve, tookMs));
      open -= 1;
    },
  );
  return { renewals, begun, openAtMost: () => openAtMost };
}

test('events of one moment are one reading', async () => {
  const { renewals, begun } = slowReadings(10);
  renewals.add('device', 'a');
  renewals.add('device', 'b');
  renewals.add('device', 'a');
  await vi.advanceTimersByTimeAsync(1000);
  expect(begun).toEqual([['a', 'b']]);
});

test('a stream of events faster than the fleet answers never breaks a reading off', async () => {
  const { renewals, begun, openAtMost } = slowReadings(900);
  for (let at = 0; at < 6000; at += 100) {
    renewals.add('device', 'a');
    await vi.advanceTimersByTimeAsync(100);
  }
  expect(openAtMost()).toBe(1);
  expect(begun.length).toBeGreaterThanOrEqual(4);
});

test('what happens while a reading is under way is read once more, and nothing after that', async () => {
  const { renewals, begun } = slowReadings(500);
  renewals.add('device', 'a');
  await vi.advanceTimersByTimeAsync(400);
  renewals.add('device', 'b');
  await vi.advanceTimersByTimeAsync(5000);
  expect(begun).toEqual([['a'], ['b']]);
});

test('a reading that failed is no end', async () => {
  let count = 0;
  const renewals = createRenewals<'device'>(
    () => 300,
    () => {
      count += 1;
      return Promise.reject(new Error('away'));
    },
  );
  renewals.add('device', 'a');
  await vi.advanceTimersByTimeAsync(400);
  renewals.add('device', 'a');
  await vi.advanceTimersByTimeAsync(400);
  expect(count).toBe(2);
});

test('stopped, it reads nothing more', async () => {
  const { renewals, begun } = slowReadings(10);
  renewals.add('device', 'a');
  renewals.stop();
  await vi.advanceTimersByTimeAsync(1000);
  expect(begun).toEqual([]);
});
