/** What copies may cost; and what one millisecond of computing takes on this device. */
export interface ShadowBudget {
  /** Whether a copy may be computed now. */
  may(nowMs: number): boolean;
  /** What one has taken. @param nodeMs time in its nodes */
  spent(nodeMs: number): void;
  /** What is known of the device by now. */
  learn(known: { coresPerRun?: number; joulesPerMs?: number | undefined }): void;
}

/** The budget of so much time may be spent at once: a burst of items, not an hour of saving up. */
const BURST_MS = 10_000;
const HOUR_MS = 3_600_000;

interface Bucket {
  level: number;
  readonly capacity: number;
  /** Per millisecond. */
  readonly rate: number;
}

/**
 * Two buckets that run full by themselves, of computing time and of energy; a copy needs something in both, and takes out what it cost. So
 * over any time the cost is at most the rate, one burst and one copy; the rates are lower by the burst that an hour may hold.
 * @param maxCpuShare of all cores
 */
export function createShadowBudget(
  { maxCpuShare, maxJoulesPerHour }: { maxCpuShare: number; maxJoulesPerHour?: number | undefined },
  startMs: number,
): ShadowBudget {
  const calm = HOUR_MS / (HOUR_MS + BURST_MS);
  const time = bucketOf(maxCpuShare * calm);
  const energy = maxJoulesPerHour === undefined ? undefined : bucketOf((maxJoulesPerHour / HOUR_MS) * calm);
  let filledMs = startMs;
  // Until it is known: a run has all cores.
  let coresPerRun = 1;
  let joulesPerMs: number | undefined;
  const fill = (nowMs: number): void => {
    const passedMs = Math.max(0, nowMs - filledMs);
    filledMs = nowMs;
    for (const bucket of [time, energy])
      if (bucket !== undefined) bucket.level = Math.min(bucket.capacity, bucket.level + bucket.rate * passedMs);
  };
  return {
    may(nowMs) {
      fill(nowMs);
      if (time.level <= 0) return false;
      // What cannot be told cannot be held to a bound.
      return energy === undefined || (joulesPerMs !== undefined && energy.level > 0);
    },
    spent(nodeMs) {
      time.level -= nodeMs * coresPerRun;
      if (energy !== undefined) energy.level -= nodeMs * (joulesPerMs ?? 0);
    },
    learn(known) {
      coresPerRun = known.coresPerRun ?? coresPerRun;
      joulesPerMs = known.joulesPerMs ?? joulesPerMs;
    },
  };
}

function bucketOf(rate: number): Bucket {
  const capacity = rate * BURST_MS;
  return { level: capacity, capacity, rate };
}
