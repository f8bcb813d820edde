import { durationMs, type RolloutSpec, type RolloutStep, type RolloutWave } from '@starling/shared';

/** A step as it is carried out. */
export interface PlannedStep {
  kind: RolloutWave['kind'];
  name: string;
  step: RolloutStep;
}

/** The steps of a rollout as they are carried out: canary first, and in the end everybody. */
export function planSteps({ canary, steps }: Pick<RolloutSpec, 'canary' | 'steps'>): PlannedStep[] {
  const [first] = steps;
  const hasCanary = first !== undefined && 'setCount' in first && first.setCount <= canary.count;
  const before: RolloutStep[] = canary.count === 0 || hasCanary ? [] : [{ setCount: canary.count, name: 'canary' }];
  const reachesAll = steps.some((step) => 'setPercent' in step && step.setPercent >= 100);
  const after: RolloutStep[] = reachesAll ? [] : [{ setPercent: 100 }];
  return [...before, ...steps, ...after].map((step) => ({ kind: kindOf(step), name: step.name ?? nameOf(step), step }));
}

export function kindOf(step: RolloutStep): PlannedStep['kind'] {
  if ('setPercent' in step) return 'setPercent';
  if ('setCount' in step) return 'setCount';
  if ('setLabel' in step) return 'setLabel';
  if ('pause' in step) return 'pause';
  return 'analyse' in step ? 'analyse' : 'approve';
}

function nameOf(step: RolloutStep): string {
  if ('setPercent' in step) return `${step.setPercent} %`;
  if ('setCount' in step) return step.setCount === 1 ? '1 device' : `${step.setCount} devices`;
  if ('setLabel' in step)
    return Object.entries(step.setLabel)
      .map(([label, value]) => `${label} = ${value}`)
      .join(', ');
  if ('pause' in step) return step.pause.for === undefined ? 'wait for a person' : `wait ${step.pause.for}`;
  if ('analyse' in step) return typeof step.analyse === 'string' ? `analyse ${step.analyse}` : 'analyse';
  return step.approve === 1 ? 'approval' : `${step.approve} approvals`;
}

/** Targets that may have been started by the end of a step; undefined where a step does not say. */
export function quotaOf(step: RolloutStep, total: number): number | undefined {
  if ('setPercent' in step) return Math.max(0, Math.min(total, Math.ceil((total * step.setPercent) / 100 - 1e-9)));
  if ('setCount' in step) return Math.min(total, step.setCount);
  return undefined;
}

/** What is wrong with the order of steps: each as a field and a sentence. */
export function problemsOfSteps({ steps }: Pick<RolloutSpec, 'steps'>): { field: string; message: string; hint: string }[] {
  const problems: { field: string; message: string; hint: string }[] = [];
  let percent = 0;
  let count = 0;
  for (const [index, step] of steps.entries()) {
    const field = `steps.${index}`;
    if (percent >= 100 && ('setPercent' in step || 'setCount' in step || 'setLabel' in step)) {
      problems.push({ field, message: 'every device was reached before', hint: 'remove it, or put it before the step to 100 %' });
    }
    if ('setPercent' in step) {
      if (step.setPercent <= percent && percent < 100) {
        problems.push({ field: `${field}.setPercent`, message: `is not more than the ${percent} % before`, hint: 'steps only go up' });
      }
      percent = Math.max(percent, step.setPercent);
    }
    if ('setCount' in step) {
      if (step.setCount <= count)
        problems.push({ field: `${field}.setCount`, message: `is not more than the ${count} before`, hint: 'steps only go up' });
      count = Math.max(count, step.setCount);
    }
  }
  return problems;
}

/** The least that the waiting of its steps takes; null where people have to act. */
export function leastWaitingMs(steps: readonly PlannedStep[]): { ms: number; people: boolean } {
  let ms = 0;
  let people = false;
  for (const { step } of steps) {
    if ('pause' in step && step.pause.for !== undefined) ms += durationMs(step.pause.for);
    if ('analyse' in step) ms += durationMs(step.for);
    if ('approve' in step || ('pause' in step && step.pause.for === undefined)) people = true;
  }
  return { ms, people };
}
