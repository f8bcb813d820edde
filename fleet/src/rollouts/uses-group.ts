import { groupsOf, isStarlingError, parseSelector } from '@starling/shared';
import type { Queryable } from '../db/index.ts';
import { openRollouts } from './store.ts';

/** Open rollouts whose devices are meant by a group, as `rollout NAME`: it cannot go before they have ended. */
export async function rolloutsThatUse(db: Queryable, group: string): Promise<string[]> {
  const open = await openRollouts(db);
  return open.filter(({ spec }) => groupsNamed(spec.selector, group).includes(group)).map(({ name }) => `rollout ${name}`);
}

function groupsNamed(selector: string, group: string): string[] {
  try {
    return groupsOf(parseSelector(selector, { groups: [group] }).condition);
  } catch (error) {
    // It names another group, of which this one knows nothing; whether it names this one too, its text says.
    if (isStarlingError(error)) return selector.includes(`group("${group}")`) ? [group] : [];
    throw error;
  }
}
