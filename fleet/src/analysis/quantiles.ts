import { latencyEdgesMs } from '@starling/shared';

/** Ratio of one edge of the bins to the one before. */
const STEP = 10 ** (1 / 24);

/** Value at a place among the bins: `bin` counts from 0, `fraction` of it lies below. Bins of equal ratio are crossed in equal ratios. */
export function valueAt(bin: number, fraction: number): number {
  const last = latencyEdgesMs.length;
  const to = latencyEdgesMs[Math.min(bin, last - 1)] as number;
  // The first and the last bin are open: they are taken to be as wide as the others.
  const from = bin === 0 ? to / STEP : (latencyEdgesMs[bin - 1] as number);
  const end = bin >= last ? from * STEP : to;
  return from * (end / from) ** fraction;
}

/** Where a level lies among counts: the first bin up to whose end so many are, and the fraction of it below. Null where there are none. */
export function placeOf(bins: readonly number[], level: number): { bin: number; fraction: number } | null {
  const total = bins.reduce((sum, count) => sum + count, 0);
  if (total <= 0) return null;
  const rank = level * total;
  let below = 0;
  for (const [bin, count] of bins.entries()) {
    if (count > 0 && below + count >= rank) return { bin, fraction: Math.max(0, (rank - below) / count) };
    below += count;
  }
  return { bin: bins.findLastIndex((count) => count > 0), fraction: 1 };
}

export function quantileOfBins(bins: readonly number[], level: number): number | null {
  const place = placeOf(bins, level);
  return place === null ? null : valueAt(place.bin, place.fraction);
}

/** How many of a device's values lie below a place. */
export function countBelow(bins: readonly number[], { bin, fraction }: { bin: number; fraction: number }): number {
  let below = 0;
  for (let at = 0; at < bin; at += 1) below += bins[at] ?? 0;
  return below + fraction * (bins[bin] ?? 0);
}
