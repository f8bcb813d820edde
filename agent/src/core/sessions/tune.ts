import type { SessionSettings } from '@starling/shared';

/** What one way to run a model gave. */
export interface Trial {
  settings: SessionSettings;
  /** Median of one run; Infinity if it did not load or computed something else. */
  latencyMs: number;
  cpuMs: number;
}

export interface TuneSpace {
  /** Execution providers that may be tried, best first. */
  providers: readonly string[];
  cores: number;
}

/** Less is noise: nobody should get other settings for it. */
const FASTER_SHARE = 0.03;
/** Where two are equally fast, the one that costs less processor wins, if it is clearly less. */
const CHEAPER_SHARE = 0.1;

/**
 * The next settings to try: one thing at a time is changed in the best that is known (hill climbing), until no neighbour of it is left.
 * @returns undefined when the search is over
 */
export function nextTrial(space: TuneSpace, trials: readonly Trial[], first: SessionSettings): SessionSettings | undefined {
  const best = bestTrial(trials);
  if (best === undefined) return first;
  const tried = new Set(trials.map(({ settings }) => keyOf(settings)));
  return neighbours(best.settings, space).find((settings) => !tried.has(keyOf(settings)));
}

/** The best of some trials; an earlier one is only given up for one that is clearly better. */
export function bestTrial(trials: readonly Trial[]): Trial | undefined {
  return trials.reduce<Trial | undefined>((best, trial) => (best === undefined || isBetter(trial, best) ? trial : best), undefined);
}

function isBetter(one: Trial, other: Trial): boolean {
  if (one.latencyMs < other.latencyMs * (1 - FASTER_SHARE)) return true;
  return (
    one.latencyMs <= other.latencyMs * (1 + FASTER_SHARE) &&
    one.cpuMs < other.cpuMs * (1 - CHEAPER_SHARE) &&
    one.latencyMs <= other.latencyMs
  );
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
