import { type RolloutDetail, rolloutSpecSchema, type TargetState } from '@starling/shared';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Database } from '../db/index.ts';
import { createExampleFleet, digestOf, type ExampleFleet, type Outcome } from './example-fleet.ts';
import { limitContract } from './limits.contract.ts';
import { workerContract } from './workers.contract.ts';

const MINUTE_MS = 60_000;

/** What rollouts promise, on whatever database. */
export function rolloutContract(name: string, open: () => Promise<{ db: Database; close(): Promise<void> }>): void {
  describe(`rollouts on ${name}`, () => {
    let database: Awaited<ReturnType<typeof open>>;
    let fleet: ExampleFleet;
    beforeAll(async () => {
      database = await open();
    }, 60_000);
    afterAll(() => database?.close());
    beforeEach(async () => {
      await database.db.execute(
        sql`truncate rollouts, rollout_targets, rollout_events, rollout_approvals, desired_states, devices, audit_entries cascade`,
      );
      fleet = createExampleFleet({ db: database.db });
    });

    const show = (): Promise<RolloutDetail> => fleet.rollouts.show('r');
    const counts = async (): Promise<Partial<Record<TargetState, number>>> =>
      Object.fromEntries(Object.entries((await show()).counts).filter(([, devices]) => devices > 0));
    /** Passes and devices in turns, until nothing changes any more. */
    const settle = async (behaviour?: (device: string) => Outcome): Promise<RolloutDetail> => {
      for (let turns = 0, before = ''; turns < 200; turns += 1) {
        await fleet.rollouts.pass();
        const done = await fleet.work(behaviour);
        fleet.clock.add(2_000);
        const now = JSON.stringify({ ...(await show()), waiting: null });
        if (done === 0 && now === before) break;
        before = now;
      }
      return show();
    };
    const act = (action: Parameters<ExampleFleet['rollouts']['act']>[1], by = 'ann', options = {}) =>
      fleet.rollouts.act('r', action, options, fleet.actor(by));
    const fails =
      (...devices: string[]) =>
      (device: string): Outcome =>
        devices.includes(device) ? { fail: 'self-test-failed' } : 'run';

    test('a good release goes to all, canary first, and the rollout ends', async () => {
      const devices = await fleet.addDevices(20);
      await fleet.create({ canary: { count: 1 }, steps: [{ setPercent: 50 }, { setPercent: 100 }] });
      await fleet.rollouts.pass();
      expect(await counts()).toEqual({ assigned: 1, waiting: 19 });
      const ended = await settle();
      expect(ended).toMatchObject({ state: 'succeeded', total: 20, step: 3 });
      expect(ended.waves.map(({ started }) => started)).toEqual([1, 9, 10]);
      for (const device of devices) expect(await fleet.running(device)).toBe('two');
    });

    test('only what runs, verified, at exactly that generation is a success', async () => {
      const [device = ''] = await fleet.addDevices(1);
      await fleet.create({});
      await fleet.rollouts.pass();
      const report = async (change: object): Promise<void> => {
        const running = { release: digestOf('two'), artefacts: {}, verified: true, since: 0, providers: {} };
        const reported = { schemaVersion: 1, epoch: 1, generation: 2, phase: 'running', running, error: null, ...change };
        await fleet.db.execute(sql`update devices set reported = ${JSON.stringify(reported)}::jsonb where id = ${device}`);
        await fleet.rollouts.pass();
      };
      const running = { release: digestOf('two'), artefacts: {}, verified: false, since: 0, providers: {} };
      await report({ phase: 'installed', running: null });
      await report({ phase: 'probation', running });
      await report({ phase: 'running', running });
      await report({ generation: 1 });
      await report({ phase: 'failed', generation: 1, error: { code: 'self-test-failed', message: 'old' } });
      await report({ phase: 'failed', error: { code: 'pull-failed', message: 'it tries again' }, retryAtMs: 5 });
      expect(await counts()).toEqual({ assigned: 1 });
      await report({});
      expect(await counts()).toEqual({ succeeded: 1 });
      // A late failure of what has succeeded is for the analysis, not for the count.
      await report({ phase: 'failed', error: { code: 'probation-failed', message: 'late' } });
      expect(await counts()).toEqual({ succeeded: 1 });
    });

    test('a bad release stops at the canary and the device has its own previous release', async () => {
      const [first = ''] = await fleet.addDevices(1, { release: 'three', labels: () => ({ kind: 'odd' }) });
      await fleet.addDevices(9);
      await fleet.create({ canary: { count: 2 }, steps: [{ setPercent: 100 }], failureThresholds: [] });
      const ended = await settle(() => ({ fail: 'self-test-failed' }));
      expect(ended.state).toBe('rolled-back');
      expect(ended.counts).toMatchObject({ returned: 2, cancelled: 8 });
      expect(ended).toMatchObject({ waiting: null, why: expect.stringMatching(/^0 of 2 devices of the step "canary" succeeded: 0 %/) });
      expect(ended.failures).toEqual([{ kind: 'failed', code: 'self-test-failed', devices: 2 }]);
      expect(await fleet.running(first)).toBe('three');
    });

    test('rolling back gives every device what it had, also those that succeeded', async () => {
      const odd = await fleet.addDevices(3, { release: 'three' });
      const others = await fleet.addDevices(5);
      await fleet.create({});
      await settle();
      await act('rollback');
      const ended = await settle();
      expect(ended).toMatchObject({ state: 'rolled-back', counts: { returned: 8 } });
      for (const device of odd) expect(await fleet.running(device)).toBe('three');
      for (const device of others) expect(await fleet.running(device)).toBe('one');
      const rows = await fleet.db.execute(sql`select artefacts->>'net' as net from desired_states where release = ${digestOf('three')}`);
      expect([...rows]).toEqual(odd.map(() => ({ net: digestOf('artefact-three') })));
    });

    test('a threshold of a kind acts once enough have ended', async () => {
      const devices = await fleet.addDevices(20);
      const bad = devices.filter((_, index) => index % 2 === 0);
      const failureThresholds = [{ kind: 'self-test-failed', percent: 40, minimumExecuted: 4, action: 'abort' as const }];
      await fleet.create({ failureThresholds, maxInFlight: 4, successPercent: 0 });
      const ended = await settle(fails(...bad));
      expect(ended.state).toBe('aborted');
      const executed = ended.counts.succeeded + ended.counts.failed;
      expect(executed).toBeGreaterThanOrEqual(4);
      expect(executed).toBeLessThan(20);
      // Whoever failed has its own release in its desired state again.
      const rows = await fleet.db.execute(
        sql`select s.release from rollout_targets t join desired_states s on s.device = t.device where t.state = 'failed'`,
      );
      expect(new Set([...rows].map(({ release }) => release))).toEqual(new Set([digestOf('one')]));
    });

    test('silence ends by its timeout: it neither passes a wave nor holds it', async () => {
      const devices = await fleet.addDevices(10);
      await fleet.create({ deviceTimeout: '10m', failureThresholds: [], successPercent: 80 });
      await fleet.rollouts.pass();
      await fleet.work((device) => (device === devices[0] ? 'silent' : 'run'));
      await fleet.rollouts.pass();
      expect(await counts()).toEqual({ assigned: 1, succeeded: 9 });
      fleet.clock.add(11 * MINUTE_MS);
      expect((await settle(() => 'silent')).counts).toMatchObject({ succeeded: 9, 'timed-out': 1 });
      expect((await show()).state).toBe('succeeded');
    });

    test('a wave that falls silent pauses for a person, who may go on', async () => {
      await fleet.addDevices(4);
      await fleet.create({ canary: { count: 2 }, deviceTimeout: '10m', failureThresholds: [] });
      await fleet.rollouts.pass();
      fleet.clock.add(11 * MINUTE_MS);
      expect(await settle(() => 'silent')).toMatchObject({ state: 'paused', waiting: { kind: 'inconclusive' } });
      await act('promote');
      expect((await settle()).state).toBe('succeeded');
    });

    test('what timed out is tried again as often as was said', async () => {
      await fleet.addDevices(1);
      await fleet.create({ deviceTimeout: '10m', retries: { count: 1, after: '5m' }, failureThresholds: [], onFailure: 'abort' });
      await fleet.rollouts.pass();
      fleet.clock.add(11 * MINUTE_MS);
      await fleet.rollouts.pass();
      expect(await counts()).toEqual({ waiting: 1 });
      fleet.clock.add(6 * MINUTE_MS);
      await fleet.rollouts.pass();
      expect(await counts()).toEqual({ assigned: 1 });
      expect((await settle()).counts).toMatchObject({ succeeded: 1 });
    });

    workerContract({
      get fleet() {
        return fleet;
      },
    });
    limitContract({
      ...{ show, counts, settle },
      get fleet() {
        return fleet;
      },
    });

    test('pauses, approvals of different people, and labels', async () => {
      await fleet.addDevices(6, { labels: (index) => ({ ring: index < 2 ? 'inner' : 'outer' }) });
      await fleet.create({ steps: [{ setLabel: { ring: 'inner' } }, { pause: { for: '10m' } }, { approve: 2 }, { setPercent: 100 }] });
      await settle();
      expect(await show()).toMatchObject({ step: 1, waiting: { kind: 'time' }, counts: { succeeded: 2, waiting: 4 } });
      fleet.clock.add(11 * MINUTE_MS);
      await settle();
      expect(await show()).toMatchObject({ step: 2, waiting: { kind: 'approvals' } });
      await act('approve', 'ann');
      await expect(act('approve', 'ann')).rejects.toMatchObject({ code: 'already-approved' });
      await settle();
      expect((await show()).step).toBe(2);
      await act('approve', 'ben');
      expect((await settle()).state).toBe('succeeded');
    });

    test('a person pauses, resumes, aborts and stops it', async () => {
      const devices = await fleet.addDevices(6);
      await fleet.create({ maxInFlight: 2 });
      await fleet.rollouts.pass();
      await act('pause', 'ann', { reason: 'lunch' });
      await fleet.work();
      await fleet.rollouts.pass();
      expect(await counts()).toEqual({ succeeded: 2, waiting: 4 });
      expect(await show()).toMatchObject({ why: 'paused by ann (lunch)', stepName: '100 %' });
      await expect(act('pause')).rejects.toMatchObject({ code: 'rollout-state' });
      await act('resume');
      await fleet.rollouts.pass();
      expect(await counts()).toEqual({ succeeded: 2, assigned: 2, waiting: 2 });
      await act('stop');
      await fleet.rollouts.pass();
      expect(await counts()).toEqual({ succeeded: 2, returning: 2, cancelled: 2 });
      const ended = await settle();
      expect(ended).toMatchObject({ state: 'stopped', counts: { succeeded: 2, returned: 2, cancelled: 2 } });
      expect(ended).toMatchObject({ why: 'stopped: what is on its way is called back, by ann', stepName: null });
      const releases = await Promise.all(devices.map((device) => fleet.running(device)));
      expect(releases.filter((release) => release === 'two')).toHaveLength(2);
      await expect(act('resume')).rejects.toMatchObject({ code: 'rollout-state' });
    });

    test('overlapping rollouts: refused, superseded by wish, or by priority', async () => {
      await fleet.addDevices(4);
      await fleet.create({ maxInFlight: 1 });
      await fleet.rollouts.pass();
      await expect(fleet.create({ name: 'other', release: 'three' })).rejects.toMatchObject({
        code: 'rollout-overlaps',
        field: 'selector',
      });
      await expect(fleet.create({ name: 'r', release: 'three' })).rejects.toMatchObject({ code: 'rollout-exists' });
      await fleet.create({ name: 'urgent', release: 'three', priority: 5 });
      expect(await counts()).toEqual({ superseded: 4 });
      await expect(fleet.create({ name: 'late', release: 'two' })).rejects.toMatchObject({ code: 'nothing-to-do' });
      await settle();
      expect((await fleet.rollouts.show('urgent')).counts).toMatchObject({ succeeded: 4 });
      expect((await show()).state).toBe('succeeded');
    });

    test('what somebody else gives a device is his', async () => {
      const [device = ''] = await fleet.addDevices(2);
      await fleet.create({});
      await fleet.rollouts.pass();
      await fleet.assign(device, 'three');
      await settle();
      expect((await show()).counts).toMatchObject({ superseded: 1, succeeded: 1 });
      await act('rollback');
      await settle();
      expect(await fleet.running(device)).toBe('three');
    });

    test('a fleet that ends anywhere is followed by another one', async () => {
      await fleet.addDevices(10);
      await fleet.create({ maxInFlight: 3 });
      await fleet.rollouts.pass();
      await fleet.work();
      const other = fleet.restart();
      // The first has ended without a word: its lease runs out.
      await other.pass();
      expect(await counts()).toEqual({ assigned: 3, waiting: 7 });
      fleet.clock.add(MINUTE_MS);
      await other.pass();
      expect(await counts()).toEqual({ succeeded: 3, assigned: 3, waiting: 4 });
    });

    test('a fleet that was restored in a new epoch goes on, and can still go back', async () => {
      const devices = await fleet.addDevices(4);
      await fleet.create({ maxInFlight: 2 });
      await fleet.rollouts.pass();
      await fleet.work();
      await fleet.rollouts.pass();
      await fleet.db.execute(sql`update desired_states set epoch = 2, generation = generation + 1`);
      fleet.clock.add(MINUTE_MS);
      const restored = fleet.restart({ keyring: { epoch: { epoch: 2 } } as never });
      for (let turns = 0; turns < 4; turns += 1) {
        await restored.pass();
        await fleet.work();
      }
      expect((await show()).counts).toMatchObject({ succeeded: 4, superseded: 0 });
      await act('rollback');
      for (let turns = 0; turns < 4; turns += 1) {
        await restored.pass();
        await fleet.work();
      }
      expect((await show()).state).toBe('rolled-back');
      for (const device of devices) expect(await fleet.running(device)).toBe('one');
    });

    test('a rollout that fails on its way holds up no other, and equals share what may start', async () => {
      await fleet.addDevices(12, { labels: (index) => ({ half: index % 2 === 0 ? 'a' : 'b' }) });
      await fleet.create({ name: 'r', selector: 'labels.half == "a"' });
      await fleet.create({ name: 's', selector: 'labels.half == "b"', release: 'three' });
      await fleet.db.execute(sql`update rollouts set spec = '{}'::jsonb where name = 's'`);
      await fleet.rollouts.pass();
      expect((await fleet.db.execute(sql`select count(*)::int as n from rollout_targets where state = 'assigned'`))[0]).toEqual({ n: 6 });
    });

    test('bad input is refused with its field', async () => {
      await fleet.addDevices(3, { labels: (index) => ({ site: `s${index}` }) });
      const refusal = (spec: object) =>
        fleet.create(spec).then(
          () => 'none',
          ({ code, field }: { code: string; field: string }) => `${code} ${field}`,
        );
      expect(await refusal({ selector: 'labels.site == "none"' })).toBe('matches-none selector');
      expect(await refusal({ release: 'four' })).toBe('unknown-release release');
      expect(await refusal({ release: 'one' })).toBe('nothing-to-do release');
      expect(await refusal({ windows: { open: [{ cron: '0 0 30 2 *', for: '1h' }] } })).toBe('window-never-opens windows.open.0.cron');
      expect(await refusal({ windows: { open: [{ cron: 'at some time', for: '1h' }] } })).toBe('bad-window windows.open.0.cron');
      expect(await refusal({ windows: { timeZone: 'Moon/Base', open: [{ cron: '0 1 * * *', for: '1h' }] } })).toBe(
        'unknown-time-zone windows.timeZone',
      );
      expect(await refusal({ steps: [{ setPercent: 50 }, { setPercent: 10 }] })).toBe('bad-steps steps.1.setPercent');
      expect(await refusal({ requires: { profiles: ['toaster'] } })).toBe('unknown-profile requires.profiles');
      expect(await refusal({ steps: [{ analyse: 'errors' }] })).toBe('no-analysis steps.0.analyse');
      expect(await refusal({ requires: { agentVersion: '2.0.0' } })).toBe('nothing-to-do selector');
      const spec = rolloutSpecSchema.parse({ name: 'r', release: 'two', selector: 'true' });
      await expect(fleet.rollouts.create(spec, false, fleet.actor('ann'))).rejects.toMatchObject({
        code: 'matches-all',
        field: 'selector',
      });
      expect((await fleet.rollouts.list({ limit: 10, offset: 0 })).total).toBe(0);
    });

    test('a preview says what would happen and changes nothing', async () => {
      const devices = await fleet.addDevices(4, { labels: (index) => ({ timezone: index === 0 ? 'no/such' : 'UTC' }) });
      await fleet.setOnline(devices.slice(0, 1), false);
      await fleet.addDevices(1, { release: 'two' });
      const spec = rolloutSpecSchema.parse({
        ...{ name: 'r', release: 'two', selector: 'true', steps: [{ setPercent: 50 }, { approve: 1 }] },
        windows: { open: [{ cron: '0 1 * * *', for: '1h' }] },
      });
      const preview = await fleet.rollouts.preview(spec, true);
      expect(preview).toMatchObject({
        devices: 5,
        unchanged: 1,
        online: 4,
        sampled: 4,
        bytes: { total: 2_400, perDevice: { low: 600, high: 600 } },
      });
      expect(preview.artefacts).toEqual([
        { model: 'net', artefact: digestOf('artefact-two'), kind: 'source', sizeBytes: 1_000, devices: 4 },
      ]);
      expect(preview.waves.map(({ devices: reached }) => reached)).toEqual([1, 2, 0, 4]);
      expect(preview.estimate.highMs).toBeNull();
      expect(preview.obstacles.map(({ code, devices: many }) => [code, many])).toEqual([
        ['offline', 1],
        ['unknown-time-zone', 1],
      ]);
      expect((await fleet.rollouts.list({ limit: 10, offset: 0 })).total).toBe(0);
    });

    test('whoever is asked before it begins holds it until all agree; they are asked again, and not at every pass', async () => {
      await fleet.addDevices(2);
      const answers: (string | undefined)[] = ['the board does not agree: it answered 403', undefined];
      let asked = 0;
      const judge = async () => ({ verdict: 'running' as const, reason: '', detail: null });
      const objection = async (): Promise<string | undefined> => answers[asked++];
      fleet = createExampleFleet({ db: database.db, analysis: { resolve: async (reference) => reference, judge, objection } });
      await fleet.create({ analysis: { objectives: [] } });
      for (let pass = 0; pass < 5; pass += 1) await fleet.rollouts.pass();
      expect(await show()).toMatchObject({ state: 'scheduled', waiting: { kind: 'confirmation', text: answers[0] }, startedAtMs: null });
      expect([asked, await counts()]).toEqual([1, { waiting: 2 }]);
      fleet.clock.add(MINUTE_MS);
      await fleet.rollouts.pass();
      expect([asked, (await show()).state]).toEqual([2, 'running']);
    });

    test('steps of a rollout that ended tell where it ended, and which it never came to', async () => {
      await fleet.addDevices(4);
      await fleet.create({ canary: { count: 1 }, steps: [{ pause: {} }, { setPercent: 100 }] });
      await settle();
      expect((await show()).waves.map(({ state }) => state)).toEqual(['done', 'active', 'next']);
      await act('rollback');
      expect((await settle()).state).toBe('rolled-back');
      expect((await show()).waves.map(({ state }) => state)).toEqual(['done', 'stopped', 'skipped']);
    });

    test('lists, targets and the timeline are paged', async () => {
      const devices = await fleet.addDevices(5);
      await fleet.create({});
      await settle(fails(devices[0] ?? ''));
      const failed = await fleet.rollouts.targets('r', { limit: 10, offset: 0, search: devices[0] });
      expect(failed).toMatchObject({ total: 1, items: [{ code: 'self-test-failed', previousRelease: digestOf('one') }] });
      expect(await fleet.rollouts.targets('r', { limit: 2, offset: 0 })).toMatchObject({ total: 5 });
      const timeline = await fleet.rollouts.timeline('r', { limit: 50, offset: 0 });
      expect(timeline.items.map(({ sequence }) => sequence)).toEqual(timeline.items.map((_, index) => timeline.total - index));
      expect(timeline.items.map(({ kind }) => kind)).toContain('failed');
      expect(await fleet.rollouts.list({ limit: 10, offset: 0, device: devices[0], open: false })).toMatchObject({ total: 1 });
    });
  });
}
