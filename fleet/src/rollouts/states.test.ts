import { type RolloutState, rolloutSpecSchema, rolloutStateSchema, type TargetState, targetStateSchema } from '@starling/shared';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { advance, allowedPerMinute, type RolloutFacts } from './advance.ts';
import { planSteps, problemsOfSteps, quotaOf } from './plan-waves.ts';
import { isOver, nextRollout, openStates, rolloutEvents, rolloutTable, targetEvents, targetTable } from './states.ts';
import { noCounts } from './targets-store.ts';
import { opensAtMs, openUntilMs, problemsOfWindows } from './windows.ts';

describe('the machines', () => {
  test('end: from every open state of a rollout an end can be reached', () => {
    const reaches = (from: RolloutState, seen = new Set<RolloutState>()): boolean => {
      if (isOver(from)) return true;
      seen.add(from);
      return rolloutEvents.some((event) => {
        const next = rolloutTable[from][event];
        return next !== null && next !== 'back' && !seen.has(next) && reaches(next, seen);
      });
    };
    for (const state of openStates) expect(reaches(state)).toBe(true);
    expect(rolloutStateSchema.options.filter(isOver)).toEqual(['succeeded', 'aborted', 'stopped', 'rolled-back']);
  });

  test('a stop is possible from wherever something may be started', () => {
    for (const state of ['scheduled', 'running', 'paused', 'following', 'aborting'] as const) {
      expect(nextRollout(state, 'stop', null)).toBe('stopping');
      expect(nextRollout(state, 'rollback', null)).toBe('rolling-back');
    }
  });

  test('a pause goes back to where it came from', () => {
    for (const state of ['scheduled', 'running', 'following'] as const) expect(nextRollout('paused', 'resume', state)).toBe(state);
  });

  test('a target that was counted is counted once: no way leads from one outcome to the other', () => {
    const outcomes: TargetState[] = ['succeeded', 'failed', 'timed-out'];
    for (const from of outcomes) {
      for (const event of targetEvents) {
        const next = targetTable[from][event];
        if (next !== null) expect(['returning', 'superseded']).toContain(next);
      }
    }
    // What was taken back, or is somebody else's, stays so.
    for (const state of ['returned', 'unconfirmed', 'superseded', 'cancelled', 'skipped', 'unchanged'] as const)
      expect(targetEvents.map((event) => targetTable[state][event])).toEqual(targetEvents.map(() => null));
    expect(targetStateSchema.options.every((state) => state in targetTable)).toBe(true);
  });
});

const spec = rolloutSpecSchema.parse({ name: 'r', release: 'x', selector: 'true' });

