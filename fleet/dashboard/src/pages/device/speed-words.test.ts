import { expect, test } from 'vitest';
import { speedWords } from './speed-words.ts';

test('a speed is told with what it was measured of, and nothing of nothing', () => {
  expect(speedWords({ items: 1_234, latencyMsP50: 41.2, latencyMsP95: 60 })).toBe(
    '41.2 ms through the whole pipeline (median of 1,234 in the last hour, p95 60 ms)',
  );
  expect(speedWords({ items: 1, latencyMsP50: 41.2, latencyMsP95: null })).toBe(
    '41.2 ms through the whole pipeline (median of 1 in the last hour)',
  );
  expect(speedWords({ items: 0, latencyMsP50: null, latencyMsP95: null })).toBe('nothing was read in the last hour');
});
