import { type ExperimentSpecInput, experimentActionSchema, experimentSpecSchema, experimentStateSchema } from '@starling/shared';
import { describe, expect, test } from 'vitest';
import { type Decision, decide, type Known } from './decide.ts';
import { composePart } from './join-devices.ts';
import { nextShares } from './runner.ts';
import { activeStates, experimentTable, isOver, possibleActions } from './states.ts';

const DAY_MS = 86_400_000;
const specOf = (changes: Partial<ExperimentSpecInput> = {}) =>
  experimentSpecSchema.parse({
    name: 'duel',
    selector: 'true',
    mode: 'split',
    challengers: [
      { release: 'b', percent: 10 },
      { release: 'c', percent: 10 },
    ],
    ...changes,
  });
const armOf = (verdict: Known['arms'][number]['verdict'], estimate = 0): Known['arms'][number] => ({
  ...{ name: verdict, verdict, reason: `it is ${verdict}` },
  difference: { estimate, low: null, high: null, samples: 0, devices: 0 },
});
const known = (verdicts: readonly Parameters<typeof armOf>[], changes: Partial<Known> = {}): Known => ({
  ...{ spec: specOf(), nowMs: DAY_MS, startedAtMs: 0, sampleRatio: null, isMismatchAccepted: false },
  arms: [armOf('champion'), ...verdicts.map((each) => armOf(...each))],
  ...changes,
});
const mismatch = { expected: [0.8, 0.1, 0.1], seen: [0.9, 0.05, 0.05], p: 0.0001, mismatch: true };

describe('stop rules', () => {
  test.each<[string, Known, Partial<Decision>]>([
    ['go on while anything is undecided', known([['better', 0.1], ['undecided']]), { do: 'go-on' }],
    [
      'the better of two better ones wins',
      known([
        ['better', 0.1],
        ['better', 0.2],
      ]),
      { do: 'conclude', winner: 2 } as Decision,
    ],
    ['one that is better wins over one that is worse', known([['better', 0.1], ['worse']]), { do: 'conclude', winner: 1 } as Decision],
    ['where no difference is left, nobody wins', known([['no-difference'], ['worse']]), { do: 'conclude', winner: null } as Decision],
    ['where all are worse, the champion does', known([['worse'], ['worse']]), { do: 'conclude', winner: 0 } as Decision],
    ['a guard that failed stops it', known([['harmful'], ['worse']]), { do: 'stop', winner: 0 } as Decision],
    ['one that is worse alone does not', known([['worse'], ['undecided']]), { do: 'go-on' }],
    ['time ends it', known([['undecided'], ['undecided']], { nowMs: 14 * DAY_MS }), { do: 'conclude', winner: null } as Decision],
    [
      'time ends it with whoever is better by then',
      known([['undecided'], ['better', 0.1]], { nowMs: 14 * DAY_MS }),
      { do: 'conclude', winner: 2 } as Decision,
    ],
    [
      'items that went other ways pause it',
      known([['better', 0.1], ['worse']], { sampleRatio: mismatch }),
      { do: 'pause', why: 'mismatch' } as Decision,
    ],
    ['nothing but time ends it in a pause', known([['better', 0.1], ['worse']], { isPaused: true }), { do: 'go-on' }],
    ['but not twice', known([['undecided'], ['undecided']], { sampleRatio: mismatch, isMismatchAccepted: true }), { do: 'go-on' }],
    [
      'a person may want to decide on harm',
      known([['worse'], ['worse']], { spec: specOf({ stop: { onHarm: 'pause' } }) }),
      { do: 'pause', why: 'harm' } as Decision,
    ],
    ['or nobody', known([['worse'], ['worse']], { spec: specOf({ stop: { onHarm: 'go-on', onEvidence: 'go-on' } }) }), { do: 'go-on' }],
  ])('%s', (_what, given, expected) => expect(decide(given)).toMatchObject(expected));
});

describe('the life of an experiment', () => {
  test('is a complete table, in which what is over stays over', () => {
    for (const state of experimentStateSchema.options) {
      expect(Object.keys(experimentTable[state]).sort()).toEqual([...experimentActionSchema.options, 'conclude'].sort());
      for (const next of Object.values(experimentTable[state])) if (isOver(state) && next !== null) expect(next).toBe('promoted');
    }
    expect(possibleActions('promoted')).toEqual([]);
    expect(activeStates.every((state) => !isOver(state))).toBe(true);
  });
});

describe('shares', () => {
  const row = { spec: specOf(), shares: [0.8, 0.1, 0.1], sharesAtMs: 0 };
  const arms = (verdicts: readonly string[]) =>
    verdicts.map((verdict) => ({ name: verdict, verdict, reason: '', probabilityBest: null })) as never;

  test('of one that is surely worse go to the champion, while others are looked at', () => {
    const moved = nextShares(row, { arms: arms(['champion', 'worse', 'undecided']), figures: [] }, DAY_MS);
    expect(moved?.shares.map((share) => Math.round(share * 100))).toEqual([90, 0, 10]);
    expect(
      nextShares({ ...row, shares: [0.9, 0, 0.1] }, { arms: arms(['champion', 'worse', 'undecided']), figures: [] }, DAY_MS),
    ).toBeUndefined();
  });
});

test('a part that does not fit loses its runners-up first, and is refused then', () => {
  const row = {
    id: 'e'.repeat(26),
    spec: specOf(),
    shares: [0.8, 0.1, 0.1],
    state: 'running' as const,
    challengers: ['b', 'c'].map((name) => ({ release: name.repeat(64), name })),
  };
  const digest = 'a'.repeat(64);
  const chosen = [0, 1].map(() => ({
    artefacts: Object.fromEntries(Array.from({ length: 6 }, (_, model) => [`model-${model}`, digest])),
    reasons: Object.fromEntries(Array.from({ length: 6 }, (_, model) => [`model-${model}`, { fallbacks: [digest, digest] }])) as never,
  }));
  expect(composePart(row, chosen, 6_000)?.arms[0]?.fallbacks).toBeDefined();
  expect(composePart(row, chosen, 2_000)?.arms[0]).toMatchObject({ share: 0.1 });
  expect(composePart(row, chosen, 2_000)?.arms[0]?.fallbacks).toBeUndefined();
  expect(composePart(row, chosen, 500)).toBeUndefined();
});
