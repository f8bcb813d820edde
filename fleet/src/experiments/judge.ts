import {
  type ArmVerdict,
  type ExperimentSpec,
  goalOf,
  type IntervalEstimate,
  type MetricJudgement,
  type ShareTest,
} from '@starling/shared';
import { multinomialP } from '../analysis/index.ts';
import { type ArmSample, differenceOfArms, meanOfArm, type ValueKind } from './compare-arms.ts';
import { probabilityBest } from './posterior.ts';

/** What was counted of one arm. */
export interface ArmCounts {
  devices: number;
  items: number;
  failures: number;
  compared: number;
  agreed: number;
  rewards: { count: number; sum: number; squares: number };
}

export interface JudgedArm {
  errorRate: IntervalEstimate | null;
  agreement: IntervalEstimate | null;
  reward: IntervalEstimate | null;
  difference: IntervalEstimate | null;
  probabilityBest: number | null;
  verdict: ArmVerdict;
  reason: string;
}

export interface JudgeInput {
  spec: ExperimentSpec;
  /** The champion first. */
  arms: readonly ArmCounts[];
  /** Guards of each arm, in the same order. */
  guards: readonly (readonly MetricJudgement[])[];
}

/**
 * Every arm against the champion, in the goal. Pure: from counts to verdicts with their reasons. The chance to be ever wrong is shared by
 * the challengers (Bonferroni), half of it for guards where there are any.
 */
export function judgeArms({ spec, arms, guards }: JudgeInput): JudgedArm[] {
  const goal = goalOf(spec);
  const alpha = alphaOf(spec);
  const chances = spec.mode === 'bandit' ? chancesOf(spec, arms) : null;
  return arms.map((counts, arm): JudgedArm => {
    const intervals = intervalsOf(counts, spec, alpha);
    const known = { ...intervals, probabilityBest: chances?.[arm] ?? null };
    const champion = arms[0];
    if (arm === 0 || champion === undefined)
      return { ...known, difference: null, verdict: 'champion', reason: 'what the others are held against' };
    const failed = guards[arm]?.find(({ gates, verdict }) => gates && verdict === 'failed');
    const difference =
      goal.measure === 'agreement' ? agreementOver(intervals.agreement, goal.atLeast) : differenceIn(spec, counts, champion, alpha);
    const judged = verdictOf(spec, counts, champion, difference);
    if (failed !== undefined) return { ...known, difference, verdict: 'harmful', reason: `${failed.name}: ${failed.reason}` };
    return { ...known, difference, ...judged };
  });
}

/** The chance that the verdict on one challenger is ever wrong. */
export function alphaOf({ confidence, challengers, guards }: Pick<ExperimentSpec, 'confidence' | 'challengers' | 'guards'>): number {
  return (1 - confidence) / challengers.length / (guards === undefined ? 1 : 2);
}

function kindOf(spec: ExperimentSpec): ValueKind {
  const { measure, values } = goalOf(spec);
  return measure === 'reward' ? values : 'binary';
}

function sampleOf({ devices, items, failures, compared, agreed, rewards }: ArmCounts, measure: string): ArmSample {
  if (measure === 'reward') return { ...rewards, devices };
  if (measure === 'agreement') return { count: compared, sum: agreed, squares: agreed, devices };
  return { count: items, sum: failures, squares: failures, devices };
}

function intervalsOf(counts: ArmCounts, spec: ExperimentSpec, alpha: number): Pick<JudgedArm, 'errorRate' | 'agreement' | 'reward'> {
  const plan = spec.stop.minimumPerArm;
  const of = (measure: string, kind: ValueKind): IntervalEstimate | null => meanOfArm(sampleOf(counts, measure), kind, alpha, plan);
  return { errorRate: of('error-rate', 'binary'), agreement: of('agreement', 'binary'), reward: of('reward', spec.goal.values) };
}

function differenceIn(spec: ExperimentSpec, challenger: ArmCounts, champion: ArmCounts, alpha: number): IntervalEstimate | null {
  const { measure } = goalOf(spec);
  return differenceOfArms(sampleOf(challenger, measure), sampleOf(champion, measure), {
    ...{ kind: kindOf(spec), isAdaptive: spec.mode === 'bandit', alpha, plan: spec.stop.minimumPerArm },
  });
}

