import type { TelemetrySummary } from '@starling/shared';
import { counted, inWords, millisecondsOf } from '../../format/quantity.ts';

/** How fast a device is at what it runs, by what it told of the last hour. */
export function speedWords({
  items,
  latencyMsP50,
  latencyMsP95,
}: Pick<TelemetrySummary, 'items' | 'latencyMsP50' | 'latencyMsP95'>): string {
  if (items === 0 || latencyMsP50 === null) return 'nothing was read in the last hour';
  const slowest = latencyMsP95 === null ? '' : `, p95 ${inWords(millisecondsOf(latencyMsP95))}`;
  return `${inWords(millisecondsOf(latencyMsP50))} through the whole pipeline (median of ${counted(items)} in the last hour${slowest})`;
}
