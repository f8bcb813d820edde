import { expect, test } from 'vitest';
import { INSTALL_ATTEMPTS_MAXIMUM, installRetryMs } from './install-retry.ts';

test('tries become rarer, and end', () => {
  const delays = Array.from({ length: INSTALL_ATTEMPTS_MAXIMUM - 1 }, (_, index) => installRetryMs(index + 1) ?? Number.NaN);
  expect(delays).toEqual(delays.toSorted((left, right) => left - right));
  expect(installRetryMs(INSTALL_ATTEMPTS_MAXIMUM)).toBeUndefined();
});
