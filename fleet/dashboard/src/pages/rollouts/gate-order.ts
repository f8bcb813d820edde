import type { MetricJudgement, RolloutMetric } from '@starling/shared';

type Verdict = MetricJudgement['verdict'];

const order: readonly Verdict[] = ['failed', 'error', 'inconclusive', 'running', 'not-measured', 'successful'];

/** What decides stands first, and what holds last; the others as they came. */
export function inOrder(metrics: readonly RolloutMetric[]): RolloutMetric[] {
  return metrics.toSorted((one, other) => order.indexOf(verdictOf(one)) - order.indexOf(verdictOf(other)));
}

/** What could not be measured has no judgement. */
export function verdictOf({ judgement }: Pick<RolloutMetric, 'judgement'>): Verdict {
  return judgement?.verdict ?? 'error';
}
