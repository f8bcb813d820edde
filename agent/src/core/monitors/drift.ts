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
/** Values that a window needs before it is judged. */
export const WINDOW_MINIMUM = 30;

export interface DriftVerdict {
  histogram: Histogram;
  reference: number[] | null;
  psi: number | null;
  ks: number | null;
  ksPValue: number | null;
  drifted: boolean;
}

/** One monitor on one edge: gathers a window, then compares it with its reference. */
export interface DriftWatch {
  add(values: readonly number[]): void;
  /** Ends the window; empty windows give nothing. */
  endWindow(): DriftVerdict | undefined;
  /** Reference counts so far, to be kept across restarts; null if the pipeline states its own. */
  learned(): Histogram | null;
}

/** @param kept what `learned` gave before a restart */
export function createDriftWatch(monitor: Monitor, kept: Histogram | null): DriftWatch {
  let window = createHistogram(monitor.bins);
  let learned = kept !== null && kept.edges.length === monitor.bins.length ? kept : createHistogram(monitor.bins);
  return {
    add(values) {
      for (const value of values) addToHistogram(window, value);
    },
    endWindow() {
      const histogram = window;
      if (histogram.count === 0) return undefined;
      window = createHistogram(monitor.bins);
      if (monitor.reference !== undefined) return judge(monitor, monitor.reference, histogram);
      if (learned.count < REFERENCE_MINIMUM) {
        learned = mergeHistograms(learned, histogram);
        return { histogram, reference: null, psi: null, ks: null, ksPValue: null, drifted: false };
      }
      return judge(monitor, learned.counts, histogram);
    },
    learned: () => (monitor.reference === undefined ? learned : null),
  };
}

function judge(monitor: Monitor, reference: readonly number[], histogram: Histogram): DriftVerdict {
  const total = reference.reduce((sum, count) => sum + count, 0);
  const psi = populationStabilityIndex(reference, histogram.counts);
  const ks = kolmogorovSmirnov(reference, histogram.counts);
  const ksPValue = kolmogorovSmirnovPValue(ks, total, histogram.count);
  // Both must agree: the index alone is noisy in small windows, the test alone calls tiny shifts of large ones significant.
  const drifted = histogram.count >= WINDOW_MINIMUM && psi >= monitor.psiThreshold && ksPValue < 0.01;
  return { histogram, reference: [...reference], psi, ks, ksPValue, drifted };
}
