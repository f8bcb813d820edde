import type { Objective, ObjectiveGoal } from '@starling/shared';
import { bytesOf, compact, inWords, joulesOf } from '../format/quantity.ts';

export const goalWords: Record<ObjectiveGoal, string> = {
  latency: 'latency',
  energy: 'energy',
  memory: 'memory',
  size: 'size',
  cost: 'cost',
};

/** `Least energy; at most 1 point of accuracy lost; p95 under 80 ms` */
export function objectiveWords(objective: Objective): string {
  const { minimise, accuracyLossPointsMaximum: loss } = objective;
  return [
    `Least ${goalWords[minimise]}`,
    `at most ${compact(loss)} ${loss === 1 ? 'point' : 'points'} of accuracy lost`,
    objective.latencyMsP95Maximum !== undefined && `p95 under ${compact(objective.latencyMsP95Maximum)} ms`,
    objective.joulesPerInferenceMaximum !== undefined && `under ${inWords(joulesOf(objective.joulesPerInferenceMaximum))} an inference`,
    objective.memoryBytesMaximum !== undefined && `memory under ${inWords(bytesOf(objective.memoryBytesMaximum))}`,
    objective.sizeBytesMaximum !== undefined && `size under ${inWords(bytesOf(objective.sizeBytesMaximum))}`,
    objective.costPer1000Maximum !== undefined && `under $${compact(objective.costPer1000Maximum)} for 1,000 inferences`,
  ]
    .filter((part) => part !== false)
    .join('; ');
}
