import { expect, test } from 'vitest';
import { dutyLease, processLease, shardLease, shownLease } from './plan-shares.ts';
import { processShares, sharesAlone } from './process-shares.ts';
import { shards } from './shard.ts';

const lease = (name: string, owner: string) => ({ name, owner });

test('a process that is alone does everything', () => {
  expect(sharesAlone('a', 'c0ffee')).toEqual({
    items: [{ id: 'a', answers: true, shards: 32, duties: ['house', 'measuring', 'operators'], authority: 'c0ffee' }],
    unheard: 0,
  });
});

test('processes are shown with what they hold, and what nobody holds is counted', () => {
  const [first = '', second = '', third = ''] = shards;
  const live = [
    ...[lease(processLease('b'), 'b'), lease(processLease('a'), 'a')],
    ...[lease(shardLease(first), 'a'), lease(shardLease(second), 'a'), lease(shardLease(third), 'b')],
    lease(dutyLease('house'), 'b'),
    lease(shownLease('b', 'c0ffee'), 'b'),
  ];
  expect(processShares('b', live)).toEqual({
    items: [
      { id: 'a', answers: false, shards: 2, duties: [], authority: null },
      { id: 'b', answers: true, shards: 1, duties: ['house'], authority: 'c0ffee' },
    ],
    unheard: 29,
  });
});

test('shards of a process that has ended count as heard until their lease ends, and the process is not shown', () => {
  expect(processShares('a', [lease(processLease('a'), 'a'), lease(shardLease('a'), 'gone')])).toMatchObject({
    items: [{ id: 'a', shards: 0 }],
    unheard: 31,
  });
});
