import type { RolloutDetail, TargetState } from '@starling/shared';
import { sql } from 'drizzle-orm';
import { expect, test } from 'vitest';
import type { ExampleFleet, Outcome } from './example-fleet.ts';
import { candidatesOf } from './starting-store.ts';

const MINUTE_MS = 60_000;

export interface RolloutWorld {
  /** Another one for each test. */
  readonly fleet: ExampleFleet;
  show(): Promise<RolloutDetail>;
  counts(): Promise<Partial<Record<TargetState, number>>>;
  settle(behaviour?: (device: string) => Outcome): Promise<RolloutDetail>;
}

/** How fast devices are started, when, and which. */
export function limitContract(world: RolloutWorld): void {
  const { show, counts, settle } = world;
  test('no more than maxInFlight, the rate and the bandwidth allow', async () => {
    await world.fleet.addDevices(30);
    await world.fleet.create({ maxInFlight: 8, rate: { perMinute: 10 }, bandwidthBytesPerMinute: 3_000 });
    await world.fleet.rollouts.pass();
    // 600 bytes each: five fill the minute.
    expect(await counts()).toEqual({ assigned: 5, waiting: 25 });
    await world.fleet.work();
    await world.fleet.rollouts.pass();
    expect(await counts()).toEqual({ succeeded: 5, waiting: 25 });
    expect((await show()).waiting).toMatchObject({ kind: 'limits' });
    world.fleet.clock.add(MINUTE_MS + 1);
    await world.fleet.rollouts.pass();
    expect(await counts()).toEqual({ succeeded: 5, assigned: 5, waiting: 20 });
  });

  test('a rate grows with what succeeds', async () => {
    await world.fleet.addDevices(40);
    await world.fleet.create({ rate: { perMinute: 2, growth: { factor: 2, everySucceeded: 2, maximumPerMinute: 100 } } });
    const starts: number[] = [];
    for (let minute = 0; minute < 4; minute += 1) {
      await world.fleet.rollouts.pass();
      starts.push((await show()).counts.assigned);
      await world.fleet.work();
      await world.fleet.rollouts.pass();
      world.fleet.clock.add(MINUTE_MS + 1);
      await world.fleet.work();
      await world.fleet.rollouts.pass();
    }
    expect(starts[0]).toBe(2);
    expect((await show()).counts.succeeded).toBeGreaterThan(20);
  });

  test('sites are spread: no more of one at a time', async () => {
    await world.fleet.addDevices(30, { labels: (index) => ({ site: index < 20 ? 'large' : 'small' }) });
    await world.fleet.create({ spread: { label: 'site', maxInFlight: 3 } });
    await world.fleet.rollouts.pass();
    await world.fleet.rollouts.pass();
    const rows = await world.fleet.db.execute(
      sql`select labels->>'site' as site, count(*)::int as devices from rollout_targets t join devices d on d.id = t.device where t.state = 'assigned' group by 1 order by 1`,
    );
    expect([...rows]).toEqual([
      { site: 'large', devices: 3 },
      { site: 'small', devices: 3 },
    ]);
    expect((await settle()).state).toBe('succeeded');
  });

  test.each([undefined, { label: 'site', maxInFlight: 9 }])('those that are tried again come first, spread or not (%j)', async (spread) => {
    await world.fleet.addDevices(5);
    await world.fleet.create({});
    const { db, clock } = world.fleet;
    const ordered = await db.execute<{ rollout: string; device: string }>(
      sql`select rollout, device from rollout_targets order by position`,
    );
    const [first, second, , , last] = [...ordered].map(({ device }) => device);
    const rollout = [...ordered][0]?.rollout ?? '';
    await db.execute(sql`update rollout_targets set wave = 0 where device = ${last}`);
    const query = { ...{ rollout, step: undefined, nowMs: clock.nowMs(), openZones: undefined }, spread };
    expect(await candidatesOf(db, { ...query, limit: 3 })).toEqual([
      { device: last, again: true },
      { device: first, again: false },
      { device: second, again: false },
    ]);
    expect(await candidatesOf(db, { ...query, limit: 1 })).toEqual([{ device: last, again: true }]);
  });

  test('windows open in the local time of each device', async () => {
    // 22:13 UTC: 23:13 in Berlin, 07:13 in Tokyo.
    await world.fleet.addDevices(2, { labels: (index) => ({ timezone: index === 0 ? 'Asia/Tokyo' : 'no/such' }) });
    await world.fleet.create({ windows: { timeZone: 'Europe/Berlin', open: [{ cron: '0 23 * * *', for: '30m' }] } });
    await world.fleet.rollouts.pass();
    expect(await counts()).toEqual({ assigned: 1, waiting: 1 });
    await world.fleet.work();
    await world.fleet.rollouts.pass();
    expect((await show()).waiting).toMatchObject({ kind: 'window', untilMs: Date.parse('2023-11-15T14:00:00Z') });
    world.fleet.clock.add(Date.parse('2023-11-15T14:10:00Z') - world.fleet.clock.nowMs());
    expect((await settle()).state).toBe('succeeded');
  });

  test('devices that are away do not hold it, and follow weeks later', async () => {
    const devices = await world.fleet.addDevices(6);
    const away = devices.slice(0, 2);
    await world.fleet.setOnline(away, false);
    await world.fleet.create({ canary: { count: 1 }, latecomers: '30d' });
    expect(await settle()).toMatchObject({ state: 'following', counts: { succeeded: 4, waiting: 2 } });
    world.fleet.clock.add(20 * 24 * 60 * MINUTE_MS);
    await world.fleet.setOnline(away.slice(0, 1), true);
    expect((await settle()).counts).toMatchObject({ succeeded: 5, waiting: 1 });
    world.fleet.clock.add(11 * 24 * 60 * MINUTE_MS);
    expect(await settle()).toMatchObject({ state: 'succeeded', counts: { succeeded: 5, cancelled: 1 } });
  });

  test('nobody counts as away right after a start', async () => {
    const devices = await world.fleet.addDevices(2);
    await world.fleet.create({ canary: { count: 1 } });
    await world.fleet.rollouts.pass();
    await world.fleet.work();
    await world.fleet.setOnline(devices, false);
    const other = world.fleet.restart({ reconnectGraceMs: 60_000 });
    await world.fleet.rollouts.close();
    await other.pass();
    expect((await show()).state).toBe('running');
    world.fleet.clock.add(61_000);
    await other.pass();
    expect((await show()).state).toBe('following');
  });

  test('devices that match later join a dynamic rollout', async () => {
    await world.fleet.addDevices(2);
    await world.fleet.create({ dynamic: true, latecomers: '1d' });
    expect((await settle()).state).toBe('following');
    await world.fleet.addDevices(3);
    world.fleet.clock.add(2 * MINUTE_MS);
    expect((await settle()).counts).toMatchObject({ succeeded: 5 });
    world.fleet.clock.add(25 * 60 * MINUTE_MS);
    expect((await settle()).state).toBe('succeeded');
  });
}
