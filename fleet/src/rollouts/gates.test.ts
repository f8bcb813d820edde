import type { MetricVerdict, RolloutDetail, RolloutMetric, RolloutState } from '@starling/shared';
import { expect, test } from 'vitest';
import { gatesOf } from './gates.ts';

const waves = ['canary', 'analyse', '100 %'].map((name, step) => ({ step, name }));
const rollout = (state: RolloutState, step: number): RolloutDetail => ({ state, step, waves }) as RolloutDetail;
const metric = (step: string, verdict: MetricVerdict): RolloutMetric =>
  ({ step, name: 'latency', measuredAtMs: 1, error: null, judgement: { verdict, reason: 'it is not clear yet' } }) as RolloutMetric;
const seen = (of: RolloutDetail, ...metrics: RolloutMetric[]): (string | undefined)[][] =>
  gatesOf(of, metrics).map(({ where, judgement }) => [where, judgement?.verdict, judgement?.reason]);

test('a gate is undecided for as long as somebody looks at it, and never longer', () => {
  const step = metric('1@5', 'running');
  const whole = metric('all', 'running');
  expect(seen(rollout('running', 1), step, whole)).toEqual([
    ['step 2, analyse', 'running', 'it is not clear yet'],
    ['the whole rollout', 'running', 'it is not clear yet'],
  ]);
  expect(seen(rollout('running', 2), step, whole)).toEqual([
    ['step 2, analyse', 'inconclusive', 'it is not clear yet; the step ended before this was decided'],
    ['the whole rollout', 'running', 'it is not clear yet'],
  ]);
  for (const state of ['aborting', 'rolled-back', 'succeeded', 'stopped'] as const) {
    expect(seen(rollout(state, 1), step, whole).map(([, verdict]) => verdict)).toEqual(['inconclusive', 'inconclusive']);
  }
});

test('of a step that was begun again the newer looks are those of now; what was decided stays', () => {
  expect(seen(rollout('running', 1), metric('1@5', 'running'), metric('1@40', 'running')).map(([, verdict]) => verdict)).toEqual([
    'inconclusive',
    'running',
  ]);
  expect(seen(rollout('rolled-back', 1), metric('1@5', 'failed'))).toEqual([['step 2, analyse', 'failed', 'it is not clear yet']]);
});
