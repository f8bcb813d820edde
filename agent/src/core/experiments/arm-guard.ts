/** Notices on the device that a challenger fails, before the fleet could. */
export interface ArmGuard {
  /** @param arm undefined for the champion @returns whether this arm should answer nothing more */
  ended(arm: string | undefined, hasFailed: boolean): boolean;
}

/** Items of a challenger before anything is said of it. */
const ITEMS_MINIMUM = 20;
/** Counts are halved here: what was long ago fades. */
const ITEMS_MAXIMUM = 60;
/** It fails from this share of its items on, where the champion fails on less than half as much. */
const FAILING_SHARE = 0.5;

interface Counts {
  items: number;
  failures: number;
}

export function createArmGuard(): ArmGuard {
  const arms = new Map<string | undefined, Counts>();
  const countsOf = (arm: string | undefined): Counts => {
    const counts = arms.get(arm) ?? { items: 0, failures: 0 };
    arms.set(arm, counts);
    return counts;
  };
  const shareOf = ({ items, failures }: Counts): number => (items === 0 ? 0 : failures / items);
  return {
    ended(arm, hasFailed) {
      const counts = countsOf(arm);
      counts.items += 1;
      if (hasFailed) counts.failures += 1;
      if (counts.items > ITEMS_MAXIMUM) Object.assign(counts, { items: counts.items / 2, failures: counts.failures / 2 });
      if (arm === undefined || counts.items < ITEMS_MINIMUM) return false;
      return shareOf(counts) >= FAILING_SHARE && shareOf(countsOf(undefined)) < FAILING_SHARE / 2;
    },
  };
}
