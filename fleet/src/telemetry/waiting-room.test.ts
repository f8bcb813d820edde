import type { TelemetryKind } from '@starling/shared';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createWaitingRoom, leastValuableFirst, type Waiting } from './waiting-room.ts';

const rankOf = (kind: TelemetryKind): number => leastValuableFirst.indexOf(kind);
const arrival = fc.record({
  device: fc.constantFrom('a', 'b', 'c'),
  kind: fc.constantFrom(...leastValuableFirst),
  streamId: fc.constant('s'),
  first: fc.integer({ min: 1, max: 5 }),
  last: fc.integer({ min: 5, max: 9 }),
  bytes: fc.integer({ min: 1, max: 60 }),
});
const step = fc.oneof({ weight: 4, arbitrary: arrival }, { weight: 1, arbitrary: fc.integer({ min: 1, max: 3 }) });

test('every batch is taken, said by another one, or deferred: once; the bound holds, and no batch goes for a less valuable one', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const room = createWaitingRoom<Waiting>(100);
      const inside = new Set<Waiting>();
      const leave = (batch: Waiting): void => {
        expect(inside.delete(batch)).toBe(true);
      };
      for (const each of steps) {
        if (typeof each === 'number') {
          const wasLoaded = room.isLoaded();
          const taken = room.take(each);
          const first = taken[0];
          if (wasLoaded && first !== undefined) expect(rankOf(first.kind)).toBe(Math.max(...[...inside].map(({ kind }) => rankOf(kind))));
          taken.forEach(leave);
        } else {
          inside.add(each);
          const { superseded, deferred } = room.add(each);
          if (superseded !== undefined) leave(superseded);
          for (const batch of deferred) {
            expect(rankOf(batch.kind)).toBeLessThanOrEqual(rankOf(each.kind));
            leave(batch);
          }
        }
        expect(room.bytes()).toBe([...inside].reduce((sum, { bytes }) => sum + bytes, 0));
        expect(room.bytes()).toBeLessThanOrEqual(100);
        expect(room.batches()).toBe(inside.size);
      }
    }),
    { numRuns: 500 },
  );
});

test('without load batches are taken in the order in which they came, one that was sent again at its first place', () => {
  const room = createWaitingRoom<Waiting>(1000);
  const batch = (kind: TelemetryKind, device: string, last = 1): Waiting => ({ device, kind, streamId: 's', first: 1, last, bytes: 1 });
  const old = batch('health', 'a');
  for (const each of [old, batch('events', 'b'), batch('health', 'c')]) room.add(each);
  const again = batch('health', 'a', 4);
  expect(room.add(again)).toEqual({ superseded: old, deferred: [] });
  expect(room.take(10).map(({ device, last }) => [device, last])).toEqual([
    ['a', 4],
    ['b', 1],
    ['c', 1],
  ]);
});

test('batches of devices that are busy stay where they are, and are next when these are free', () => {
  const room = createWaitingRoom<Waiting>(1000);
  const batch = (device: string, first: number): Waiting => ({ device, kind: 'health', streamId: 's', first, last: first, bytes: 1 });
  for (const each of [batch('a', 1), batch('b', 1), batch('a', 2), batch('c', 1)]) room.add(each);
  const taken = (...busy: string[]) => room.take(2, new Set(busy)).map(({ device, first }) => `${device}${first}`);
  expect(taken('a')).toEqual(['b1', 'c1']);
  expect(taken('a')).toEqual([]);
  expect(room.batches()).toBe(2);
  expect(taken()).toEqual(['a1', 'a2']);
});
