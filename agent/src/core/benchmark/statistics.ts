/** Times of runs -> what a benchmark record says of them. Percentiles by the nearest rank. */
export function latencyOf(timesMs: readonly number[]): { median: number; p95: number; mean: number } {
  const sorted = [...timesMs].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
  return {
    median,
    p95: sorted[Math.max(0, Math.ceil(0.95 * sorted.length) - 1)] ?? 0,
    mean: sorted.length === 0 ? 0 : sorted.reduce((sum, time) => sum + time, 0) / sorted.length,
  };
}
