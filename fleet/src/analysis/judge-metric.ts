import {
  type AnalysisLimit,
  type AnalysisMeasure,
  type AnalysisObjective,
  type AnalysisSpec,
  analysisMeasures,
  type IntervalEstimate,
  limitOf,
  type MetricJudgement,
  type MetricVerdict,
  StarlingError,
} from '@starling/shared';
import { type Comparison, contrastOf } from './contrast.ts';
import { intervalOf } from './estimates.ts';
import { type BoundSentence, boundSentence, fixedSentence, type Outcome } from './gate-sentences.ts';
import type { CohortFigures, SideMoments } from './moments.ts';

export interface MetricInput {
  objective: AnalysisObjective;
  control: AnalysisSpec['control'];
  adjust: boolean;
  /** Chance of this metric to be ever wrong. */
  alpha: number;
  /** What counts as the past is another release on the same devices at the same time. */
  isPaired?: boolean | undefined;
  /** Null where nothing that devices send says it. */
  figures: { candidate: CohortFigures; control: CohortFigures | null } | null;
  /** The step is over: what is not decided now will not be. */
  isFinal: boolean;
  nowMs: number;
}

/** One objective held against what was counted. Pure: from sums to a verdict with its reason. */
export function judgeMetric(input: MetricInput): MetricJudgement {
  const { objective, figures, isFinal, nowMs } = input;
  const measure = analysisMeasures[objective.measure];
  const limit = requireLimit(objective);
  const common = {
    ...{ name: objective.name, measure: objective.measure, gates: !objective.dryRun, limit: limit.text, measuredAtMs: nowMs },
    ...{ candidate: null, control: null, difference: null, plot: [], adjusted: false },
    basis: limit.kind === 'fixed' ? ('fixed' as const) : ('control' as const),
  };
  if (figures === null) {
    return { ...common, verdict: 'not-measured', reason: `devices send nothing that tells "${objective.measure}": ${measure.title}` };
  }
  const undecided: MetricVerdict = isFinal ? 'inconclusive' : 'running';
  // Two bases are two tests: where either may be used, each has half of the chance to be wrong.
  const alpha = limit.kind === 'relative' && input.control === 'auto' ? input.alpha / 2 : input.alpha;
  const candidate = intervalOf(
    measure,
    figures.candidate.now,
    figures.candidate.bins?.now,
    alpha,
    limit.kind === 'fixed' ? limit.value : 0,
  );
  const told = { ...common, candidate };
  const missing = shortOf(objective, measure, figures.candidate.now, 'the candidate');
  if (missing !== null || candidate === null) return { ...told, verdict: undecided, reason: missing ?? 'nothing was counted yet' };
  if (limit.kind === 'fixed') return { ...told, ...againstFixed(measure, limit, candidate, undecided) };

  const comparison = chooseComparison(input, measure, figures);
  if ('missing' in comparison) return { ...told, basis: comparison.basis, verdict: undecided, reason: comparison.missing };
  const { control } = comparison;
  const basis = control === null ? 'own-past' : 'control';
  const other =
    control === null
      ? { side: figures.candidate.past, bins: figures.candidate.bins?.past }
      : { side: control.now, bins: control.bins?.now };
  const reference = intervalOf(measure, other.side, other.bins, alpha);
  const contrast = contrastOf(measure, limit, comparison, alpha);
  const compared = { ...told, basis, adjusted: comparison.adjusted, control: reference } as const;
  if (contrast === null) return { ...compared, verdict: undecided, reason: 'there is nothing to compare with yet' };
  const difference = {
    estimate: contrast.estimate,
    low: contrast.low,
    high: contrast.high,
    samples: candidate.samples,
    devices: candidate.devices,
  };
  const found = { measure, limit, contrast, candidate, reference };
  return { ...compared, difference, ...againstBound(found, input.isPaired === true ? 'pair' : basis, undecided) };
}

