import { type Assignment, reconcilePhaseSchema } from '@starling/shared';
import { describe, expect, test } from 'vitest';
import { type Actual, isLoadOf, isTrial, loadKey, planSteps, runsTheSame, sameAssignment } from './plan.ts';

const assignment = (release: string, map = 'm1'): Assignment => ({ release: release.repeat(64), artefacts: { map: map.repeat(32) } });
const nothing: Actual = { active: null, activeIsGood: false, loaded: [] };
const running = (release: Assignment, ...others: Assignment[]): Actual => ({
  active: release,
  activeIsGood: true,
  loaded: [release, ...others].map(loadKey),
});
const kinds = (...args: Parameters<typeof planSteps>): string[] => planSteps(...args).map(({ kind }) => kind);

describe('the plan', () => {
  const [a, b] = [assignment('a'), assignment('b')];

  test('of a new release checks before it pulls, proves before it switches, and keeps before it throws away', () => {
    const plan = planSteps(b, running(a));
    const order = plan.map(({ kind }) => kind);
    expect(order).toEqual([
      ...[
        'fetch-documents',
        'check-agent',
        'check-memory',
        'check-space',
        'pull-blobs',
        'load',
        'self-test',
        'activate',
        'probation',
        'commit',
      ],
      ...['retire', 'collect-garbage'],
    ]);
    expect(plan.find(({ kind }) => kind === 'retire')?.release).toBe(loadKey(a));
  });

  test('of what runs and is good is empty, whatever else is loaded being let go', () => {
    expect(kinds(a, running(a))).toEqual([]);
    expect(planSteps(a, running(a, b))).toEqual([{ kind: 'retire', release: loadKey(b) }]);
  });

  test('of what runs but has not passed its probation starts there', () => {
    expect(kinds(a, { ...running(a), activeIsGood: false })).toEqual(['probation', 'commit', 'collect-garbage']);
  });

  test('of the same release with a better artefact is a new one', () => {
    const better = assignment('a', 'm2');
    expect(sameAssignment(a, better)).toBe(false);
    expect(kinds(better, running(a))).toContain('self-test');
  });

  test('of nothing stops what runs, and is empty where nothing does', () => {
    expect(kinds(null, nothing)).toEqual([]);
    expect(kinds(null, running(a))).toEqual(['commit', 'retire']);
  });

  test('is data: it can be written down and read back', () => {
    const plan = planSteps(b, running(a));
    expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
  });
});

test('what happens while a release is loaded and tested speaks of it, what happens before and after of the one that runs', () => {
  const phases = reconcilePhaseSchema.options.filter(isTrial);
  expect(phases).toEqual(['installed', 'self-testing']);
});

describe('a load', () => {
  const [a, b] = [assignment('a'), assignment('b')];

  test('is told by its release and its places, whichever artefacts it was given', () => {
    const places = ['group:line', 'cloud'];
    expect(isLoadOf(loadKey({ ...a, places }), { ...assignment('a', 'm2'), places: places.toReversed() })).toBe(true);
    expect(isLoadOf(loadKey({ ...a, artefacts: {}, places }), { ...a, places })).toBe(true);
    expect(isLoadOf(loadKey({ ...a, places }), { ...b, places })).toBe(false);
    expect(isLoadOf(loadKey({ ...a, places }), { ...a, places: ['cloud'] })).toBe(false);
    expect(isLoadOf(loadKey({ ...a, places }), a)).toBe(false);
    expect(isLoadOf(loadKey(a), { ...a, places })).toBe(false);
    expect(isLoadOf(loadKey(a), a)).toBe(true);
  });

  test('goes on when only another device works for this one', () => {
    expect(runsTheSame({ ...a, workers: { cloud: 'w1' } }, { ...a, workers: { cloud: 'w2' } })).toBe(true);
    expect(runsTheSame(a, { ...a, fallbacks: { map: ['f'.repeat(64)] } })).toBe(false);
    expect(runsTheSame(a, b)).toBe(false);
    expect(runsTheSame(null, null)).toBe(true);
    expect(runsTheSame(a, null)).toBe(false);
  });
});
