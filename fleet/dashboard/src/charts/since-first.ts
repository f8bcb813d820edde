/** Points that are shown at least, so that the first minute of a device is not stretched over the whole width. */
const SHOWN_AT_LEAST = 12;
const BEFORE = 1;

/** The points from shortly before the first that says anything: of a young device, an hour is mostly empty. */
export function sinceFirst<Point>(points: readonly Point[], saysSomething: (point: Point) => boolean): Point[] {
  const first = points.findIndex(saysSomething);
  if (first === -1) return [...points];
  return points.slice(Math.max(0, Math.min(first - BEFORE, points.length - SHOWN_AT_LEAST)));
}