/** Its schema has read the limit before. */
function requireLimit(objective: AnalysisObjective): AnalysisLimit {
  const limit = limitOf(objective);
  if ('problem' in limit)
    throw new StarlingError('bad-document', `objective "${objective.name}": ${limit.problem}`, { field: limit.field });
  return limit;
}

/** What a side lacks to be judged, in words; null if nothing. */
function shortOf(objective: AnalysisObjective, { kind }: AnalysisMeasure, side: SideMoments, who: string): string | null {
  const { measure, minimumDevices, minimumInferences } = objective;
  if (side.devices < minimumDevices) return `${who} has ${side.devices} of the ${minimumDevices} devices that a decision needs`;
  if (kind === 'quantile' || kind === 'share' || kind === 'mean') {
    if (side.b < minimumInferences)
      return `${who} has ${Math.round(side.b)} of the ${minimumInferences} ${measure === 'accuracy' ? 'outcomes' : 'inferences'} that a decision needs`;
  }
  return null;
}

function chooseComparison(
  { objective, control: wanted, adjust }: MetricInput,
  measure: AnalysisMeasure,
  figures: { candidate: CohortFigures; control: CohortFigures | null },
): Comparison | { missing: string; basis: 'control' | 'own-past' } {
  const { candidate, control } = figures;
  const short = (side: SideMoments, who: string): string | null => shortOf(objective, measure, side, who);
  const controlShort = control === null ? 'there are no devices to compare with' : short(control.now, 'the control');
  if (wanted !== 'own-past' && control !== null && controlShort === null) {
    const hasPast = ({ logs }: CohortFigures): boolean => (logs?.change.devices ?? 0) >= objective.minimumDevices;
    return { candidate, control, adjusted: adjust && hasPast(candidate) && hasPast(control) };
  }
  if (wanted === 'cohort') return { missing: controlShort ?? '', basis: 'control' };
  const pastShort = short(candidate.past, 'the past of the candidate');
  if (pastShort === null) return { candidate, control: null, adjusted: false };
  return {
    missing: wanted === 'auto' ? `${controlShort}, and ${pastShort}` : pastShort,
    basis: wanted === 'auto' ? 'control' : 'own-past',
  };
}

type Decision = Pick<MetricJudgement, 'verdict' | 'reason'>;

function decide(measure: AnalysisMeasure, low: number | null, high: number | null, bound: number): Outcome {
  const [from, to] = measure.better === 'lower' ? [low, high] : [high === null ? null : -high, low === null ? null : -low];
  const at = measure.better === 'lower' ? bound : -bound;
  if (from !== null && from > at) return 'bad';
  return to !== null && to <= at ? 'good' : 'open';
}

function againstFixed(
  measure: AnalysisMeasure,
  limit: Extract<AnalysisLimit, { kind: 'fixed' }>,
  candidate: IntervalEstimate,
  undecided: MetricVerdict,
): Decision {
  const outcome = decide(measure, candidate.low, candidate.high, limit.value);
  const isFinal = undecided === 'inconclusive';
  return { verdict: verdictOf(outcome, undecided), reason: fixedSentence(outcome, { measure, limit, candidate, isFinal }) };
}

function againstBound(
  compared: Omit<BoundSentence, 'isFinal' | 'whom'>,
  basis: 'control' | 'own-past' | 'pair',
  undecided: MetricVerdict,
): Decision {
  const { measure, contrast } = compared;
  const outcome = decide(measure, contrast.low, contrast.high, contrast.bound);
  const whom = { control: 'the control', 'own-past': 'what the same devices had before', pair: 'the champion on the same devices' }[basis];
  const reason = boundSentence(outcome, { ...compared, whom, isFinal: undecided === 'inconclusive' });
  return { verdict: verdictOf(outcome, undecided), reason };
}

function verdictOf(outcome: Outcome, undecided: MetricVerdict): MetricVerdict {
  return outcome === 'bad' ? 'failed' : outcome === 'good' ? 'successful' : undecided;
}
