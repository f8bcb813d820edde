import { type AnalysisMeasureName, analysisMeasures, analysisObjectiveSchema, type MetricJudgement } from '@starling/shared';
import { expect, test } from 'vitest';
import { type DeviceRollUps, figuresOfDevices, judgeMetric, sourceOf } from './index.ts';

const bins = (atBin: number, count: number): number[] => Array.from({ length: 146 }, (_, bin) => (bin === atBin ? count : 0));

interface Made {
  bin?: number;
  items?: number;
  failures?: number;
  joules?: number;
  psi?: number;
  crashed?: boolean;
}

function rowsOf({ bin = 40, items = 200, failures = 0, joules = items * 0.1, psi = 0.1, crashed = false }: Made): DeviceRollUps['now'] {
  return [
    { kind: 'inference', subject: 'read-signs', count: items, hits: failures, total: items * 10, bins: bins(bin, items - failures) },
    { kind: 'energy', subject: '', count: items, hits: 0, total: joules, bins: null },
    { kind: 'drift', subject: 'read-signs/light', count: 10, hits: 0, total: 10 * psi, bins: null },
    ...(crashed ? [{ kind: 'event' as const, subject: 'host-crashed', count: 2, hits: 0, total: 0, bins: null }] : []),
  ];
}

const cohort = (count: number, made: (index: number) => { now?: Made; past?: Made | null }): DeviceRollUps[] =>
  Array.from({ length: count }, (_, index) => {
    const { now = {}, past = {} } = made(index);
    return { now: rowsOf(now), past: past === null ? [] : rowsOf(past) };
  });

function judge(
  measure: AnalysisMeasureName,
  limit: object,
  candidate: DeviceRollUps[],
  control: DeviceRollUps[] | null,
  isFinal = false,
): MetricJudgement {
  const source = sourceOf(measure);
  const objective = analysisObjectiveSchema.parse({ name: 'it', measure, ...limit });
  const of = (devices: DeviceRollUps[]) => figuresOfDevices(devices, analysisMeasures[measure], source as NonNullable<typeof source>);
  return judgeMetric({
    ...{ objective, control: 'auto', adjust: true, alpha: 0.05, isFinal, nowMs: 1_000_000 },
    figures: source === null ? null : { candidate: of(candidate), control: control === null ? null : of(control) },
  });
}

const spread = (index: number): number => 38 + (index % 5);

test('a release that is as fast as the control is successful, one that is two bins slower fails', () => {
  const control = cohort(60, (index) => ({ now: { bin: spread(index) }, past: { bin: spread(index) } }));
  const same = judge('latency-p95', { atMost: '1.1x' }, control, control);
  expect(same).toMatchObject({ verdict: 'successful', basis: 'control', adjusted: true, gates: true });
  const slower = cohort(60, (index) => ({ now: { bin: spread(index) + 2 }, past: { bin: spread(index) } }));
  const failed = judge('latency-p95', { atMost: '1.1x' }, slower, control);
  expect(failed.verdict).toBe('failed');
  expect(failed.difference?.low).toBeGreaterThan(1.1);
  expect(failed.reason).toMatch(
    /^latency at the 95th percentile is ([0-9.]+ % to )?[0-9.]+ % higher than the control: surely more than 10 % worse than the control$/,
  );
});

test('reasons are plain sentences: what was found, and what follows from it', () => {
  const control = cohort(60, (index) => ({ now: { bin: spread(index) }, past: { bin: spread(index) } }));
  const past = cohort(60, (index) => ({ now: { bin: spread(index) + 3 }, past: { bin: spread(index) } }));
  const slower = judge('latency-p95', { noWorseThan: '15 %' }, past, null).reason;
  expect(slower).toMatch(
    /^latency .* % higher than what the same devices had before: surely more than 15 % worse than what the same devices had before$/,
  );
  expect(judge('latency-p95', { noWorseThan: '15 %' }, control, control).reason).toMatch(/: at most 15 % worse than the control$/);
  const good = cohort(200, () => ({ now: { items: 5000, failures: 0 } }));
  const bad = cohort(200, () => ({ now: { failures: 12 } }));
  expect(judge('error-rate', { atMost: '1 %' }, bad, null).reason).toMatch(
    /^share of items that failed is between [0-9.]+ % and [0-9.]+ %: surely more than 1 %$/,
  );
  expect(judge('error-rate', { atMost: '1 %' }, good, null).reason).toMatch(
    /^share of items that failed is (at most [0-9.]+ %|below 0.01 %): at most 1 %$/,
  );
  expect(judge('error-rate', { noWorseThan: '5 %' }, bad, good).reason).toMatch(
    /^share of items that failed is 6 %, against (0 %|below 0.01 %) of the control, past the limit by [0-9.]+ % to [0-9.]+ %: surely more than 5 % worse than the control, even with 0.2 % allowed on top$/,
  );
  const two = cohort(200, (index) => ({ now: { failures: index < 2 ? 190 : 1 } }));
  expect(judge('error-rate', { atMost: '1 %' }, two, null).reason).toMatch(/: whether it is at most 1 % is not clear yet$/);
  expect(judge('error-rate', { atMost: '1 %' }, two, null, true).reason).toMatch(/: whether it is at most 1 % has not become clear$/);
});

