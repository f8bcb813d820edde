import type { ArtefactView, MeasurePlanItem } from '@starling/shared';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Asked, Measured, PlanDevice, PlanInput, Subject } from './facts.ts';
import { AT_ONCE_MAXIMUM, type Plan, planMeasuring } from './plan-measuring.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const NOW_MS = 100 * DAY_MS;
const MEBIBYTE = 1024 ** 2;

const settings = { devicesPerProfile: 3, bytesPerDay: 100 * MEBIBYTE, loadShare: 0.25, idleShare: 0.5, againMs: 30 * DAY_MS };
const artefact = (digest: string, sizeBytes = MEBIBYTE) => ({ digest, sizeBytes, optimisation: `kind-${digest}` }) as ArtefactView;
const subject = (digests: readonly string[], change: Partial<Subject> = {}): Subject => ({
  profile: 'camera',
  model: { name: 'detector', version: '1.0.0', digest: 'model' },
  artefacts: digests.map((digest) => artefact(digest)),
  ...{ wanted: 3, requestedBy: null },
  ...change,
});
const device = (id: string, change: Partial<PlanDevice> = {}): PlanDevice => ({
  ...{ id, name: `name-${id}`, profile: 'camera', isOnline: true, isSettled: true, isSpared: false },
  ...{ runnable: new Set(['a', 'b']), held: new Set<string>(), ...change },
});
const measured = (id: string, digest: string, change: Partial<Measured> = {}): Measured => ({
  ...{ device: id, profile: 'camera', artefact: digest, runtimeVersion: 'onnxruntime-node 1.30.0', runtime: 'onnxruntime-node 1.30.0' },
  ...{ throttled: false, measuredAtMs: NOW_MS - DAY_MS, ...change },
});
const asked = (
  id: string,
  digests: readonly string[],
  outcome: Asked['artefacts'][number]['outcome'],
  change: Partial<Asked> = {},
): Asked => ({
  ...{ device: id, profile: 'camera', issuedAtMs: NOW_MS - HOUR_MS, isOpen: outcome === 'open' },
  artefacts: digests.map((each) => ({ artefact: each, outcome })),
  ...change,
});
const five = ['1', '2', '3', '4', '5'].map((id) => device(id));
const planOf = (change: Partial<PlanInput>): Plan =>
  planMeasuring({ nowMs: NOW_MS, settings, subjects: [subject(['a', 'b'])], devices: five, measured: [], asked: [], ...change });
const itemOf = ({ items }: Plan, digest: string): MeasurePlanItem =>
  items.find((each) => each.artefact === digest) ?? expect.unreachable(`no item ${digest}`);

describe('who is asked', () => {
  test('as many as somebody wants, though the fleet measures nothing by itself', () => {
    const off = { ...settings, devicesPerProfile: 0 };
    const wanted = subject(['a'], { wanted: 4, requestedBy: 'ada' });
    const { sends, items } = planOf({ settings: off, subjects: [wanted], measured: [measured('5', 'a')] });
    expect(sends.map((send) => send.device)).toEqual(['1', '2', '3']);
    expect(items).toMatchObject([{ requestedBy: 'ada', wanted: 4, measured: 1, why: 'measured on 1 of 4 devices' }]);
  });

  test('as many devices as are wanted, each for all artefacts of the model', () => {
    const { sends, items } = planOf({});
    expect(sends).toEqual(['1', '2', '3'].map((id) => ({ device: id, model: 'model', artefacts: ['a', 'b'] })));
    expect(items.map(({ state, measured: count, wanted }) => [state, count, wanted])).toEqual([
      ['next', 0, 3],
      ['next', 0, 3],
    ]);
  });

  test('nobody, once enough have measured', () => {
    const all = ['1', '2', '3'].flatMap((id) => ['a', 'b'].map((digest) => measured(id, digest)));
    expect(planOf({ measured: all })).toEqual({ items: [], sends: [] });
  });

  test('only for what is missing, and those who measure count', () => {
    const plan = planOf({ measured: [measured('1', 'a'), measured('2', 'a')], asked: [asked('3', ['a'], 'open')] });
    // Of a, two are there and one is under way.
    expect(plan.sends.flatMap(({ artefacts }) => artefacts)).not.toContain('a');
    expect(plan.sends.map((send) => send.device)).toEqual(['1', '2', '4']);
    expect(itemOf(plan, 'a')).toMatchObject({ state: 'measuring', devices: [{ id: '3', name: 'name-3' }], measured: 2 });
  });

  test('a measurement that is in the answer but not among the telemetry yet counts for a while', () => {
    const answered = asked('1', ['a', 'b'], 'measured', { issuedAtMs: NOW_MS - 60_000 });
    expect(planOf({ asked: [answered] }).sends.map((send) => send.device)).toEqual(['2', '3']);
    const long = asked('1', ['a', 'b'], 'measured', { issuedAtMs: NOW_MS - HOUR_MS });
    expect(planOf({ asked: [long] }).sends).toHaveLength(3);
  });

  test('those first that were asked the least today', () => {
    const busyDay = asked('1', ['x'], 'measured', { issuedAtMs: NOW_MS - 2 * HOUR_MS });
    expect(planOf({ asked: [busyDay] }).sends.map((send) => send.device)).toEqual(['2', '3', '4']);
  });

  test('never more at once than the fleet may have', () => {
    const many = Array.from({ length: 40 }, (_, index) => device(`${index}`, { profile: `p${index}` }));
    const subjects = many.map(({ profile }) => subject(['a'], { profile }));
    const plan = planOf({ devices: many, subjects, asked: [asked('other', ['x'], 'open')] });
    expect(plan.sends).toHaveLength(AT_ONCE_MAXIMUM - 1);
    expect(plan.items.filter(({ state }) => state === 'waiting')[0]?.why).toContain('waiting for others');
  });

  test('nobody where it is turned off, and what is under way is shown all the same', () => {
    const off = { ...settings, devicesPerProfile: 0 };
    const plan = planOf({ settings: off, subjects: [subject(['a', 'b'], { wanted: 0 })], asked: [asked('1', ['a'], 'open')] });
    expect(plan.sends).toEqual([]);
    expect(plan.items.map(({ artefact: digest, state }) => [digest, state])).toEqual([['a', 'measuring']]);
  });
});

