import { performance } from 'node:perf_hooks';

/** A token bucket per device. */
export function createRateLimit({ perSecond, burst }: { perSecond: number; burst: number }) {
  const buckets = new Map<string, { tokens: number; atMs: number }>();
  return {
    take(key: string): boolean {
      const nowMs = performance.now();
      const bucket = buckets.get(key) ?? { tokens: burst, atMs: nowMs };
      bucket.tokens = Math.min(burst, bucket.tokens + ((nowMs - bucket.atMs) * perSecond) / 1000);
      bucket.atMs = nowMs;
      buckets.set(key, bucket);
      if (bucket.tokens < 1) return false;
      bucket.tokens -= 1;
      return true;
    },
    forget(key: string): void {
      buckets.delete(key);
    },
  };
}
