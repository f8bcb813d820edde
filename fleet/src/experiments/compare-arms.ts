import type { IntervalEstimate } from '@starling/shared';
import { mixtureRadius, proportionBounds, scaleFor } from '../analysis/index.ts';
import type { Rewards } from './posterior.ts';

export interface ArmSample extends Rewards {
  /** Devices that it is of. */
  devices: number;
}

export type ValueKind = 'binary' | 'continuous';

/**
 * The mean of an arm with the interval that holds it at every look, however its items were chosen on the way: the bounds count the items of
 * this arm alone, which no rule that looked at earlier ones can bend (Howard, Ramdas, McAuliffe & Sekhon 2021; for bandits Kaufmann & Koolen
 * 2021, "Mixture martingales revisited"). Exact for yes and no; for numbers in the limit (Waudby-Smith et al. 2024).
 * @param plan items at which the interval is to be narrow; chosen before the data
 */
export function meanOfArm(sample: ArmSample, kind: ValueKind, alpha: number, plan: number): IntervalEstimate | null {
  const { count, sum, devices } = sample;
  if (count <= 0) return null;
  const estimate = sum / count;
  const told = { estimate, samples: count, devices };
  if (kind === 'binary') return { ...told, ...proportionBounds(sum, count, alpha) };
  const variance = varianceOf(sample, kind);
  const radius = Math.sqrt(variance) * mixtureRadius(1 / count, Math.max(0, count - 1), scaleFor(plan, alpha), alpha);
  return { ...told, low: finite(estimate - radius), high: finite(estimate + radius) };
}

/**
 * How far a challenger is from the champion, with the interval that holds it at every look. Where shares are fixed, chance alone sends an item to
 * either, so the items are what is counted, and their variances (Neyman's, which is never too small) add up; one mixture bounds the difference. Where
 * shares follow what came back, each arm has its own bounds, and the difference lies between their ends.
 */
export function differenceOfArms(
  challenger: ArmSample,
  champion: ArmSample,
  { kind, isAdaptive, alpha, plan }: { kind: ValueKind; isAdaptive: boolean; alpha: number; plan: number },
): IntervalEstimate | null {
  if (challenger.count <= 0 || champion.count <= 0) return null;
  const estimate = challenger.sum / challenger.count - champion.sum / champion.count;
  const told = { estimate, samples: challenger.count + champion.count, devices: Math.max(challenger.devices, champion.devices) };
  if (isAdaptive) {
    const [one, other] = [challenger, champion].map((arm) => meanOfArm(arm, kind, alpha / 2, plan));
    const low = one?.low == null || other?.high == null ? null : one.low - other.high;
    const high = one?.high == null || other?.low == null ? null : one.high - other.low;
    return { ...told, low, high };
  }
  const parts = [challenger, champion].map((arm) => ({ variance: varianceOf(arm, kind) / arm.count, freedom: arm.count - 1 }));
  const variance = parts.reduce((sum, part) => sum + part.variance, 0);
  // Welch 1947, Satterthwaite 1946.
  const freedom = variance ** 2 / parts.reduce((sum, part) => sum + part.variance ** 2 / Math.max(part.freedom, 1e-9), 0);
  const unit = Math.max(varianceOf(pooled(challenger, champion), kind), 1e-12);
  const radius = Math.sqrt(unit) * mixtureRadius(Math.max(variance / unit, 1e-12), freedom, scaleFor(plan / 2, alpha), alpha);
  return { ...told, low: finite(estimate - radius), high: finite(estimate + radius) };
}

/** Of one item. Yes and no are drawn a little from their ends: none of many is not never. */
function varianceOf({ count, sum, squares }: Rewards, kind: ValueKind): number {
  if (kind === 'binary') {
    const share = (sum + 1) / (count + 2);
    return share * (1 - share);
  }
  return count < 2 ? Number.POSITIVE_INFINITY : Math.max(0, (squares - sum ** 2 / count) / (count - 1));
}

function pooled(one: Rewards, other: Rewards): Rewards {
  return { count: one.count + other.count, sum: one.sum + other.sum, squares: one.squares + other.squares };
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