describe('decisions', () => {
  const base: RolloutFacts = {
    ...{ state: 'running', spec, steps: planSteps(spec), step: 0, stepStartedAtMs: 0, followedSinceMs: null, nowMs: 1_000 },
    ...{ counts: noCounts(), total: 100, started: 0, wave: noCounts(), eligible: 100, reachable: 100, acceptedFailures: 0 },
    ...{ graceOver: true, failures: [], approvals: 0 },
  };
  const withCounts = (change: Partial<ReturnType<typeof noCounts>>) => ({ ...noCounts(), ...change });

  test('never start more than a step reaches, nor more than there are', () => {
    fc.assert(
      fc.property(fc.nat(200), fc.nat(200), fc.nat(6), fc.nat(200), (total, started, step, eligible) => {
        const steps = planSteps(spec);
        const planned = steps[step % steps.length];
        const decision = advance({ ...base, total, started: Math.min(started, total), eligible, step: step % steps.length });
        if (decision.do !== 'admit') return;
        expect(decision.quota).toBeLessThanOrEqual(eligible);
        expect(Math.min(started, total) + decision.quota).toBeLessThanOrEqual(quotaOf(planned?.step ?? { setCount: 1 }, total) ?? 0);
      }),
    );
  });

  test('a wave passes on successes alone', () => {
    const wave = withCounts({ succeeded: 9, failed: 1 });
    const at = { ...base, step: 1, started: 10, counts: wave, wave };
    expect(advance(at)).toMatchObject({ do: 'fail', action: 'rollback' });
    expect(advance({ ...at, spec: { ...spec, successPercent: 90 } })).toMatchObject({ do: 'step' });
    const silent = withCounts({ succeeded: 9, 'timed-out': 1 });
    expect(advance({ ...at, wave: silent, counts: silent })).toMatchObject({ do: 'pause', waiting: { kind: 'inconclusive' } });
    const allSilent = withCounts({ 'timed-out': 10 });
    expect(advance({ ...at, wave: allSilent, counts: allSilent })).toMatchObject({ do: 'pause' });
  });

  test('failures act at their percentage, and not before enough have ended', () => {
    const failures = [{ kind: 'failed', code: 'self-test-failed', devices: 1 }];
    const few = withCounts({ succeeded: 3, failed: 1, assigned: 6 });
    expect(advance({ ...base, failures, counts: few, wave: few, started: 10 })).toMatchObject({ do: 'wait' });
    const enough = withCounts({ succeeded: 4, failed: 1, assigned: 5 });
    expect(advance({ ...base, failures, counts: enough, wave: enough, started: 10 })).toMatchObject({ do: 'fail', action: 'rollback' });
    // Also while a person looks at it.
    expect(advance({ ...base, state: 'paused', failures, counts: enough })).toMatchObject({ do: 'fail' });
    const pausing = { ...spec, failureThresholds: [{ kind: 'any', percent: 20, minimumExecuted: 5, action: 'pause' as const }] };
    expect(advance({ ...base, spec: pausing, failures, counts: enough, wave: enough, started: 10 })).toMatchObject({ do: 'pause' });
    expect(advance({ ...base, spec: pausing, failures, counts: enough, wave: enough, started: 10, acceptedFailures: 1 }).do).not.toBe(
      'pause',
    );
  });

  test('an analysis decides, and what stays unclear is for a person', () => {
    const analysed = rolloutSpecSchema.parse({
      ...spec,
      canary: { count: 0 },
      steps: [{ analyse: 'errors', for: '30m' }, { setPercent: 100 }],
    });
    const at = { ...base, spec: analysed, steps: planSteps(analysed) };
    const judged = (verdict: 'successful' | 'failed' | 'inconclusive' | 'running') => ({ verdict, reason: 'because' });
    expect(advance({ ...at, judged: judged('successful') })).toMatchObject({ do: 'step' });
    expect(advance({ ...at, judged: judged('failed') })).toMatchObject({ do: 'fail', action: 'rollback' });
    expect(advance({ ...at, judged: judged('running') })).toMatchObject({ waiting: { kind: 'analysis' } });
    expect(advance({ ...at, nowMs: 31 * 60_000, judged: judged('running') })).toMatchObject({
      do: 'pause',
      waiting: { kind: 'inconclusive' },
    });
    expect(advance({ ...base, background: judged('failed') })).toMatchObject({ do: 'fail' });
  });

  test('a step that cannot end is told to a person', () => {
    const counts = withCounts({ waiting: 100 });
    expect(advance({ ...base, counts, reachable: 0 })).toMatchObject({ do: 'admit', waiting: { kind: 'reachable' } });
    expect(advance({ ...base, counts, reachable: 0, nowMs: 8 * 86_400_000 })).toMatchObject({
      do: 'pause',
      waiting: { kind: 'step-timeout' },
    });
  });

  test('the rate grows by its factor, up to its maximum', () => {
    const growing = { rate: { perMinute: 10, growth: { factor: 2, everySucceeded: 5, maximumPerMinute: 50 } } };
    expect([0, 4, 5, 10, 15, 1_000].map((succeeded) => allowedPerMinute(growing, succeeded))).toEqual([10, 10, 20, 40, 50, 50]);
  });
});

