import { type Capabilities, type DeviceProfile, type MatchRules, StarlingError } from '@starling/shared';

export interface ProfileMatch {
  profile: string;
  reason: { score: number; reasons: string[]; runnersUp: { profile: string; score: number; reason: string }[] };
}

interface Verdict {
  profile: string;
  score: number;
  reasons: string[];
  /** Why it is out; undefined if every rule holds. */
  refusal: string | undefined;
}

/** What a rule that holds adds: the more a rule says about one board, the more it counts. */
const weights = {
  environment: 1,
  os: 1,
  architecture: 2,
  virtualised: 3,
  executionProviders: 3,
  memoryBytes: 2,
  isaAbsent: 1,
  isa: 5,
  cpu: 6,
  gpu: 8,
  userAgent: 8,
  deviceTree: 20,
} as const satisfies Record<keyof MatchRules, number>;

/**
 * Finds the profile of a device: every rule of a profile must hold; among those whose rules do, the one that says most wins.
 * Deterministic, whatever the order of the profiles.
 * @throws StarlingError `no-profile` if not even a generic one fits
 */
export function matchProfile(capabilities: Capabilities, profiles: readonly DeviceProfile[]): ProfileMatch {
  const verdicts = profiles.map((profile) => judge(capabilities, profile));
  verdicts.sort((a, b) => b.score - a.score || (a.profile < b.profile ? -1 : 1));
  const [winner, ...others] = verdicts.filter((verdict) => verdict.refusal === undefined);
  if (winner === undefined) {
    throw new StarlingError('no-profile', `no device profile fits a ${capabilities.architecture} device running ${capabilities.os}`, {
      field: 'capabilities',
      hint: 'add a profile for it under device-profiles/profiles',
    });
  }
  const refused = verdicts.filter((verdict) => verdict.refusal !== undefined);
  const runnersUp = [...others, ...refused].slice(0, 4).map(({ profile, score, reasons, refusal }) => ({
    profile,
    score: refusal === undefined ? score : 0,
    reason: refusal ?? `fits too, but says less: ${reasons.join(', ')}`,
  }));
  return { profile: winner.profile, reason: { score: winner.score, reasons: winner.reasons, runnersUp } };
}

function judge(capabilities: Capabilities, { name, match }: DeviceProfile): Verdict {
  const reasons: string[] = [];
  let score = 0;
  for (const rule of Object.keys(weights) as (keyof MatchRules)[]) {
    if (match[rule] === undefined) continue;
    const { holds, because } = check(rule, match, capabilities);
    if (!holds) return { profile: name, score, reasons, refusal: because };
    score += weights[rule] + (rule === 'isa' ? (match.isa?.length ?? 0) : 0);
    reasons.push(because);
  }
  return { profile: name, score, reasons, refusal: undefined };
}

function check(rule: keyof MatchRules, match: MatchRules, capabilities: Capabilities): { holds: boolean; because: string } {
  const { cpu, deviceTree, gpus } = capabilities;
  const features = new Set(cpu.isa);
  switch (rule) {
    case 'environment':
      return { holds: capabilities.environment === match.environment, because: `runs in ${capabilities.environment}` };
    case 'architecture':
      return {
        holds: match.architecture?.includes(capabilities.architecture) ?? true,
        because: `architecture ${capabilities.architecture}`,
      };
    case 'os':
      return { holds: match.os?.includes(capabilities.os) ?? true, because: `system ${capabilities.os}` };
    case 'virtualised':
      return { holds: cpu.virtualised === match.virtualised, because: cpu.virtualised ? 'a virtual machine' : 'no virtual machine' };
    case 'isa': {
      const missing = match.isa?.filter((feature) => !features.has(feature)) ?? [];
      return {
        holds: missing.length === 0,
        because: missing.length === 0 ? `has ${match.isa?.join(', ')}` : `lacks ${missing.join(', ')}`,
      };
    }
    case 'isaAbsent': {
      const present = match.isaAbsent?.filter((feature) => features.has(feature)) ?? [];
      return {
        holds: present.length === 0,
        because: present.length === 0 ? `has no ${match.isaAbsent?.join(', ')}` : `has ${present.join(', ')}`,
      };
    }
    case 'executionProviders': {
      const ran = capabilities.executionProviders.filter((provider) => provider.ran).map((provider) => provider.name);
      const missing = match.executionProviders?.filter((provider) => !ran.includes(provider)) ?? [];
      return {
        holds: missing.length === 0,
        because: missing.length === 0 ? `ran on ${match.executionProviders?.join(', ')}` : `did not run on ${missing.join(', ')}`,
      };
    }
    case 'memoryBytes': {
      const { minimum = 0, maximum = Number.POSITIVE_INFINITY } = match.memoryBytes ?? {};
      const { totalBytes } = capabilities.memory;
      return { holds: totalBytes >= minimum && totalBytes <= maximum, because: `${Math.round(totalBytes / 2 ** 20)} MiB of memory` };
    }
    case 'cpu':
      return pattern(match.cpu, [`${cpu.vendor} ${cpu.model}`], 'processor');
    case 'gpu':
      return pattern(
        match.gpu,
        gpus.map((gpu) => `${gpu.vendor} ${gpu.name}`),
        'graphics adapter',
      );
    case 'userAgent':
      return pattern(match.userAgent, [capabilities.userAgent ?? ''], 'browser');
    case 'deviceTree':
      return pattern(match.deviceTree, deviceTree === undefined ? [] : [deviceTree.model, ...deviceTree.compatible], 'device tree');
  }
}

function pattern(expression: string | undefined, candidates: readonly string[], what: string): { holds: boolean; because: string } {
  const matcher = new RegExp(expression ?? '', 'i');
  const found = candidates.find((candidate) => matcher.test(candidate));
  return found === undefined
    ? { holds: false, because: `${what} does not match /${expression}/` }
    : { holds: true, because: `${what} "${found.trim()}"` };
}