test('slow and fast hardware in one fleet hide nothing: each device is held against its own past', () => {
  const mixed = (index: number): number => [20, 45, 70][index % 3] as number;
  const control = cohort(45, (index) => ({ now: { bin: mixed(index) }, past: { bin: mixed(index) } }));
  const slower = cohort(45, (index) => ({ now: { bin: mixed(index) + 2 }, past: { bin: mixed(index) } }));
  expect(judge('latency-p50', { noWorseThan: '5 %' }, slower, control).verdict).toBe('failed');
});

test('without devices to compare with, the own past is the control, and is called that', () => {
  const slower = cohort(40, (index) => ({ now: { bin: spread(index) + 2 }, past: { bin: spread(index) } }));
  expect(judge('latency-p95', { atMost: '1.1x' }, slower, null)).toMatchObject({ verdict: 'failed', basis: 'own-past' });
  const fresh = cohort(40, () => ({ past: null }));
  expect(judge('latency-p95', { atMost: '1.1x' }, fresh, null)).toMatchObject({ verdict: 'running' });
});

test('nothing is decided before there are enough devices and inferences, and at the end that is inconclusive', () => {
  const few = cohort(5, () => ({ now: { failures: 100 } }));
  expect(judge('error-rate', { atMost: '1 %' }, few, null)).toMatchObject({
    verdict: 'running',
    reason: 'the candidate has 5 of the 10 devices that a decision needs',
  });
  expect(judge('error-rate', { atMost: '1 %' }, few, null, true).verdict).toBe('inconclusive');
  const rare = cohort(20, () => ({ now: { items: 3 } }));
  expect(judge('error-rate', { atMost: '1 %' }, rare, null).reason).toBe(
    'the candidate has 60 of the 1000 inferences that a decision needs',
  );
});

test('a share of failures is told from its limit on either side, by devices and not by their inferences', () => {
  const good = cohort(200, () => ({ now: { failures: 0 } }));
  expect(judge('error-rate', { atMost: '1 %' }, good, null).verdict).toBe('successful');
  const bad = cohort(200, () => ({ now: { failures: 12 } }));
  expect(judge('error-rate', { atMost: '1 %' }, bad, null).verdict).toBe('failed');
  // As many failures, of two devices alone: two are no evidence on all devices.
  const two = cohort(200, (index) => ({ now: { failures: index < 2 ? 190 : 1 } }));
  expect(judge('error-rate', { atMost: '1 %' }, two, null)).toMatchObject({ verdict: 'running' });
});

test('no failures on either side meet a limit that is relative to the control', () => {
  const none = cohort(200, () => ({}));
  expect(judge('error-rate', { noWorseThan: '5 %' }, none, none).verdict).toBe('successful');
  const some = cohort(200, () => ({ now: { failures: 8 } }));
  expect(judge('error-rate', { noWorseThan: '5 %' }, some, none).verdict).toBe('failed');
});

test('crashes are counted by device', () => {
  const crashing = cohort(60, (index) => ({ now: { crashed: index % 3 === 0 } }));
  expect(judge('crash-rate', { atMost: '5 %' }, crashing, null)).toMatchObject({ verdict: 'failed', candidate: { samples: 60 } });
  expect(
    judge(
      'crash-rate',
      { atMost: '20 %' },
      cohort(60, () => ({})),
      null,
    ).verdict,
  ).toBe('successful');
});

test('energy and drift', () => {
  const usual = cohort(60, (index) => ({
    now: { joules: 20 + (index % 5), psi: 0.1 + (index % 3) / 100 },
    past: { joules: 20 + (index % 5) },
  }));
  const hungry = cohort(60, (index) => ({
    now: { joules: 30 + (index % 7), psi: 0.4 + (index % 3) / 100 },
    past: { joules: 20 + (index % 5) },
  }));
  expect(judge('energy-per-inference', { atMost: '1.2x' }, hungry, usual).verdict).toBe('failed');
  expect(judge('energy-per-inference', { atMost: '0.2 J' }, usual, usual).verdict).toBe('successful');
  expect(judge('drift', { atMost: 0.25 }, hungry, usual).verdict).toBe('failed');
  expect(judge('drift', { atMost: '1.5x' }, usual, usual).verdict).toBe('successful');
});

test('what nothing measures is said to be so, and does not pass for good', () => {
  expect(judge('agreement', { atLeast: '95 %' }, [], null)).toMatchObject({ verdict: 'not-measured', candidate: null });
});
