/** Figures of the records of a part of the range come this much later than the part ends. */
const REPORT_MS = 15_000;

/**
 * Points whose part of the range is over; of others only the time is left. What is counted in a part that still goes on is too little of
 * it, and looks like a fall.
 */
export function finished<Point extends { atMs: number }>(
  points: readonly Point[],
  lengthMs: number,
  nowMs: number,
): (Point | { atMs: number })[] {
  return points.map((point) => (point.atMs + lengthMs + REPORT_MS <= nowMs ? point : { atMs: point.atMs }));
}
