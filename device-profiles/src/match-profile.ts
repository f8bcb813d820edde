import { type Capabilities, type DeviceProfile, type MatchRules, StarlingError } from '@starling/shared';
import { checkRules } from './match-rules.ts';

/** Runners-up that are told. */
const RUNNERS_UP_MAXIMUM = 5;
/** Rules that say which kind of machine a profile is for. */
const KINDS: ReadonlySet<keyof MatchRules> = new Set(['environment', 'architecture', 'os', 'deviceTree']);

/** The profile of a device, and why it is that one; `reason` is what the API shows of it. */
export interface ProfileMatch {
  /** Name of the profile. */
  profile: string;
  reason: { score: number; reasons: string[]; runnersUp: { profile: string; score: number; reason: string }[] };
}

interface Verdict {
  profile: string;
  /** Points of the rules, all of which hold; 0 if one does not. */
  score: number;
  reasons: string[];
  failures: string[];
  /** Points that failed rules would have added. */
  missedPoints: number;
  /** False if the profile is for another kind of machine altogether, which nobody needs to be told. */
  isKin: boolean;
}

/**
 * Finds the profile of a device. Every rule of a profile must hold; of the profiles that fit, the one with the most points wins, and of
 * those with equal points the first by name. Pure: the same capabilities and profiles give the same answer, in any order.
 * @throws StarlingError `no-profile` if not even a generic profile fits
 */
export function matchProfile(capabilities: Capabilities, profiles: readonly DeviceProfile[]): ProfileMatch {
  const verdicts = profiles.map((profile) => judge(capabilities, profile));
  const fitting = verdicts.filter(({ failures }) => failures.length === 0).sort((a, b) => b.score - a.score || byName(a, b));
  const others = verdicts.filter(({ failures }) => failures.length > 0).sort(byDistance);
  const [winner, ...beaten] = fitting;
  if (winner === undefined) {
    const nearest =
      others[0] === undefined ? '' : `; the nearest is ${others[0].profile}, which does not fit: ${others[0].failures.join('; ')}`;
    const device = `architecture ${capabilities.architecture} and operating system ${capabilities.os}`;
    throw new StarlingError('no-profile', `no device profile fits a device with ${device}${nearest}`, {
      field: 'capabilities',
      hint: 'add a profile for it (docs/guides/device-profiles.md)',
    });
  }
  const runnersUp = [
    ...beaten.map(({ profile, score }) => ({ profile, score, reason: comparison(score, winner) })),
    ...others
      .filter(({ isKin }) => isKin)
      .map(({ profile, failures }) => ({ profile, score: 0, reason: `does not fit: ${failures.join('; ')}` })),
  ];
  return {
    profile: winner.profile,
    reason: { score: winner.score, reasons: winner.reasons, runnersUp: runnersUp.slice(0, RUNNERS_UP_MAXIMUM) },
  };
}

function judge(capabilities: Capabilities, { name, match }: DeviceProfile): Verdict {
  const found = checkRules(match, capabilities);
  const failed = found.filter(({ holds }) => !holds);
  return {
    profile: name,
    score: failed.length > 0 ? 0 : sum(found),
    reasons: found.filter(({ holds }) => holds).map(({ because, points }) => `${because} (+${points})`),
    failures: failed.map(({ because }) => because),
    missedPoints: sum(failed),
    isKin: !failed.some(({ rule }) => KINDS.has(rule)),
  };
}

function comparison(score: number, winner: Verdict): string {
  if (score === winner.score) return `fits as well as ${winner.profile}, which comes first by name`;
  return `fits too, but says less about this device: ${score} against ${winner.score} points`;
}

function sum(verdicts: readonly { points: number }[]): number {
  return verdicts.reduce((total, { points }) => total + points, 0);
}

function byDistance(a: Verdict, b: Verdict): number {
  return a.failures.length - b.failures.length || a.missedPoints - b.missedPoints || byName(a, b);
}

function byName(a: Verdict, b: Verdict): number {
  return a.profile < b.profile ? -1 : 1;
}
