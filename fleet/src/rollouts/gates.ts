import type { RolloutDetail, RolloutMetric } from '@starling/shared';

/** What analyses that go on for the whole of a rollout are kept under; those of steps under the step and when it began. */
export const WHOLE_ROLLOUT = 'all';

export function gateStepOf(step: number, startedAtMs: number): string {
  return `${step}@${startedAtMs}`;
}

/**
 * The gates of a rollout as a person sees them: with the step in words, and none that still looks undecided after its step, or the
 * rollout, has ended.
 */
export function gatesOf(rollout: RolloutDetail, metrics: readonly RolloutMetric[]): RolloutMetric[] {
  const present = presentStep(rollout, metrics);
  return metrics.map((metric) => {
    const where = whereOf(rollout, metric.step);
    const { judgement } = metric;
    const end = judgement?.verdict === 'running' ? endOf(rollout, metric.step, present) : undefined;
    if (judgement === null || end === undefined) return { ...metric, where };
    return {
      ...metric,
      where,
      judgement: { ...judgement, verdict: 'inconclusive', reason: `${judgement.reason}; ${end} before this was decided` },
    };
  });
}

function whereOf({ waves }: RolloutDetail, key: string): string {
  if (key === WHOLE_ROLLOUT) return 'the whole rollout';
  const step = Number.parseInt(key, 10);
  const name = waves[step]?.name;
  return name === undefined ? `step ${key}` : `step ${step + 1}, ${name}`;
}

/** Under what the step that it is in is judged: one that was begun again has a newer one than before. */
function presentStep({ state, step }: RolloutDetail, metrics: readonly RolloutMetric[]): string | undefined {
  if (state !== 'running' && state !== 'paused') return undefined;
  const begun = metrics.map((metric) => metric.step).filter((key) => key.startsWith(`${step}@`));
  return begun.toSorted((a, b) => Number(b.split('@')[1]) - Number(a.split('@')[1]))[0];
}

/** What has ended, so that nobody looks at the metric any more. */
function endOf({ state }: RolloutDetail, key: string, present: string | undefined): string | undefined {
  if (!['running', 'paused', 'following'].includes(state)) return 'the rollout ended';
  return key === WHOLE_ROLLOUT || key === present ? undefined : 'the step ended';
}
