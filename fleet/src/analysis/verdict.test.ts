import type { MetricJudgement, MetricVerdict } from '@starling/shared';
import { expect, test } from 'vitest';
import { sampleRatioOf, verdictOf } from './index.ts';

const metric = (verdict: MetricVerdict, gates = true): MetricJudgement => ({
  ...{ name: verdict, measure: 'error-rate', verdict, gates, candidate: null, control: null, difference: null, limit: '', basis: 'fixed' },
  ...{ adjusted: false, reason: 'so it is', measuredAtMs: 0, plot: [] },
});

test.each<[MetricVerdict[], boolean, string]>([
  [['successful', 'successful'], false, 'successful'],
  [['successful', 'failed', 'running'], false, 'failed'],
  [['successful', 'running'], false, 'running'],
  [['successful', 'running'], true, 'inconclusive'],
  [['error', 'successful'], false, 'inconclusive'],
  [['error', 'failed'], false, 'failed'],
  [['not-measured', 'successful'], false, 'inconclusive'],
  [[], false, 'successful'],
])('%j (at the end: %s) is %s', (verdicts, isFinal, expected) => {
  expect(
    verdictOf(
      verdicts.map((verdict) => metric(verdict)),
      null,
      isFinal,
    ).verdict,
  ).toBe(expected);
});

test('a dry run has no say', () => {
  expect(verdictOf([metric('failed', false), metric('successful')], null, true).verdict).toBe('successful');
});

test('devices that are missing on one side make it inconclusive, even where all that was measured is good', () => {
  const even = sampleRatioOf({ candidate: { devices: 100, seen: 97 }, control: { devices: 900, seen: 880 } });
  expect(even).toMatchObject({ expected: 0.1, mismatch: false });
  const silent = sampleRatioOf({ candidate: { devices: 100, seen: 80 }, control: { devices: 900, seen: 880 } });
  expect(silent).toMatchObject({ mismatch: true });
  expect(verdictOf([metric('successful')], silent, false)).toMatchObject({
    verdict: 'inconclusive',
    reason: expect.stringMatching(/^10.0 % of the devices/),
  });
  expect(verdictOf([metric('failed')], silent, false).verdict).toBe('failed');
  expect(sampleRatioOf({ candidate: { devices: 0, seen: 0 }, control: { devices: 9, seen: 9 } })).toBeNull();
});
