import type { FleetProcess } from '@starling/shared';
import { duties, dutyLease, processLease, shardLease } from './plan-shares.ts';
import { shards } from './shard.ts';

export interface ProcessShares {
  items: FleetProcess[];
  /** Shards that nobody hears. */
  unheard: number;
}

/** Leases that are held -> who does what, in the order of ids. */
export function processShares(id: string, live: readonly { name: string; owner: string }[]): ProcessShares {
  const owners = new Map(live.map(({ name, owner }) => [name, owner]));
  const members = [...new Set(owners.values())].filter((owner) => owners.has(processLease(owner))).sort();
  const heardBy = shards.map((shard) => owners.get(shardLease(shard)));
  return {
    items: members.map((member) => ({
      id: member,
      answers: member === id,
      shards: heardBy.filter((owner) => owner === member).length,
      duties: duties.filter((duty) => owners.get(dutyLease(duty)) === member),
      authority: authorityOf(member, live),
    })),
    unheard: heardBy.filter((owner) => owner === undefined).length,
  };
}

function authorityOf(id: string, live: readonly { name: string; owner: string }[]): string | null {
  const shown = live.find(({ name, owner }) => owner === id && name.startsWith('shows/'));
  return shown?.name.split('/')[1] ?? null;
}

/** Of a process to which devices connect themselves. */
export function sharesAlone(id: string, authority: string | undefined): ProcessShares {
  return { items: [{ id, answers: true, shards: shards.length, duties: [...duties], authority: authority ?? null }], unheard: 0 };
}
