import type { SessionSettings } from '@starling/shared';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bestTrial, nextTrial, type Trial, type TuneSpace } from './tune.ts';

const first: SessionSettings = { provider: 'cpu', threads: 0, spinning: false, arena: false, executionMode: 'sequential' };
const space: TuneSpace = { providers: ['cpu'], cores: 4 };

/** Searches to the end with a cost for each setting. */
function search(cost: (settings: SessionSettings) => { latencyMs: number; cpuMs: number }, within = space): Trial[] {
  const trials: Trial[] = [];
  for (let settings = nextTrial(within, trials, first); settings !== undefined; settings = nextTrial(within, trials, first))
    trials.push({ settings, ...cost(settings) });
  return trials;
}

test('starts with the settings that are used now, and climbs to what is faster', () => {
  const trials = search(({ threads, arena }) => ({ latencyMs: (threads === 2 ? 10 : 20) - (arena ? 4 : 0), cpuMs: 20 }));
  expect(trials[0]?.settings).toEqual(first);
  expect(bestTrial(trials)?.settings).toMatchObject({ threads: 2, arena: true });
});

test('does not change for noise, and takes the cheaper of two that are equally fast', () => {
  const noisy = search(({ arena }) => ({ latencyMs: arena ? 9.9 : 10, cpuMs: 10 }));
  expect(bestTrial(noisy)?.settings).toEqual(first);
  const cheaper = search(({ threads }) => ({ latencyMs: 10, cpuMs: threads === 1 ? 5 : 10 }));
  expect(bestTrial(cheaper)?.settings).toMatchObject({ threads: 1 });
});

test('a provider that does not load loses', () => {
  const trials = search(({ provider }) => ({ latencyMs: provider === 'webgpu' ? Number.POSITIVE_INFINITY : 5, cpuMs: 5 }), {
    ...space,
    providers: ['webgpu', 'cpu'],
  });
  expect(bestTrial(trials)?.settings.provider).toBe('cpu');
});

test('always ends, never tries anything twice, and its best has no better neighbour that it saw', () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 1, max: 64 }), (seed, cores) => {
      const trials = search(
        (settings) => {
          const text = JSON.stringify([seed, settings]);
          const hash = [...text].reduce((sum, letter) => (Math.imul(sum, 31) + letter.charCodeAt(0)) >>> 0, 7);
          return { latencyMs: 1 + (hash % 97), cpuMs: 1 + (hash % 89) };
        },
        { providers: ['webgpu', 'cpu'], cores },
      );
      const keys = trials.map(({ settings }) => JSON.stringify(Object.values(settings)));
      expect(new Set(keys).size).toBe(keys.length);
      expect(trials.length).toBeLessThan(200);
      const best = bestTrial(trials);
      expect(trials.every(({ latencyMs }) => latencyMs >= (best?.latencyMs ?? 0) * 0.97)).toBe(true);
    }),
  );
});
