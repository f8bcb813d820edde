import { type AnalysisLimit, type AnalysisMeasure, formatMeasure, type IntervalEstimate } from '@starling/shared';
import type { Contrast } from './contrast.ts';

/** Whether a measure is surely within its limit, surely past it, or neither. */
export type Outcome = 'good' | 'bad' | 'open';

interface FixedSentence {
  measure: AnalysisMeasure;
  limit: Extract<AnalysisLimit, { kind: 'fixed' }>;
  candidate: IntervalEstimate;
  isFinal: boolean;
}

/** Why a measure keeps a value or not, in one sentence. */
export function fixedSentence(outcome: Outcome, { measure, limit, candidate, isFinal }: FixedSentence): string {
  const { title, better } = measure;
  const says = `${title} is ${rangeWords(candidate, measure)}`;
  const value = limit.text.replace(/^at (most|least) /, '');
  return `${says}: ${conclusion(outcome, limit.text, `${better === 'lower' ? 'more' : 'less'} than ${value}`, isFinal)}`;
}

export interface BoundSentence {
  measure: AnalysisMeasure;
  limit: Extract<AnalysisLimit, { kind: 'relative' }>;
  contrast: Contrast;
  candidate: IntervalEstimate;
  reference: IntervalEstimate | null;
  /** What the candidate is held against, in words. */
  whom: string;
  isFinal: boolean;
}

/** Why a measure keeps to what others have or not, in one sentence. */
export function boundSentence(outcome: Outcome, sentence: BoundSentence): string {
  const { measure, limit, contrast, whom, isFinal } = sentence;
  const says = contrast.kind === 'ratio' ? `${measure.title} is ${changeWords(contrast)} ${whom}` : excessWords(sentence);
  const onTop = limit.slack === 0 ? '' : ` ${formatMeasure(limit.slack, measure)} allowed on top`;
  const kept = `${keptWords(limit.factor, measure, whom)}${onTop === '' ? '' : `, with${onTop}`}`;
  const broken = `${brokenWords(limit.factor, measure, whom)}${onTop === '' ? '' : `, even with${onTop}`}`;
  return `${says}: ${conclusion(outcome, kept, broken, isFinal)}`;
}

function conclusion(outcome: Outcome, kept: string, broken: string, isFinal: boolean): string {
  if (outcome === 'bad') return `surely ${broken}`;
  if (outcome === 'good') return kept;
  return `whether it is ${kept} ${isFinal ? 'has not become clear' : 'is not clear yet'}`;
}

/** Beyond twice or below half people think in multiples. */
const asShare = (factor: number): boolean => factor >= 0.5 && factor <= 2;
const percentWords = (share: number): string => formatMeasure(share, { unit: '%' } as AnalysisMeasure);

function keptWords(factor: number, { better }: AnalysisMeasure, whom: string): string {
  if (!asShare(factor)) return `${better === 'lower' ? 'at most' : 'at least'} ${digits(factor)} times ${whom}`;
  const worse = better === 'lower' ? factor - 1 : 1 - factor;
  if (worse === 0) return `no worse than ${whom}`;
  return worse > 0 ? `at most ${percentWords(worse)} worse than ${whom}` : `at least ${percentWords(-worse)} better than ${whom}`;
}

function brokenWords(factor: number, { better }: AnalysisMeasure, whom: string): string {
  if (!asShare(factor)) return `${better === 'lower' ? 'more' : 'less'} than ${digits(factor)} times ${whom}`;
  const worse = better === 'lower' ? factor - 1 : 1 - factor;
  if (worse === 0) return `worse than ${whom}`;
  return worse > 0 ? `more than ${percentWords(worse)} worse than ${whom}` : `not ${percentWords(-worse)} better than ${whom}`;
}

type Range = Pick<IntervalEstimate, 'low' | 'high'>;

/** Behind "is". */
function rangeWords({ low, high }: Range, measure: AnalysisMeasure): string {
  const word = (value: number): string => formatMeasure(value, measure);
  const says = (value: number): boolean => value > 0 && !word(value).startsWith('below');
  const least = low !== null && says(low) ? low : null;
  if (high === null) return least === null ? 'not known' : `at least ${word(least)}`;
  if (!says(high)) return word(high);
  if (least === null) return `at most ${word(high)}`;
  return word(least) === word(high) ? word(high) : `between ${word(least)} and ${word(high)}`;
}

/** Behind "is", before whom it is compared with: a ratio as what it is higher or lower by. */
function changeWords({ low, high }: Range): string {
  if (low === null || high === null) return 'not yet to be compared with';
  if (!asShare(low) || !asShare(high)) return `${digits(low)} to ${digits(high)} times`;
  const words = (ratio: number): string => percentWords(Math.abs(ratio - 1));
  if (words(low) === words(high) && (low - 1) * (high - 1) >= 0) return `${words(low)} ${high >= 1 ? 'higher' : 'lower'} than`;
  if (low >= 1) return `${words(low)} to ${words(high)} higher than`;
  if (high <= 1) return `${words(high)} to ${words(low)} lower than`;
  return `between ${words(low)} lower and ${words(high)} higher than`;
}

/** Shares and levels: what either side has, and how far that is from the limit. */
function excessWords({ measure, contrast, candidate, reference, whom }: BoundSentence): string {
  const word = (value: number | null): string => (value === null ? 'not known' : formatMeasure(Math.max(0, value), measure));
  const sides = `${measure.title} is ${word(candidate.estimate)}, against ${word(reference?.estimate ?? null)} of ${whom}`;
  const { low, high, bound } = contrast;
  if (low === null || high === null) return sides;
  // How far past the limit, whichever direction is the bad one.
  const [from, to] = measure.better === 'lower' ? [low - bound, high - bound] : [bound - high, bound - low];
  if (from > 0)
    return `${sides}, past the limit by ${rangeWords({ low: from, high: to }, measure).replace(/^between (.*) and /, '$1 to ')}`;
  return to > 0 ? `${sides}, somewhere from ${word(-from)} within the limit to ${word(to)} past it` : sides;
}

function digits(value: number): string {
  return String(Number(value.toPrecision(3)));
}
