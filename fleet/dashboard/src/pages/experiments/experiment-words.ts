import type { ArmVerdict, ExperimentArm, ExperimentMeasure, ExperimentMode, ExperimentState, IntervalEstimate } from '@starling/shared';
import { compact } from '../../format/quantity.ts';
import type { Tone } from '../../parts/tag.tsx';

export const experimentTones: Record<ExperimentState, Tone> = {
  draft: 'idle',
  running: 'busy',
  paused: 'warn',
  concluded: 'good',
  stopped: 'bad',
  promoted: 'good',
};

export const verdictTones: Record<ArmVerdict, Tone> = {
  champion: 'idle',
  better: 'good',
  'no-difference': 'idle',
  undecided: 'busy',
  worse: 'bad',
  harmful: 'bad',
};

export const modeWords: Record<ExperimentMode, string> = {
  split: 'Challengers answer a share of the items.',
  shadow: 'Challengers get copies, and what they give goes nowhere.',
  bandit: 'Shares follow what is rewarded.',
};

export const measureWords: Record<ExperimentMeasure, string> = {
  reward: 'outcome',
  'error-rate': 'error rate',
  agreement: 'agreement',
};

/** The interval that the goal is about. */
export function goalInterval(arm: ExperimentArm, measure: ExperimentMeasure): IntervalEstimate | null {
  return measure === 'reward' ? arm.reward : measure === 'agreement' ? arm.agreement : arm.errorRate;
}

export function percentWords(share: number): string {
  return `${compact(share * 100)} %`;
}

/** An estimate with its interval; what is open is said so. */
export function intervalWords(interval: IntervalEstimate | null, isPercent: boolean): string {
  if (interval === null || interval.estimate === null) return '–';
  const word = (value: number | null): string => (value === null ? 'open' : isPercent ? percentWords(value) : compact(value));
  return `${word(interval.estimate)} (${word(interval.low)} to ${word(interval.high)})`;
}
