import type { SessionSettings, TuneObjective } from '@starling/shared';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bestTrial, energyMethodOf, nextTrial, type Trial, type TuneSpace } from './tune.ts';

const first: SessionSettings = { provider: 'cpu', threads: 0, spinning: false, arena: false, executionMode: 'sequential' };
const space: TuneSpace = { providers: ['cpu'], cores: 4 };

const latency: TuneObjective = { minimise: 'latency' };
const best = (trials: readonly Trial[], objective = latency) => bestTrial(trials, objective);

type Cost = Partial<Omit<Trial, 'settings'>> & { latencyMs: number; cpuMs: number };

/** Searches to the end with a cost for each setting. */
function search(cost: (settings: SessionSettings) => Cost, { within = space, objective = latency } = {}): Trial[] {
  const trials: Trial[] = [];
  const next = () => nextTrial(within, trials, first, objective);
  for (let settings = next(); settings !== undefined; settings = next()) {
    const known = cost(settings);
    trials.push({ settings, latencyMsP95: known.latencyMs, measuredJoules: null, memoryBytes: null, ...known });
  }
  return trials;
}

test('starts with the settings that are used now, and climbs to what is faster', () => {
  const trials = search(({ threads, arena }) => ({ latencyMs: (threads === 2 ? 10 : 20) - (arena ? 4 : 0), cpuMs: 20 }));
  expect(trials[0]?.settings).toEqual(first);
  expect(best(trials)?.settings).toMatchObject({ threads: 2, arena: true });
});

test('does not change for noise, and takes the cheaper of two that are equally fast', () => {
  const noisy = search(({ arena }) => ({ latencyMs: arena ? 9.9 : 10, cpuMs: 10 }));
  expect(best(noisy)?.settings).toEqual(first);
  const cheaper = search(({ threads }) => ({ latencyMs: 10, cpuMs: threads === 1 ? 5 : 10 }));
  expect(best(cheaper)?.settings).toMatchObject({ threads: 1 });
});

test('a provider that does not load loses', () => {
  const trials = search(({ provider }) => ({ latencyMs: provider === 'webgpu' ? Number.POSITIVE_INFINITY : 5, cpuMs: 5 }), {
    within: { ...space, providers: ['webgpu', 'cpu'] },
  });
  expect(best(trials)?.settings.provider).toBe('cpu');
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
        { within: { providers: ['webgpu', 'cpu'], cores } },
      );
      const keys = trials.map(({ settings }) => JSON.stringify(Object.values(settings)));
      expect(new Set(keys).size).toBe(keys.length);
      expect(trials.length).toBeLessThan(200);
      const found = best(trials);
      expect(trials.every(({ latencyMs }) => latencyMs >= (found?.latencyMs ?? 0) * 0.97)).toBe(true);
    }),
  );
});

describe('for least energy', () => {
  const objective: TuneObjective = { minimise: 'energy' };
  /** More threads are faster, and cost more processor than they save. */
  const threaded = ({ threads }: SessionSettings): Cost => ({ latencyMs: 40 / Math.max(1, threads), cpuMs: 40 + 5 * threads });

  test('takes what needs the least processor time where no sensor tells, and says that it is modelled', () => {
    const trials = search(({ threads, ...rest }) => threaded({ ...rest, threads: threads || 4 }), { objective });
    expect(best(trials, objective)?.settings.threads).toBe(1);
    expect(best(trials)?.settings.threads).not.toBe(1);
    expect(energyMethodOf(trials)).toBe('modelled');
  });

  test('believes a sensor before processor time', () => {
    // A processor that runs to sleep sooner saves what it costs.
    const trials = search((settings) => ({ ...threaded(settings), measuredJoules: settings.threads === 4 ? 1 : 2 }), { objective });
    expect(best(trials, objective)?.settings.threads).toBe(4);
    expect(energyMethodOf(trials)).toBe('measured');
  });

  test('never compares a sensor with processor time', () => {
    const mixed = search(
      (settings) => ({ ...threaded(settings), measuredJoules: settings.arena ? null : settings.threads === 4 ? 1 : 2 }),
      {
        objective,
      },
    );
    expect(energyMethodOf(mixed)).toBe('modelled');
  });

  test('a limit on latency comes first; where nothing keeps it, what is nearest', () => {
    const limited = { ...objective, latencyMsP95Maximum: 25 };
    const trials = search(threaded, { objective: limited });
    expect(best(trials, limited)?.settings.threads).toBe(2);
    const impossible = { ...objective, latencyMsP95Maximum: 1 };
    expect(best(search(threaded, { objective: impossible }), impossible)?.settings.threads).toBe(4);
  });

  test('of two that cost the same takes the faster one, and noise changes nothing', () => {
    const trials = search(({ arena, spinning }) => ({ latencyMs: arena ? 8 : 10, cpuMs: spinning ? 9.7 : 10 }), { objective });
    expect(best(trials, objective)?.settings).toMatchObject({ arena: true, spinning: false });
  });
});

test('for least memory takes the settings that grow the least, and by latency where nobody can tell', () => {
  const objective: TuneObjective = { minimise: 'memory' };
  const told = search(({ arena }) => ({ latencyMs: arena ? 5 : 10, cpuMs: 10, memoryBytes: arena ? 30e6 : 20e6 }), { objective });
  expect(best(told, objective)?.settings.arena).toBe(false);
  const untold = search(({ arena }) => ({ latencyMs: arena ? 5 : 10, cpuMs: 10 }), { objective });
  expect(best(untold, objective)?.settings.arena).toBe(true);
});
