import type { RolloutTargetView } from '@starling/shared';
import { sql } from 'drizzle-orm';
import { beforeEach, describe, expect, test } from 'vitest';
import { createExampleFleet, digestOf, type ExampleFleet } from './example-fleet.ts';
import type { RolloutWorld } from './limits.contract.ts';

const MINUTE_MS = 60_000;

/** Homes whose worker has to have the new parts before they are moved. */
export function workerContract(world: Pick<RolloutWorld, 'fleet'>): void {
  describe('homes of a worker', () => {
    let fleet: ExampleFleet;
    let worker: string;
    let homes: string[];

    beforeEach(async () => {
      fleet = createExampleFleet({ db: world.fleet.db, placed: true });
      [worker = ''] = await fleet.addDevices(1, { labels: () => ({ place: 'cloud' }) });
      homes = await fleet.addDevices(2, { labels: () => ({ kind: 'home' }) });
      await fleet.db.execute(sql`update devices set operator_versions = '{"helping": 1}'::jsonb where id = ${worker}`);
      await fleet.db.execute(sql`update desired_states set places = '["cloud"]'::jsonb where device = ${worker}`);
      const workers = JSON.stringify({ cloud: worker });
      await fleet.db.execute(sql`update desired_states set workers = ${workers}::jsonb where device <> ${worker}`);
      await fleet.setOnline([worker], false);
      await fleet.create({ selector: 'labels.kind == "home"', deviceTimeout: '10m', failureThresholds: [], onFailure: 'pause' });
    });

    const show = () => fleet.rollouts.show('r');
    const targets = async (): Promise<RolloutTargetView[]> => (await fleet.rollouts.targets('r', { limit: 10, offset: 0 })).items;
    /** A pass every half a minute. */
    const pass = async (minutes: number): Promise<void> => {
      for (let half = 0; half < 2 * minutes; half += 1) {
        fleet.clock.add(MINUTE_MS / 2);
        await fleet.rollouts.pass();
      }
    };
    const act = (action: 'pause' | 'resume' | 'rollback'): Promise<unknown> => fleet.rollouts.act('r', action, {}, fleet.actor('ann'));
    const helpsWith = async (release: string): Promise<void> => {
      const helps = JSON.stringify([{ release: digestOf(release), state: 'running' }]);
      await fleet.db.execute(sql`update devices set reported = jsonb_set(reported, '{helps}', ${helps}::jsonb) where id = ${worker}`);
      await fleet.setOnline([worker], true);
    };

    test('that never has the parts wait as long as a device may take, and fail with its name and what it lacks', async () => {
      await pass(9);
      expect((await show()).counts).toMatchObject({ waiting: 2, failed: 0 });
      for (const { code, message } of await targets())
        expect([code, message]).toEqual(['worker-not-ready', expect.stringContaining('last heard')]);
      await pass(3);
      const ended = await show();
      expect(ended).toMatchObject({ state: 'paused', counts: { waiting: 0, failed: 2 } });
      expect(ended.failures).toEqual([{ kind: 'refused', code: 'worker-not-ready', devices: 2 }]);
      const why = `not within 10m: name-${worker} works for it, and does not run the parts of two: it was last heard at`;
      for (const { state, message } of await targets()) expect([state, message]).toEqual(['failed', expect.stringContaining(why)]);
      const { items } = await fleet.rollouts.timeline('r', { limit: 50, offset: 0 });
      expect(items.map(({ text }) => text)).toContainEqual(expect.stringContaining(`2 devices failed: ${why}`));
      // They were never given anything: there is nothing to wait for.
      await act('rollback');
      await pass(2);
      expect(await show()).toMatchObject({ state: 'rolled-back', counts: { returned: 2 } });
      for (const home of homes) expect(await fleet.running(home)).toBe('one');
      const rows = await fleet.db.execute(sql`select generation from desired_states where device = any(${sql.param(homes)}::text[])`);
      expect([...rows]).toEqual([{ generation: 1 }, { generation: 1 }]);
    });

    test('are moved as soon as it has them', async () => {
      await pass(8);
      await helpsWith('two');
      await pass(1);
      await fleet.work();
      await pass(1);
      expect(await show()).toMatchObject({ counts: { succeeded: 2, failed: 0 } });
    });

    test('lose none of their time while the rollout is paused', async () => {
      await pass(6);
      await act('pause');
      await pass(60);
      await act('resume');
      await pass(6);
      expect((await show()).counts).toMatchObject({ waiting: 2, failed: 0 });
      await pass(6);
      expect((await show()).counts).toMatchObject({ failed: 2 });
    });
  });
}