describe('steps', () => {
  const names = (change: object): string[] => planSteps(rolloutSpecSchema.parse({ ...spec, ...change })).map(({ name }) => name);

  test('begin with a canary and end with everybody', () => {
    expect(names({})).toEqual(['canary', '10 %', '100 %']);
    expect(names({ steps: [] })).toEqual(['canary', '100 %']);
    expect(names({ canary: { count: 0 }, steps: [{ setCount: 5 }] })).toEqual(['5 devices', '100 %']);
    expect(names({ canary: { count: 5 }, steps: [{ setCount: 2 }] })).toEqual(['2 devices', '100 %']);
  });

  test('only go up', () => {
    const fields = (steps: object[]): string[] => problemsOfSteps(rolloutSpecSchema.parse({ ...spec, steps })).map(({ field }) => field);
    expect(fields([{ setPercent: 10 }, { setPercent: 10 }])).toEqual(['steps.1.setPercent']);
    expect(fields([{ setCount: 10 }, { setCount: 5 }])).toEqual(['steps.1.setCount']);
    expect(fields([{ setPercent: 100 }, { setLabel: { a: 'b' } }])).toEqual(['steps.1']);
    expect(fields([{ setPercent: 10 }, { approve: 1 }, { setPercent: 20 }])).toEqual([]);
  });

  test('any share of devices is rounded up once', () => {
    expect(quotaOf({ setPercent: 10 }, 25)).toBe(3);
    expect(quotaOf({ setPercent: 70 }, 10)).toBe(7);
    expect(quotaOf({ setPercent: 0.1 }, 10)).toBe(1);
    expect(quotaOf({ setPercent: 50 }, 0)).toBe(0);
  });
});

describe('windows', () => {
  const nightly = { timeZone: 'UTC', open: [{ cron: '0 23 * * *', for: '2h' }] };
  const at = (text: string): number => Date.parse(text);

  test('open at their first millisecond, past midnight, and are shut at their end', () => {
    expect(openUntilMs(nightly, 'UTC', at('2026-03-01T22:59:59.999Z'))).toBeUndefined();
    expect(openUntilMs(nightly, 'UTC', at('2026-03-01T23:00:00.000Z'))).toBe(at('2026-03-02T01:00:00Z'));
    expect(openUntilMs(nightly, 'UTC', at('2026-03-02T00:59:59.999Z'))).toBe(at('2026-03-02T01:00:00Z'));
    expect(openUntilMs(nightly, 'UTC', at('2026-03-02T01:00:00.000Z'))).toBeUndefined();
    expect(opensAtMs(nightly, 'UTC', at('2026-03-02T01:00:00Z'))).toBe(at('2026-03-02T23:00:00Z'));
  });

  test('follow local time over a change of the clock', () => {
    const local = (text: string) => openUntilMs(nightly, 'Europe/Berlin', at(text)) !== undefined;
    expect([local('2026-03-28T22:30:00Z'), local('2026-03-28T21:30:00Z')]).toEqual([true, false]);
    // Summer time began: 23:00 is an hour earlier in UTC.
    expect([local('2026-03-29T22:30:00Z'), local('2026-03-29T21:30:00Z'), local('2026-03-29T20:30:00Z')]).toEqual([true, true, false]);
  });

  test('that never open, or are none, are refused with a fix', () => {
    const codes = (windows: object): string[] =>
      problemsOfWindows({ ...nightly, ...windows }, at('2026-01-01T00:00:00Z')).map(({ code }) => code);
    expect(codes({})).toEqual([]);
    expect(codes({ open: [{ cron: '0 1 30 2 *', for: '1h' }] })).toEqual(['window-never-opens']);
    expect(codes({ open: [{ cron: '0 1 29 2 *', for: '1h' }] })).toEqual(['window-never-opens']);
    expect(codes({ open: [{ cron: '61 1 * * *', for: '1h' }] })).toEqual(['bad-window']);
    expect(codes({ open: [{ cron: '* * * * * *', for: '1h' }] })).toEqual(['bad-window']);
    expect(codes({ timeZone: 'Berlin' })).toEqual(['unknown-time-zone']);
  });
});
