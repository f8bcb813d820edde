import type { MetricJudgement, RolloutMetric } from '@starling/shared';
import { expect, test } from 'vitest';
import { inOrder } from './gate-order.ts';

const metric = (name: string, verdict: MetricJudgement['verdict'] | undefined): RolloutMetric =>
  ({ name, judgement: verdict === undefined ? null : { verdict } }) as RolloutMetric;

test('the gate that stopped a rollout stands first, then what needs a person, and what holds last', () => {
  const metrics = [
    metric('errors', 'successful'),
    metric('crashes', 'inconclusive'),
    metric('drift', 'running'),
    metric('energy', undefined),
    metric('latency', 'failed'),
    metric('cost', 'inconclusive'),
  ];
  expect(inOrder(metrics).map(({ name }) => name)).toEqual(['latency', 'energy', 'crashes', 'cost', 'drift', 'errors']);
});
