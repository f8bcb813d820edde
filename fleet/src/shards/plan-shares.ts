import { shards } from './shard.ts';

/** What only one process of a fleet does at a time. */
export const duties = ['house', 'measuring', 'operators'] as const;
export type Duty = (typeof duties)[number];

export const processLease = (id: string): string => `process/${id}`;
/** Of a process that shows devices a certificate of this authority. */
export const shownLease = (id: string, authority: string): string => `shows/${authority}/${id}`;
export const shardLease = (shard: string): string => `shard/${shard}`;
export const dutyLease = (duty: Duty): string => `duty/${duty}`;

export interface SharePlan {
  /** Leases to try for. Another process may be faster. */
  take: string[];
  /** Leases to give up, so that one which has joined gets its share. */
  release: string[];
}

/**
 * What a process takes and gives up, of what it sees. Shares differ by one at most, and who has the larger one follows from the order of
 * the ids: so all processes that see the same plan the same, and none takes what another is about to keep.
 */
export function planShares(id: string, live: readonly { name: string; owner: string }[]): SharePlan {
  const members = [...new Set([id, ...live.filter(({ name }) => name.startsWith('process/')).map(({ owner }) => owner)])].sort();
  const place = members.indexOf(id);
  const share = Math.floor(shards.length / members.length) + (place < shards.length % members.length ? 1 : 0);
  const owners = new Map(live.map(({ name, owner }) => [name, owner]));
  const ownerOf = (shard: string): string | undefined => owners.get(shardLease(shard));
  const held = shards.filter((shard) => ownerOf(shard) === id);
  const free = shards.filter((shard) => ownerOf(shard) === undefined);
  // Each begins at another place of the ring: two that start together would otherwise try for the same.
  const from = Math.floor((place * shards.length) / members.length);
  const inOrder = [...shards.slice(from), ...shards.slice(0, from)].filter((shard) => free.includes(shard));
  const freeDuties = duties.map(dutyLease).filter((name) => !owners.has(name));
  return {
    take: [...inOrder.slice(0, Math.max(0, share - held.length)).map(shardLease), ...freeDuties],
    release: held.slice(share).map(shardLease),
  };
}
