import { performance } from 'node:perf_hooks';

/** Messages a second that one device may publish, with bursts; telemetry of a busy device is a few. */
export const PUBLISH_RATE = { perSecond: 200, burst: 2_000 };
/** The same of what devices send to each other: a worker answers many. */
export const STREAM_RATE = { perSecond: 4_000, burst: 20_000 };
/** Buckets that are kept: whoever comes under ever new names must not fill the memory. */
const BUCKETS_MAXIMUM = 50_000;

/** A token bucket per device, or per address. */
export function createRateLimit({ perSecond, burst }: { perSecond: number; burst: number }) {
  const buckets = new Map<string, { tokens: number; atMs: number }>();
  const bucketOf = (key: string): { tokens: number; atMs: number } => {
    const nowMs = performance.now();
    const bucket = buckets.get(key) ?? { tokens: burst, atMs: nowMs };
    bucket.tokens = Math.min(burst, bucket.tokens + ((nowMs - bucket.atMs) * perSecond) / 1000);
    bucket.atMs = nowMs;
    if (buckets.size >= BUCKETS_MAXIMUM && !buckets.has(key)) buckets.delete(buckets.keys().next().value as string);
    buckets.set(key, bucket);
    return bucket;
  };
  return {
    /** Is there a token? Takes none. */
    has: (key: string): boolean => bucketOf(key).tokens >= 1,
    take(key: string): boolean {
      const bucket = bucketOf(key);
      if (bucket.tokens < 1) return false;
      bucket.tokens -= 1;
      return true;
    },
    forget(key: string): void {
      buckets.delete(key);
    },
  };
}
