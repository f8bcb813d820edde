import type { Capabilities, MatchRules } from '@starling/shared';

/** What one rule says of a device. */
export interface RuleVerdict {
  rule: keyof MatchRules;
  holds: boolean;
  /** In words for operators: what was found, or what is missing. */
  because: string;
  /** What the rule adds to the score if it holds. */
  points: number;
}

type Present = { [Rule in keyof MatchRules]-?: NonNullable<MatchRules[Rule]> };
type Finding = Omit<RuleVerdict, 'rule'>;
type Check<Rule extends keyof MatchRules> = (wanted: Present[Rule], capabilities: Capabilities) => Finding;

/** No list of instruction set features outweighs what says which machine it is. */
const ISA_POINTS_MAXIMUM = 15;

/**
 * Every rule, with its weight: the more a rule says about the machine, the more it adds. A rule about the device tree outweighs all
 * others together, since it names the board. Required features outweigh `virtualised`: which precision is fast decides which artefact a
 * device gets, while a virtual machine only decides what its energy is estimated from.
 */
const checks: { [Rule in keyof Present]: Check<Rule> } = {
  environment: (wanted, { environment }) => verdict(environment === wanted, 3, `runs in ${environment === 'node' ? 'Node' : 'a browser'}`),
  os: (wanted, { os }) => verdict(wanted.includes(os), 2, `operating system ${os}`),
  architecture: (wanted, { architecture }) => verdict(wanted.includes(architecture), 2, `architecture ${architecture}`),
  memoryBytes({ minimum = 0, maximum = Number.POSITIVE_INFINITY }, { memory: { totalBytes } }) {
    return verdict(totalBytes >= minimum && totalBytes <= maximum, 2, `${Math.round(totalBytes / 2 ** 20)} MiB of memory`);
  },
  isaAbsent(wanted, { cpu }) {
    const present = wanted.filter((feature) => cpu.isa.includes(feature));
    return present.length === 0 ? verdict(true, 2, `has no ${wanted.join(', ')}`) : verdict(false, 2, `has ${present.join(', ')}`);
  },
  virtualised: (wanted, { cpu }) =>
    verdict(cpu.virtualised === wanted, 6, cpu.virtualised ? 'is a virtual machine' : 'is no virtual machine'),
  isa(wanted, { cpu }) {
    const missing = wanted.filter((feature) => !cpu.isa.includes(feature));
    const points = Math.min(ISA_POINTS_MAXIMUM, 7 + wanted.length);
    return missing.length === 0 ? verdict(true, points, `has ${wanted.join(', ')}`) : verdict(false, points, `lacks ${missing.join(', ')}`);
  },
  executionProviders(wanted, { executionProviders }) {
    const missing = wanted.filter((name) => !executionProviders.some((provider) => provider.name === name && provider.ran));
    return missing.length === 0
      ? verdict(true, 8, `a model ran on ${wanted.join(', ')}`)
      : verdict(false, 8, `no model ran on ${missing.join(', ')}`);
  },
  cpu: (wanted, { cpu }) => matches(wanted, 16, 'processor', [`${cpu.vendor} ${cpu.model}`.trim()]),
  gpu: (wanted, { gpus }) =>
    matches(
      wanted,
      16,
      'graphics adapter',
      gpus.map(({ vendor, name }) => `${vendor} ${name}`.trim()),
    ),
  userAgent: (wanted, { userAgent }) => matches(wanted, 16, 'user agent', userAgent === undefined ? [] : [userAgent]),
  deviceTree(wanted, { deviceTree }) {
    return matches(wanted, 128, 'device tree', deviceTree === undefined ? [] : [deviceTree.model, ...deviceTree.compatible]);
  },
};

/** The order in which rules are told: the most general first. */
const rules = Object.keys(checks) as (keyof MatchRules)[];

/** Judges each rule that is present, in a fixed order. Pure. */
export function checkRules(match: MatchRules, capabilities: Capabilities): RuleVerdict[] {
  return rules.flatMap((rule) => {
    const found = checkRule(rule, match, capabilities);
    return found === undefined ? [] : [found];
  });
}

function checkRule<Rule extends keyof MatchRules>(rule: Rule, match: MatchRules, capabilities: Capabilities): RuleVerdict | undefined {
  const wanted = match[rule];
  if (wanted === undefined) return undefined;
  const check: Check<Rule> = checks[rule];
  return { rule, ...check(wanted as Present[Rule], capabilities) };
}

function verdict(holds: boolean, points: number, because: string): Finding {
  return { holds, points, because };
}

function matches(expression: string, points: number, what: string, candidates: readonly string[]): Finding {
  if (candidates.length === 0) return verdict(false, points, `there is no ${what}`);
  const matcher = new RegExp(expression, 'iu');
  const found = candidates.find((candidate) => matcher.test(candidate));
  return found === undefined
    ? verdict(false, points, `${what} "${candidates[0]}" does not match /${expression}/`)
    : verdict(true, points, `${what} "${found}" matches /${expression}/`);
}
