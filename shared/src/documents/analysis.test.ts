import { describe, expect, test } from 'vitest';
import { analysisObjectiveSchema, analysisRefSchema, analysisSpecSchema, mergeAnalysis } from './analysis.ts';
import { type AnalysisMeasureName, limitOf } from './analysis-measures.ts';

describe('limits', () => {
  test.each<[AnalysisMeasureName, object, object]>([
    ['latency-p95', { atMost: '80 ms' }, { kind: 'fixed', value: 80, text: 'at most 80 ms' }],
    ['latency-p95', { atMost: '0.08s' }, { kind: 'fixed', value: 80 }],
    ['latency-p95', { atMost: 80 }, { kind: 'fixed', value: 80 }],
    ['latency-p95', { atMost: '1.1x' }, { kind: 'relative', factor: 1.1, slack: 0, text: 'at most 1.1 times the control' }],
    ['error-rate', { atMost: '0.5 %' }, { kind: 'fixed', value: 0.005, text: 'at most 0.5 %' }],
    [
      'error-rate',
      { noWorseThan: '5 %' },
      { kind: 'relative', factor: 1.05, slack: 0.002, text: 'no worse than the control by 5 %, and 0.2 % beyond' },
    ],
    ['energy-per-inference', { atMost: '200 mJ' }, { kind: 'fixed', value: 0.2 }],
    ['accuracy', { atLeast: '95%' }, { kind: 'fixed', value: 0.95, text: 'at least 95 %' }],
    ['accuracy', { noWorseThan: '2 %', slack: 0 }, { kind: 'relative', factor: 0.98, slack: 0 }],
    ['drift', { atMost: 0.25 }, { kind: 'fixed', value: 0.25 }],
  ])('%s %j', (measure, stated, expected) => {
    expect(limitOf({ measure, ...stated })).toMatchObject(expected);
  });

  test.each<[AnalysisMeasureName, object, string, RegExp]>([
    ['latency-p95', { atMost: '80 J' }, 'atMost', /"J" is no unit of "latency-p95": use ms or s/],
    ['latency-p95', { atLeast: '80 ms' }, 'atLeast', /less is better: give atMost/],
    ['accuracy', { atMost: '80 %' }, 'atMost', /more is better: give atLeast/],
    ['latency-p95', { atMost: 'soon' }, 'atMost', /"soon" is no limit/],
    ['latency-p95', { atMost: 0 }, 'atMost', /above 0/],
    ['error-rate', { atMost: 5 }, 'atMost', /more than all of them/],
    ['error-rate', { noWorseThan: '5' }, 'noWorseThan', /write it like "5 %"/],
    ['accuracy', { noWorseThan: '100 %' }, 'noWorseThan', /write it like "5 %"/],
    ['latency-p95', { atMost: '0x' }, 'atMost', /multiple of the control is above 0/],
  ])('%s %j is refused', (measure, stated, field, problem) => {
    expect(limitOf({ measure, ...stated })).toEqual({ field, problem: expect.stringMatching(problem) });
    const parsed = analysisObjectiveSchema.safeParse({ name: 'it', measure, ...stated });
    expect(parsed.error?.issues.map(({ path }) => path)).toEqual([[field]]);
  });
});

test('an objective says exactly one limit, and names a monitor for drift alone', () => {
  const fields = (value: object) =>
    analysisObjectiveSchema.safeParse({ name: 'it', measure: 'error-rate', ...value }).error?.issues.map(({ path }) => path.join('.'));
  expect(fields({})).toEqual(['atMost']);
  expect(fields({ atMost: '1 %', noWorseThan: '5 %' })).toEqual(['atMost']);
  expect(fields({ atMost: '1 %', monitor: 'light' })).toEqual(['monitor']);
  expect(fields({ atMost: '1 %', labels: { kept: 1 } })).toEqual(['labels']);
  expect(fields({ measure: 'accuracy', atLeast: '95 %', labels: { kept: 2 } })).toEqual(['labels.kept']);
});

test('an analysis needs an objective, and no two of one name', () => {
  const objective = { name: 'errors', measure: 'error-rate', atMost: '1 %' };
  expect(analysisSpecSchema.safeParse({ objectives: [] }).success).toBe(false);
  expect(analysisSpecSchema.safeParse({ objectives: [objective, objective] }).error?.issues[0]?.path).toEqual(['objectives']);
  expect(analysisRefSchema.safeParse({}).success).toBe(false);
  expect(analysisRefSchema.safeParse({ template: 'steady' }).success).toBe(true);
});

test('own words come before those of the template', () => {
  const errors = { name: 'errors', measure: 'error-rate' as const, atMost: '1 %' };
  const hook = { name: 'load-test', kind: 'rollout' as const, url: 'https://example.org/hook' };
  const template = analysisSpecSchema.parse({
    confidence: 0.9,
    objectives: [errors, { name: 'latency', measure: 'latency-p95', atMost: '1.1x' }],
    webhooks: [hook],
  });
  const merged = mergeAnalysis(
    template,
    analysisRefSchema.parse({ template: 'steady', objectives: [{ ...errors, atMost: '2 %' }], adjust: false }),
  );
  expect(merged).toMatchObject({ confidence: 0.9, adjust: false, control: 'auto', webhooks: [hook] });
  expect(merged.objectives.map(({ name, atMost }) => [name, atMost])).toEqual([
    ['latency', '1.1x'],
    ['errors', '2 %'],
  ]);
});