function agreementOver(agreement: IntervalEstimate | null, atLeast: number | undefined): IntervalEstimate | null {
  if (agreement === null || atLeast === undefined) return null;
  const less = (value: number | null): number | null => (value === null ? null : value - atLeast);
  return { ...agreement, estimate: less(agreement.estimate), low: less(agreement.low), high: less(agreement.high) };
}

function chancesOf(spec: ExperimentSpec, arms: readonly ArmCounts[]): number[] | null {
  const { values, better } = goalOf(spec);
  if (arms.some(({ rewards }) => rewards.count < (values === 'binary' ? 1 : 2))) return null;
  return probabilityBest(
    arms.map(({ rewards }) => rewards),
    values,
    better,
  );
}

type Verdict = Pick<JudgedArm, 'verdict' | 'reason'>;

function verdictOf(spec: ExperimentSpec, challenger: ArmCounts, champion: ArmCounts, difference: IntervalEstimate | null): Verdict {
  const { measure, better, margin, atLeast } = goalOf(spec);
  const isReward = measure === 'reward';
  const own = sampleOf(challenger, measure).count;
  const others = measure === 'agreement' ? own : sampleOf(champion, measure).count;
  const what = isReward ? 'outcomes' : measure === 'agreement' ? 'compared copies' : 'items';
  const minimum = spec.stop.minimumPerArm;
  if (own < minimum) return { verdict: 'undecided', reason: `${own} of the ${minimum} ${what} that a verdict needs` };
  if (others < minimum)
    return { verdict: 'undecided', reason: `the champion has ${others} of the ${minimum} ${what} that a verdict needs` };
  if (measure === 'agreement' && atLeast === undefined)
    return { verdict: 'undecided', reason: 'no share of agreement is asked for: add "goal: {atLeast: 0.98}"' };
  if (difference === null || difference.low === null || difference.high === null)
    return { verdict: 'undecided', reason: 'too little is known to give an interval' };
  const isPercent = !isReward || goalOf(spec).values === 'binary';
  const text = `between ${valueText(difference.low, isPercent)} and ${valueText(difference.high, isPercent)}`;
  if (measure === 'agreement') return agreementVerdict(difference, atLeast ?? 0, text);
  const [low, high] = better === 'higher' ? [difference.low, difference.high] : [-difference.high, -difference.low];
  const says = `its ${isReward ? 'reward' : 'error rate'} differs from that of the champion by ${text}`;
  if (low > margin) return { verdict: 'better', reason: `${says}: surely better` };
  if (high < -margin) return { verdict: 'worse', reason: `${says}: surely worse` };
  if (margin > 0 && low >= -margin && high <= margin)
    return { verdict: 'no-difference', reason: `${says}: less than the margin of ${valueText(margin, isPercent)}` };
  return { verdict: 'undecided', reason: `${says}: no difference is shown yet` };
}

function agreementVerdict({ low, high }: IntervalEstimate, atLeast: number, text: string): Verdict {
  const says = `it agrees on a share that is off the wanted ${valueText(atLeast, true)} by ${text}`;
  if ((low ?? -1) >= 0) return { verdict: 'no-difference', reason: `${says}: surely enough` };
  if ((high ?? 1) < 0) return { verdict: 'worse', reason: `${says}: surely too little` };
  return { verdict: 'undecided', reason: `${says}: neither shown nor refuted` };
}

function valueText(value: number, isPercent: boolean): string {
  const shown = Number((isPercent ? value * 100 : value).toPrecision(3));
  return isPercent ? `${shown} %` : String(shown);
}

/** Below it items went other ways than they should: nothing that was counted can be trusted. As small as that of rollouts. */
const MISMATCH_P = 0.005;

/**
 * Whether the arms got their shares. Only of items that were each sent by their own hash, with shares that never changed: streams come in lumps,
 * and shares of a bandit move.
 * @param shares of all arms, the champion first
 */
export function testShares(
  spec: Pick<ExperimentSpec, 'mode' | 'key'>,
  shares: readonly number[],
  arms: readonly Pick<ArmCounts, 'items'>[],
): ShareTest | null {
  const total = arms.reduce((sum, { items }) => sum + items, 0);
  if (spec.mode !== 'split' || spec.key !== 'item' || total === 0) return null;
  const p = multinomialP(
    arms.map(({ items }) => items),
    shares,
  );
  return { expected: [...shares], seen: arms.map(({ items }) => items / total), p, mismatch: p < MISMATCH_P };
}
