import type { SessionSettings, TuneObjective } from '@starling/shared';

/** What one way to run a model gave. */
export interface Trial {
  settings: SessionSettings;
  /** Median of one run; Infinity if it did not load or computed something else. */
  latencyMs: number;
  latencyMsP95: number;
  cpuMs: number;
  /** Of one run, by a sensor; null where there is none. */
  measuredJoules: number | null;
  memoryBytes: number | null;
}

export interface TuneSpace {
  /** Execution providers that may be tried, best first. */
  providers: readonly string[];
  cores: number;
}

/** Less is noise: nobody should get other settings for it. */
const FASTER_SHARE = 0.03;
/** Energy and memory vary more from run to run than the median of times. */
const LESS_SHARE = 0.05;
/** Where two are equally fast, the one that costs less processor wins, if it is clearly less. */
const CHEAPER_SHARE = 0.1;

/**
 * The next settings to try: one thing at a time is changed in the best that is known (hill climbing), until no neighbour of it is left.
 * @returns undefined when the search is over
 */
export function nextTrial(
  space: TuneSpace,
  trials: readonly Trial[],
  first: SessionSettings,
  objective: TuneObjective,
): SessionSettings | undefined {
  const best = bestTrial(trials, objective);
  if (best === undefined) return first;
  const tried = new Set(trials.map(({ settings }) => keyOf(settings)));
  return neighbours(best.settings, space).find((settings) => !tried.has(keyOf(settings)));
}

/** The best of some trials; an earlier one is only given up for one that is clearly better. */
export function bestTrial(trials: readonly Trial[], objective: TuneObjective): Trial | undefined {
  const isBetter = comparison(trials, objective);
  return trials.reduce<Trial | undefined>((best, trial) => (best === undefined || isBetter(trial, best) ? trial : best), undefined);
}

/**
 * By what energy is compared: a sensor where it told of every trial that worked, else processor time in its place. One search never
 * mixes them: a watt and a second cannot be compared.
 */
export function energyMethodOf(trials: readonly Trial[]): 'measured' | 'modelled' {
  const worked = trials.filter(hasWorked);
  return worked.length > 0 && worked.every(({ measuredJoules }) => measuredJoules !== null) ? 'measured' : 'modelled';
}

type IsBetter = (one: Trial, other: Trial) => boolean;

function comparison(trials: readonly Trial[], { minimise, latencyMsP95Maximum = Number.POSITIVE_INFINITY }: TuneObjective): IsBetter {
  const cost = costOf(trials, minimise);
  const isLess: IsBetter = cost === undefined ? isFaster : (one, other) => costsLess(one, other, cost);
  return (one, other) => {
    if (!hasWorked(one) || !hasWorked(other)) return hasWorked(one);
    // A limit on latency comes before the goal; beyond it, what is faster is nearer.
    const [within, otherWithin] = [one.latencyMsP95 <= latencyMsP95Maximum, other.latencyMsP95 <= latencyMsP95Maximum];
    if (within !== otherWithin) return within;
    return within ? isLess(one, other) : isFaster(one, other);
  };
}

/** undefined: by latency, which is what was measured of every trial. */
function costOf(trials: readonly Trial[], goal: TuneObjective['minimise']): ((trial: Trial) => number) | undefined {
  if (goal === 'energy')
    return energyMethodOf(trials) === 'measured'
      ? ({ measuredJoules }) => measuredJoules ?? Number.POSITIVE_INFINITY
      : ({ cpuMs }) => cpuMs;
  const knowsMemory = trials.filter(hasWorked).every(({ memoryBytes }) => memoryBytes !== null);
  return goal === 'memory' && knowsMemory ? ({ memoryBytes }) => memoryBytes ?? Number.POSITIVE_INFINITY : undefined;
}

function hasWorked({ latencyMs }: Trial): boolean {
  return Number.isFinite(latencyMs);
}

function isFaster(one: Trial, other: Trial): boolean {
  if (one.latencyMs < other.latencyMs * (1 - FASTER_SHARE)) return true;
  return one.cpuMs < other.cpuMs * (1 - CHEAPER_SHARE) && one.latencyMs <= other.latencyMs;
}

/** Of two that cost the same, the faster one. */
function costsLess(one: Trial, other: Trial, cost: (trial: Trial) => number): boolean {
  if (cost(one) < cost(other) * (1 - LESS_SHARE)) return true;
  return cost(one) <= cost(other) && one.latencyMs < other.latencyMs * (1 - FASTER_SHARE);
}

/** In the order in which they usually matter. */
function neighbours(settings: SessionSettings, { providers, cores }: TuneSpace): SessionSettings[] {
  return [
    ...providers.map((provider) => ({ ...settings, provider })),
    ...threadCounts(cores).map((threads) => ({ ...settings, threads })),
    { ...settings, spinning: !settings.spinning },
    { ...settings, arena: !settings.arena },
    { ...settings, executionMode: settings.executionMode === 'sequential' ? 'parallel' : 'sequential' },
  ];
}

/** All cores, and halves of them down to one. */
function threadCounts(cores: number): number[] {
  const counts: number[] = [];
  for (let count = Math.max(1, cores); count >= 1; count = Math.floor(count / 2)) counts.push(count);
  return counts;
}

function keyOf({ provider, threads, spinning, arena, executionMode }: SessionSettings): string {
  return [provider, threads, spinning, arena, executionMode].join(' ');
}
