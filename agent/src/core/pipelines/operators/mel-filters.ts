import type { OperatorParams } from '@starling/shared';

/** One triangle over the bins of a spectrum, without the zeros around it. */
export interface MelFilter {
  firstBin: number;
  weights: Float64Array;
}

/** Slaney's Auditory Toolbox (1998): linear below 1 kHz, then 27 steps to each factor of 6.4. */
const SLANEY = { hertzPerMel: 200 / 3, breakHz: 1000, breakMel: 15, logStep: Math.log(6.4) / 27 };

export function melOf(hertz: number, scale: 'slaney' | 'htk'): number {
  if (scale === 'htk') return 2595 * Math.log10(1 + hertz / 700);
  if (hertz < SLANEY.breakHz) return hertz / SLANEY.hertzPerMel;
  return SLANEY.breakMel + Math.log(hertz / SLANEY.breakHz) / SLANEY.logStep;
}

export function hertzOf(mel: number, scale: 'slaney' | 'htk'): number {
  if (scale === 'htk') return 700 * (10 ** (mel / 2595) - 1);
  if (mel < SLANEY.breakMel) return mel * SLANEY.hertzPerMel;
  return SLANEY.breakHz * Math.exp((mel - SLANEY.breakMel) * SLANEY.logStep);
}

/** Triangles between points that are evenly apart in mels, as librosa.filters.mel makes them. */
export function melFilters(params: OperatorParams<'audio.log-mel'>): MelFilter[] {
  const { sampleRateHz, fftSize, mels, minimumHz, maximumHz = sampleRateHz / 2, scale, norm } = params;
  const [low, high] = [melOf(minimumHz, scale), melOf(maximumHz, scale)];
  const points = Array.from({ length: mels + 2 }, (_, index) => hertzOf(low + ((high - low) * index) / (mels + 1), scale));
  const bins = Math.floor(fftSize / 2) + 1;
  return Array.from({ length: mels }, (_, index) => {
    const [left, middle, right] = points.slice(index, index + 3) as [number, number, number];
    const height = norm === 'area' ? 2 / (right - left) : 1;
    const firstBin = Math.max(0, Math.ceil((left * fftSize) / sampleRateHz));
    const lastBin = Math.min(bins - 1, Math.floor((right * fftSize) / sampleRateHz));
    const weights = Float64Array.from({ length: Math.max(0, lastBin - firstBin + 1) }, (_, offset) => {
      const hertz = ((firstBin + offset) * sampleRateHz) / fftSize;
      return height * Math.max(0, Math.min((hertz - left) / (middle - left), (right - hertz) / (right - middle)));
    });
    return { firstBin, weights };
  });
}