describe('who is not asked', () => {
  const alone = (change: Partial<PlanDevice>, rest: Partial<PlanInput> = {}) => planOf({ devices: [device('1', change)], ...rest });
  const waits: [string, Partial<PlanDevice>, Partial<PlanInput>][] = [
    ['offline', { isOnline: false }, {}],
    ['not at their release yet', { isSettled: false }, {}],
    ['measuring something else', {}, { asked: [asked('1', ['x'], 'open')] }],
    ['asked lately without getting figures', {}, { asked: [asked('1', ['a', 'b'], 'busy')] }],
    ['done for today', {}, { asked: [2, 3, 4, 5].map((h) => asked('1', ['x'], 'measured', { issuedAtMs: NOW_MS - h * HOUR_MS })) }],
    ['at the limit of bytes for a day', {}, { settings: { ...settings, bytesPerDay: MEBIBYTE - 1 } }],
  ];
  test.each(waits)('devices: %s, and the plan says so', (words, change, rest) => {
    const plan = alone(change, rest);
    expect(plan.sends).toEqual([]);
    expect(itemOf(plan, 'a')).toMatchObject({ state: 'waiting', devices: [] });
    expect(itemOf(plan, 'a').why).toBe(`not measured on this profile yet; its devices: 1 ${words}`);
  });

  const never: [string, Partial<PlanDevice>, Partial<PlanInput>][] = [
    ['is spared by its label', { isSpared: true }, {}],
    ['cannot run it', { runnable: new Set() }, {}],
    ['has measured it, if hot', {}, { measured: ['a', 'b'].map((digest) => measured('1', digest, { throttled: true })) }],
    [
      'failed at it three times',
      {},
      { asked: [10, 20, 30].map((h) => asked('1', ['a', 'b'], 'failed', { issuedAtMs: NOW_MS - h * HOUR_MS })) },
    ],
    ['is of another profile', { profile: 'door' }, {}],
  ];
  test.each(never)('a device that %s: nothing is planned for what nobody can do', (_name, change, rest) => {
    expect(alone(change, rest)).toEqual({ items: [], sends: [] });
  });

  test('a device that was only busy is asked again and again, but not within hours', () => {
    const busy = [10, 20, 30, 40].map((hours) => asked('1', ['a', 'b'], 'busy', { issuedAtMs: NOW_MS - hours * HOUR_MS }));
    expect(alone({}, { asked: busy }).sends).toHaveLength(1);
  });

  test('bytes that were fetched today count, and what lies on the disk costs nothing', () => {
    const small = { ...settings, bytesPerDay: 2 * MEBIBYTE };
    expect(alone({}, { settings: { ...small, bytesPerDay: MEBIBYTE } }).sends[0]?.artefacts).toEqual(['a']);
    expect(alone({ held: new Set(['a']) }, { settings: { ...small, bytesPerDay: MEBIBYTE } }).sends[0]?.artefacts).toEqual(['a', 'b']);
    const earlier = asked('1', ['b'], 'busy', { issuedAtMs: NOW_MS - 8 * HOUR_MS });
    expect(alone({}, { settings: small, asked: [earlier] }).sends[0]?.artefacts).toEqual(['a']);
  });
});

