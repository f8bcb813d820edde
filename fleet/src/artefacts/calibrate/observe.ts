import type { CalibrationOptions } from '@starling/shared';
import type { ValueRange } from '../contracts.ts';
import { addToHistogram, createHistogram } from './histogram.ts';
import { entropyRange, meanSquaredErrorRange, type Observed, percentileRange } from './thresholds.ts';

/** What one run tells of one value. */
export interface Reading {
  minimum: number;
  maximum: number;
  elements?: Float32Array;
}

export interface Outcome {
  range?: ValueRange;
  finding?: { kind: 'dead' | 'constant' | 'infinite'; message: string };
}

/** Remembers of one value what its method needs. */
export interface Observer {
  observe(reading: Reading): void;
  conclude(): Outcome;
}

export interface ObserverSettings extends Pick<CalibrationOptions, 'method' | 'percentile'> {
  symmetric: boolean;
  levels: number;
}

/** `averaging_constant` of onnxruntime's MinMaxCalibrater, and of PyTorch's MovingAverageMinMaxObserver. */
const AVERAGING = 0.01;

export function createObserver(settings: ObserverSettings): Observer {
  const seen = { minimum: Number.POSITIVE_INFINITY, maximum: Number.NEGATIVE_INFINITY };
  let average: ValueRange | undefined;
  const histogram = createHistogram();
  return {
    observe: ({ minimum, maximum, elements }) => {
      seen.minimum = Math.min(seen.minimum, minimum);
      seen.maximum = Math.max(seen.maximum, maximum);
      average = average === undefined ? { minimum, maximum } : moved(average, minimum, maximum);
      const largest = Math.max(Math.abs(minimum), Math.abs(maximum));
      if (elements !== undefined && Number.isFinite(largest)) addToHistogram(histogram, elements, largest);
    },
    conclude: () => {
      if (!Number.isFinite(seen.minimum) || !Number.isFinite(seen.maximum)) {
        return { finding: { kind: 'infinite', message: 'it reaches infinity on some sample, so it has no scale and stays in float' } };
      }
      if (seen.minimum === seen.maximum) return { range: { ...seen }, finding: constantFinding(seen.minimum) };
      const observed: Observed = { ...seen, histogram, symmetric: settings.symmetric, levels: settings.levels };
      return { range: withinSeen(rangeBy(settings, observed, average ?? seen), observed) };
    },
  };
}

function moved(average: ValueRange, minimum: number, maximum: number): ValueRange {
  return {
    minimum: average.minimum + AVERAGING * (minimum - average.minimum),
    maximum: average.maximum + AVERAGING * (maximum - average.maximum),
  };
}

function rangeBy({ method, percentile }: ObserverSettings, observed: Observed, average: ValueRange): ValueRange {
  switch (method) {
    case 'minmax':
      return observed;
    case 'moving-average':
      return average;
    case 'percentile':
      return percentileRange(observed, percentile);
    case 'entropy':
      return entropyRange(observed);
    case 'mse':
      return meanSquaredErrorRange(observed);
  }
}

/**
 * No method makes a range wider than what was seen: the edge of a bin may lie beyond. Nor to
 * less than the bins can tell, which a percentile does where almost all is zero.
 */
function withinSeen(range: ValueRange, { minimum, maximum, symmetric, histogram }: Observed): ValueRange {
  if (symmetric) {
    const largest = Math.max(Math.abs(minimum), Math.abs(maximum));
    const threshold = Math.min(largest, Math.max(Math.abs(range.minimum), Math.abs(range.maximum)));
    return threshold > histogram.width ? { minimum: -threshold, maximum: threshold } : { minimum: -largest, maximum: largest };
  }
  const within = { minimum: Math.max(range.minimum, minimum), maximum: Math.min(range.maximum, maximum) };
  return within.maximum - within.minimum > histogram.width ? within : { minimum, maximum };
}

function constantFinding(value: number): NonNullable<Outcome['finding']> {
  return value === 0
    ? { kind: 'dead', message: 'it is zero for all samples: samples that are all alike, or a layer that learned nothing' }
    : { kind: 'constant', message: `it is ${value} for all samples: samples that are all alike, or a layer that ignores its input` };
}
