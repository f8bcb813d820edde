/**
 * Sums over the devices of one side: all that a judgement takes from the database. Each device adds what it counted (`a`: hits, sums,
 * values below a quantile) and of how many (`b`), and their products, so that devices, not their inferences, are what varies.
 */
export interface SideMoments {
  devices: number;
  a: number;
  b: number;
  aa: number;
  ab: number;
  bb: number;
}

/** Sums of products over devices that are on two sides, first by second. */
export interface CrossMoments {
  aa: number;
  ab: number;
  ba: number;
  bb: number;
}

/** What a cohort did since the analysis began, and before. */
export interface CohortFigures {
  now: SideMoments;
  past: SideMoments;
  /** Of `now` by `past`. */
  cross: CrossMoments;
  /** Counts over the bins of latencies, for quantiles. */
  bins?: { now: readonly number[]; past: readonly number[] };
  /** Of quantiles and means: the logarithm of each device's own, and how much that changed against its own past. */
  logs?: { now: LogMoments; change: LogMoments };
}

/** Sums over devices of one number each. */
export interface LogMoments {
  devices: number;
  sum: number;
  squares: number;
}

export const noMoments: Readonly<SideMoments> = { devices: 0, a: 0, b: 0, aa: 0, ab: 0, bb: 0 };
export const noCross: Readonly<CrossMoments> = { aa: 0, ab: 0, ba: 0, bb: 0 };

/** What one device counted, on both sides. */
export interface DeviceCounts {
  now: { a: number; b: number } | null;
  past: { a: number; b: number } | null;
}

/** A device with fewer inferences than this on a side has no quantile and no mean of its own. */
export const DEVICE_INFERENCES_MINIMUM = 20;

export function gatherLogs(devices: Iterable<{ now: number | null; past: number | null }>): NonNullable<CohortFigures['logs']> {
  const now = { devices: 0, sum: 0, squares: 0 };
  const change = { devices: 0, sum: 0, squares: 0 };
  const add = (moments: LogMoments, value: number): void => {
    moments.devices += 1;
    moments.sum += value;
    moments.squares += value ** 2;
  };
  for (const device of devices) {
    if (device.now === null) continue;
    add(now, device.now);
    if (device.past !== null) add(change, device.now - device.past);
  }
  return { now, change };
}

export function meanOf({ devices, sum }: LogMoments): number {
  return sum / devices;
}

/** Variance of the mean over devices. */
export function meanVariance({ devices, sum, squares }: LogMoments): number {
  if (devices < 2) return Number.POSITIVE_INFINITY;
  return Math.max(0, (squares - sum ** 2 / devices) / (devices * (devices - 1)));
}

/** Adds devices up, as the SQL of the store does. */
export function gatherMoments(devices: Iterable<DeviceCounts>): Pick<CohortFigures, 'now' | 'past' | 'cross'> {
  const now = { ...noMoments };
  const past = { ...noMoments };
  const cross = { ...noCross };
  for (const device of devices) {
    if (device.now !== null) addTo(now, device.now);
    if (device.past !== null) addTo(past, device.past);
    if (device.now === null || device.past === null) continue;
    cross.aa += device.now.a * device.past.a;
    cross.ab += device.now.a * device.past.b;
    cross.ba += device.now.b * device.past.a;
    cross.bb += device.now.b * device.past.b;
  }
  return { now, past, cross };
}

function addTo(side: SideMoments, { a, b }: { a: number; b: number }): void {
  side.devices += 1;
  side.a += a;
  side.b += b;
  side.aa += a * a;
  side.ab += a * b;
  side.bb += b * b;
}

/** The ratio of sums: per inference, whoever made it. */
export function ratioOf({ a, b }: SideMoments): number {
  return a / b;
}

/** Variance of the ratio when devices are drawn (linearised, "ultimate cluster": Särndal, Swensson & Wretman 1992, section 5.7). */
export function ratioVariance(side: SideMoments): number {
  const { devices, b, aa, ab, bb } = side;
  if (devices < 2 || b <= 0) return Number.POSITIVE_INFINITY;
  const ratio = ratioOf(side);
  // Rounding may leave a little less than nothing.
  return Math.max(0, ((devices / (devices - 1)) * (aa - 2 * ratio * ab + ratio ** 2 * bb)) / b ** 2);
}

/** Covariance of the ratios of two sides that share devices. */
export function ratioCovariance(first: SideMoments, second: SideMoments, { aa, ab, ba, bb }: CrossMoments): number {
  const shared = Math.min(first.devices, second.devices);
  if (shared < 2 || first.b <= 0 || second.b <= 0) return 0;
  const r = ratioOf(first);
  const s = ratioOf(second);
  return ((shared / (shared - 1)) * (aa - s * ab - r * ba + r * s * bb)) / (first.b * second.b);
}

/** Devices that count: fewer where some make most of the inferences (Kish). */
export function effectiveDevices({ b, bb }: SideMoments): number {
  return bb <= 0 ? 0 : b ** 2 / bb;
}