describe('what is measured again', () => {
  const old = { measuredAtMs: NOW_MS - 31 * DAY_MS };
  const cases: [string, Partial<Measured>, string][] = [
    ['too old', old, 'measured more than 30 days ago'],
    ['of another runtime version', { runtimeVersion: 'onnxruntime-node 1.29.0' }, 'measured with another runtime version'],
    ['of throttled devices', { throttled: true }, 'measured on throttled devices only'],
  ];
  test.each(cases)('what is %s, and the plan says why', (_name, change, why) => {
    const all = ['1', '2', '3'].flatMap((id) => ['a', 'b'].map((digest) => measured(id, digest, change)));
    const plan = planOf({ measured: all });
    expect(plan.sends.length).toBeGreaterThan(0);
    expect(itemOf(plan, 'a')).toMatchObject({ measured: 0, why });
  });

  test('by others where the last ones were hot, by the same where time has passed', () => {
    const hot = ['1', '2', '3'].flatMap((id) => ['a', 'b'].map((digest) => measured(id, digest, { throttled: true })));
    expect(planOf({ measured: hot }).sends.map((send) => send.device)).toEqual(['4', '5']);
    const stale = hot.map((row) => ({ ...row, ...old, throttled: false }));
    expect(planOf({ measured: stale }).sends.map((send) => send.device)).toEqual(['1', '2', '3']);
  });

  test('failures before the last good measurement do not count', () => {
    const failures = [40, 39, 38].map((d) => asked('1', ['a', 'b'], 'failed', { issuedAtMs: NOW_MS - d * DAY_MS }));
    const since = ['a', 'b'].map((digest) => measured('1', digest, old));
    expect(planOf({ devices: [device('1')], measured: since, asked: failures }).sends).toHaveLength(1);
  });

  test('a device that says only the number of its engine is not taken for another one', () => {
    const all = ['1', '2', '3'].flatMap((id) => ['a', 'b'].map((digest) => measured(id, digest, { runtime: '1.30.0' })));
    expect(planOf({ measured: all }).items).toEqual([]);
    expect(planOf({ measured: all.map((row) => ({ ...row, runtime: '1.3' })) }).items).not.toEqual([]);
  });
});

/** Asks and measures until nothing more is planned, with devices that are away or fail now and then. */
test('always ends, with enough on each profile or with everybody tried, and within every bound', () => {
  const scenario = fc.record({
    seed: fc.integer({ min: 0, max: 1_000_000 }),
    deviceCount: fc.integer({ min: 0, max: 9 }),
    wanted: fc.integer({ min: 0, max: 4 }),
    mebibytes: fc.integer({ min: 1, max: 4 }),
  });
  fc.assert(
    fc.property(scenario, ({ seed, deviceCount, wanted, mebibytes }) => {
      let state = seed;
      const draw = (): number => {
        state = (state * 48_271 + 11) % 2_147_483_647;
        return state / 2_147_483_647;
      };
      const own = { ...settings, devicesPerProfile: wanted, bytesPerDay: mebibytes * MEBIBYTE };
      const devices = Array.from({ length: deviceCount }, (_, index) => device(`${index}`));
      const [rows, asks]: [Measured[], Asked[]] = [[], []];
      let nowMs = NOW_MS;
      for (let step = 0; step < 400; step += 1, nowMs += HOUR_MS) {
        const plan = planMeasuring({
          nowMs,
          settings: own,
          subjects: [subject(['a', 'b'], { wanted })],
          devices,
          measured: rows,
          asked: asks,
        });
        expect(new Set(plan.sends.map((send) => send.device)).size).toBe(plan.sends.length);
        for (const { device: id, artefacts } of plan.sends) {
          const bad = draw() < 0.3;
          const outcome = bad ? ('failed' as const) : ('measured' as const);
          asks.push(asked(id, artefacts, outcome, { issuedAtMs: nowMs }));
          if (!bad) for (const each of artefacts) rows.push(measured(id, each, { measuredAtMs: nowMs }));
          const today = asks.filter((each) => each.device === id && nowMs - each.issuedAtMs < DAY_MS);
          expect(today.length).toBeLessThanOrEqual(4);
          expect(today.flatMap((each) => each.artefacts).length).toBeLessThanOrEqual(mebibytes);
        }
        for (const digest of ['a', 'b']) {
          const good = new Set(rows.filter((row) => row.artefact === digest).map((row) => row.device));
          expect(good.size).toBeLessThanOrEqual(wanted);
        }
      }
      const end = planMeasuring({
        nowMs,
        settings: own,
        subjects: [subject(['a', 'b'], { wanted })],
        devices,
        measured: rows,
        asked: asks,
      });
      expect(end).toEqual({ items: [], sends: [] });
    }),
    { numRuns: 40 },
  );
});
