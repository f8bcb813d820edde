import fc from 'fast-check';
import { expect, test } from 'vitest';
import { duties, dutyLease, planShares, processLease, shardLease } from './plan-shares.ts';
import { shards } from './shard.ts';

type Leases = Map<string, string>;
const live = (leases: Leases) => [...leases].map(([name, owner]) => ({ name, owner }));

/** One look of a process, as the database would let it: what it gives up goes, what it tries for it gets if it is free. */
function look(id: string, leases: Leases): void {
  leases.set(processLease(id), id);
  const { take, release } = planShares(id, live(leases));
  for (const name of release) if (leases.get(name) === id) leases.delete(name);
  for (const name of take) if (!leases.has(name)) leases.set(name, id);
}

function die(id: string, leases: Leases): void {
  for (const [name, owner] of leases) if (owner === id) leases.delete(name);
}

const sizes = (leases: Leases, members: readonly string[]): number[] =>
  members.map((id) => shards.filter((shard) => leases.get(shardLease(shard)) === id).length);

test('however processes come and go, all shards are heard by somebody, in even shares, after two looks of each', () => {
  const step = fc.record({ join: fc.boolean(), which: fc.nat(6) });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 12 }), (steps) => {
      const leases: Leases = new Map();
      const members = new Set<string>(['p0']);
      for (const { join, which } of steps) {
        const id = `p${which}`;
        if (join) members.add(id);
        else if (members.size > 1 && members.delete(id)) die(id, leases);
        for (let round = 0; round < 2; round += 1) for (const member of members) look(member, leases);
        const held = sizes(leases, [...members]);
        expect(held.reduce((sum, each) => sum + each, 0)).toBe(shards.length);
        expect(Math.max(...held) - Math.min(...held)).toBeLessThanOrEqual(1);
        for (const duty of duties) expect(members.has(leases.get(dutyLease(duty)) ?? '')).toBe(true);
      }
    }),
  );
});

test('nobody gives up a shard for one that does not get it', () => {
  const leases: Leases = new Map();
  look('a', leases);
  expect(sizes(leases, ['a'])).toEqual([32]);
  look('b', leases);
  expect(sizes(leases, ['a', 'b'])).toEqual([32, 0]);
  look('a', leases);
  look('b', leases);
  expect(sizes(leases, ['a', 'b'])).toEqual([16, 16]);
  expect(planShares('a', live(leases))).toEqual({ take: [], release: [] });
});
