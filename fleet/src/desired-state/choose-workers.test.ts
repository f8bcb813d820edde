import { WORKER_ABSENCE_MS } from '@starling/shared';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chooseWorkers, placesOfLabels, type WorkerCandidate } from './choose-workers.ts';

const NOW_MS = 1_800_000_000_000;
const worker = (id: string, rest: Partial<WorkerCandidate> = {}): WorkerCandidate => ({
  ...{ id, places: ['cloud'], online: true, lastSeenAtMs: NOW_MS, ...rest },
});
const choose = (home: string, candidates: readonly WorkerCandidate[], current: Record<string, string> = {}) =>
  chooseWorkers(home, ['cloud'], candidates, current, NOW_MS).cloud;

describe('choosing who works for whom', () => {
  test('takes labels for places', () => {
    expect(placesOfLabels({ place: 'cloud', group: 'gpu', site: 'a' })).toEqual(['cloud', 'group:gpu']);
    expect(placesOfLabels({ place: 'cellar', group: 'Not A Name' })).toEqual([]);
  });

  test('chooses nobody where nobody is, and never the device itself', () => {
    expect(choose('h', [])).toBeUndefined();
    expect(choose('h', [worker('h'), worker('g', { places: ['group:x'] })])).toBeUndefined();
  });

  test('keeps who works, also through a short absence, and for as long as nobody else is there', () => {
    const away = worker('a', { online: false, lastSeenAtMs: NOW_MS - WORKER_ABSENCE_MS });
    expect(choose('h', [worker('a', { online: false, lastSeenAtMs: NOW_MS - 1000 }), worker('b')], { cloud: 'a' })).toBe('a');
    expect(choose('h', [away, worker('b', { online: false })], { cloud: 'a' })).toBe('a');
    expect(choose('h', [away, worker('b')], { cloud: 'a' })).toBe('b');
    expect(choose('h', [worker('b')], { cloud: 'a' })).toBe('b');
  });

  test('prefers those that are there', () => {
    fc.assert(
      // No device works for itself.
      fc.property(
        fc.string().filter((home) => home !== 'b'),
        (home) => {
          expect(choose(home, [worker('a', { online: false }), worker('b')])).toBe('b');
        },
      ),
    );
  });

  test('spreads homes, and moves only those whose worker is gone', () => {
    const all = ['a', 'b', 'c', 'd'].map((id) => worker(id));
    const homes = Array.from({ length: 400 }, (_, index) => `home-${index}`);
    const before = homes.map((home) => choose(home, all));
    for (const { id } of all) expect(before.filter((each) => each === id).length).toBeGreaterThan(60);
    const left = all.filter(({ id }) => id !== 'b');
    for (const [index, home] of homes.entries()) if (before[index] !== 'b') expect(choose(home, left)).toBe(before[index]);
  });
});
