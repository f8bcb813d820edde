import { logGamma } from '../analysis/index.ts';

/** What came back of one arm. */
export interface Rewards {
  count: number;
  /** Of the rewards, and of their squares. */
  sum: number;
  squares: number;
}

/** A density over values, of which only the shape matters. */
interface Posterior {
  mean: number;
  spread: number;
  /** Ends of the values that it may have. */
  low: number;
  high: number;
  logDensity(value: number): number;
}

/** Points of the grid around each posterior; standard deviations to which it reaches. */
const POINTS = 1_200;
const REACH = 9;

/**
 * Chance of each arm to be the best one, by its posterior: what Thompson sampling plays arms by, worked out instead of drawn, so that one
 * look gives the shares of a whole period (Scott 2010, "A modern Bayesian look at the multi-armed bandit", sections 3 and 4).
 * `binary`: Beta(1 + successes, 1 + failures) (Agrawal & Goyal 2012, algorithm 1). `continuous`: normal about the mean with its standard
 * error, the posterior under a flat prior when there are some tens of rewards.
 * @param arms each with two rewards at least, where they are continuous
 */
export function probabilityBest(arms: readonly Rewards[], kind: 'binary' | 'continuous', better: 'higher' | 'lower'): number[] {
  const turned = better === 'higher' ? arms : arms.map((arm) => turn(arm, kind));
  const posteriors = turned.map(kind === 'binary' ? betaOf : normalOf);
  const grid = gridOf(posteriors);
  const densities = posteriors.map((posterior) => normalised(posterior, grid));
  const below = densities.map((density) => cumulated(density, grid));
  const chances = densities.map((density, arm) => {
    const first = density.map((height, at) =>
      below.reduce((product, other, each) => (each === arm ? product : product * (other[at] ?? 0)), height),
    );
    return trapezoid(first, grid);
  });
  const total = chances.reduce((sum, chance) => sum + chance, 0);
  return chances.map((chance) => chance / total);
}

/**
 * Shares that follow the chances, and leave every arm its floor: without one, an arm that was unlucky at first would never be tried again.
 * @param floor times the number of arms is at most 1
 */
export function sharesOf(chances: readonly number[], floor: number): number[] {
  const free = 1 - floor * chances.length;
  return chances.map((chance) => floor + free * chance);
}

/** Where less is better: the same, seen from the other end. */
function turn({ count, sum, squares }: Rewards, kind: 'binary' | 'continuous'): Rewards {
  return kind === 'binary' ? { count, sum: count - sum, squares: count - sum } : { count, sum: -sum, squares };
}

function betaOf({ count, sum }: Rewards): Posterior {
  const [a, b] = [1 + sum, 1 + Math.max(0, count - sum)];
  const mean = a / (a + b);
  const spread = Math.sqrt((a * b) / ((a + b) ** 2 * (a + b + 1)));
  const scale = logGamma(a + b) - logGamma(a) - logGamma(b);
  const log = (times: number, value: number): number => (times === 0 ? 0 : times * Math.log(value));
  return { mean, spread, low: 0, high: 1, logDensity: (value) => scale + log(a - 1, value) + log(b - 1, 1 - value) };
}

function normalOf({ count, sum, squares }: Rewards): Posterior {
  const mean = sum / count;
  const variance = Math.max(0, (squares - sum ** 2 / count) / Math.max(1, count - 1));
  // Rewards that are all the same to the last digit are a coincidence.
  const spread = Math.max(Math.sqrt(variance / count), Math.abs(mean) * 1e-6, 1e-9);
  return {
    mean,
    spread,
    low: Number.NEGATIVE_INFINITY,
    high: Number.POSITIVE_INFINITY,
    logDensity: (value) => -0.5 * ((value - mean) / spread) ** 2,
  };
}

/** Dense wherever one of them is narrow. */
function gridOf(posteriors: readonly Posterior[]): number[] {
  const points = posteriors.flatMap(({ mean, spread, low, high }) =>
    Array.from({ length: POINTS + 1 }, (_, index) => mean + (2 * (index / POINTS) - 1) * REACH * spread).filter(
      (point) => point >= low && point <= high,
    ),
  );
  const ends = posteriors.flatMap(({ low, high }) => [low, high].filter(Number.isFinite));
  return [...new Set([...points, ...ends])].sort((left, right) => left - right);
}

function normalised({ logDensity }: Posterior, grid: readonly number[]): number[] {
  const logs = grid.map(logDensity);
  const largest = logs.reduce((most, each) => Math.max(most, each), Number.NEGATIVE_INFINITY);
  const heights = logs.map((each) => Math.exp(each - largest));
  const mass = trapezoid(heights, grid);
  return heights.map((height) => height / mass);
}

function cumulated(density: readonly number[], grid: readonly number[]): number[] {
  let sum = 0;
  return density.map((height, at) => {
    if (at > 0) sum += ((height + (density[at - 1] ?? 0)) / 2) * ((grid[at] ?? 0) - (grid[at - 1] ?? 0));
    return Math.min(1, sum);
  });
}

function trapezoid(heights: readonly number[], grid: readonly number[]): number {
  let sum = 0;
  for (let at = 1; at < grid.length; at += 1)
    sum += (((heights[at] ?? 0) + (heights[at - 1] ?? 0)) / 2) * ((grid[at] ?? 0) - (grid[at - 1] ?? 0));
  return sum;
}
