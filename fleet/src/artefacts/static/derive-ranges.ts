import type { Ranges, ValueRange } from '../contracts.ts';
import type { Swish, Trace } from './trace.ts';

/**
 * Values whose ranges follow from others that are calibrated anyway: what only a hard-swish reads. A tap on it would keep ONNX Runtime from
 * computing the hard-swish within the convolution before it, and every one of them would go through memory three times more.
 */
export function derivableValues({ origins, swishes }: Trace): Map<string, Swish> {
  const isOwn = (value: string): boolean => origins.get(value)?.kind === 'own';
  return new Map([...swishes].filter(([value, { output }]) => isOwn(value) && isOwn(output)));
}

export function withDerivedRanges(trace: Trace, ranges: Ranges): Ranges {
  const complete = new Map(ranges);
  for (const [value, swish] of derivableValues(trace)) {
    const range = ranges.get(swish.output);
    if (range !== undefined && !complete.has(value)) complete.set(value, inputRangeOf(swish, range));
  }
  return complete;
}

/**
 * Above 0 a hard-swish grows, so that the end of its range, whatever method found it, is that of its input. Below, two inputs give one
 * output; the start of the ramp is the least that makes a difference, and the parameters of the input include it in any case.
 */
function inputRangeOf({ factor, summand }: Swish, { maximum }: ValueRange): ValueRange {
  const start = -summand / factor;
  const end = (1 - summand) / factor;
  if (maximum >= end) return { minimum: start, maximum };
  // y = x (factor x + summand)
  const root = (Math.sqrt(summand ** 2 + 4 * factor * Math.max(0, maximum)) - summand) / (2 * factor);
  return { minimum: start, maximum: root };
}
