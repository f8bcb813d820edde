/** Values along an axis: where it begins and ends, and what stands beside it. */
export interface Scale {
  domain: [number, number];
  ticks: number[];
}

const INTERVALS_MAXIMUM = 4;
/** Steps that people count in. */
const STEPS = [1, 2, 2.5, 5, 10];

/**
 * A scale from zero, or from below where values are, in round steps.
 * @param values all that are drawn
 * @param maximum where the measure ends, such as 100 %: no scale goes on beyond what there can be
 * @param format two ticks that would read the same are one
 */
export function scaleOf(values: readonly number[], maximum: number | undefined, format: (value: number) => string): Scale {
  const least = Math.min(0, ...values);
  const most = Math.max(0, ...values);
  const top = maximum !== undefined && most <= maximum ? maximum : most;
  if (top === least) return { domain: [0, 1], ticks: format(0) === format(1) ? [0] : [0, 1] };
  const step = stepFor(least, top);
  const from = Math.floor(round(least / step));
  const to = Math.ceil(round(top / step));
  const all = Array.from({ length: to - from + 1 }, (_, index) => round((from + index) * step));
  const end = top === maximum ? maximum : (all.at(-1) ?? top);
  const ticks = all.filter((tick, index) => tick <= end && (index === 0 || format(tick) !== format(all[index - 1] as number)));
  return { domain: [all[0] ?? 0, end], ticks };
}

/** The smallest round step that gives no more than so many intervals. */
function stepFor(least: number, top: number): number {
  const base = 10 ** Math.floor(Math.log10((top - least) / INTERVALS_MAXIMUM));
  const fits = (step: number): boolean => Math.ceil(round(top / step)) - Math.floor(round(least / step)) <= INTERVALS_MAXIMUM;
  return [...STEPS.map((step) => step * base), 20 * base].find(fits) ?? 50 * base;
}

/** 0.1 + 0.2 is no tick. */
function round(value: number): number {
  return Number(value.toPrecision(12));
}

/** Of points in time the first of each that reads the same. */
export function timeTicks(points: readonly { atMs: number }[], format: (atMs: number) => string): number[] {
  const moments = points.map(({ atMs }) => atMs);
  return moments.filter((atMs, index) => index === 0 || format(atMs) !== format(moments[index - 1] as number));
}
