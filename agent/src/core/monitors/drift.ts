import {
  addToHistogram,
  createHistogram,
  type Histogram,
  kolmogorovSmirnov,
  kolmogorovSmirnovPValue,
  type Monitor,
  mergeHistograms,
  populationStabilityIndex,
} from '@starling/shared';

/** Values that a learned reference holds before it is used. Fewer would make every window look moved. */
export const REFERENCE_MINIMUM = 200;
/** Values that are judged together. In fewer the index of equal distributions is already near the usual thresholds by chance. */
export const JUDGED_MINIMUM = 100;

interface Verdict {
  psi: number | null;
  ks: number | null;
  ksPValue: number | null;
  drifted: boolean;
}

export interface DriftVerdict extends Verdict {
  /** Of this window. */
  histogram: Histogram;
  reference: number[] | null;
}

/**
 * One monitor on one edge: gathers windows, and compares them with its reference as soon as they hold enough together. A window of a
 * slow camera holds a handful of values: alone it would never be judged.
 */
export interface DriftWatch {
  add(values: readonly number[]): void;
  /** Ends the window; empty windows give nothing. The verdict is the newest there is, null before the first. */
  endWindow(): DriftVerdict | undefined;
  /** Reference counts so far, to be kept across restarts; null if all of them are kept, or the pipeline states its own. */
  unkept(): Histogram | null;
  markKept(reference: Histogram): void;
}

/** @param kept what `unkept` gave before a restart */
export function createDriftWatch(monitor: Monitor, kept: Histogram | null): DriftWatch {
  let window = createHistogram(monitor.bins);
  let unjudged = createHistogram(monitor.bins);
  let verdict: Verdict = { psi: null, ks: null, ksPValue: null, drifted: false };
  let learned = kept !== null && kept.edges.length === monitor.bins.length ? kept : createHistogram(monitor.bins);
  let keptCount = learned.count;
  return {
    add(values) {
      for (const value of values) addToHistogram(window, value);
    },
    endWindow() {
      const histogram = window;
      if (histogram.count === 0) return undefined;
      window = createHistogram(monitor.bins);
      if (monitor.reference === undefined && learned.count < REFERENCE_MINIMUM) {
        learned = mergeHistograms(learned, histogram);
        return { histogram, reference: null, ...verdict };
      }
      const reference = monitor.reference ?? learned.counts;
      unjudged = mergeHistograms(unjudged, histogram);
      if (unjudged.count >= JUDGED_MINIMUM) {
        verdict = judge(monitor, reference, unjudged);
        unjudged = createHistogram(monitor.bins);
      }
      return { histogram, reference: [...reference], ...verdict };
    },
    unkept: () => (monitor.reference === undefined && learned.count > keptCount ? learned : null),
    markKept({ count }) {
      keptCount = count;
    },
  };
}

function judge(monitor: Monitor, reference: readonly number[], histogram: Histogram): Verdict {
  const total = reference.reduce((sum, count) => sum + count, 0);
  const psi = populationStabilityIndex(reference, histogram.counts);
  const ks = kolmogorovSmirnov(reference, histogram.counts);
  const ksPValue = kolmogorovSmirnovPValue(ks, total, histogram.count);
  // Both must agree: the index alone is noisy, the test alone calls tiny shifts of many values significant.
  return { psi, ks, ksPValue, drifted: psi >= monitor.psiThreshold && ksPValue < 0.01 };
}
