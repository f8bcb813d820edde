import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { OpenDatabase } from '../db/index.ts';
import { createExampleFleet, digestOf } from '../rollouts/example-fleet.ts';
import { ensurePartitions, HOUR_MS } from '../telemetry/index.ts';
import { type MapQuestion, selectMap } from './map-store.ts';
import { countByStatus, selectDevices, writePresence } from './store.ts';

const NOON_MS = Date.UTC(2026, 10, 27, 12);
const SINCE_MS = NOON_MS - HOUR_MS;

/** What the map of a fleet says, on whatever database. */
export function mapContract(name: string, open: () => Promise<OpenDatabase>): void {
  describe(`the map of a fleet on ${name}`, () => {
    let database: OpenDatabase;
    const map = (question: Partial<MapQuestion> = {}) =>
      selectMap(database.db, { measure: 'connected', sort: 'worst', limit: 10, offset: 0, ...question }, SINCE_MS);

    beforeAll(async () => {
      database = await open();
      const { db } = database;
      for (const word of ['one', 'two'])
        await db.execute(sql`insert into releases values (${digestOf(word)}, ${word}, '', '{}', 0, 'ann')`);
      const fleet = createExampleFleet({ db });
      const sites = ['north', 'north', 'north', 'south', 'south', ''];
      await fleet.addDevices(6, { labels: (index): Record<string, string> => (sites[index] === '' ? {} : { site: sites[index] ?? '' }) });
      await db.execute(sql`update devices set profile = case when id in ('device-000002', 'device-000003') then 'orin' else 'pi' end`);
      await fleet.setOnline(['device-000003'], false);
      await fleet.assign('device-000001', 'two');
      await db.execute(sql`update devices set reported = '{"phase": "failed"}' where id = 'device-000000'`);
      await fleet.addDevices(1, { labels: () => ({ site: 'north' }) });
      await db.execute(sql`update devices set status = 'revoked' where id = 'device-000006'`);
      await ensurePartitions(db, 'telemetry_hours', [NOON_MS, SINCE_MS, SINCE_MS - HOUR_MS]);
      const add = (profile: string, site: string, atMs: number, count: number, hits: number, total: number) =>
        db.execute(
          sql`insert into telemetry_hours values (${digestOf('one')}, ${profile}, ${site}, 'inference', 'p', ${atMs}, ${count}, ${hits}, ${total}, null)`,
        );
      await add('pi', 'north', NOON_MS, 10, 0, 100);
      await add('pi', 'north', SINCE_MS, 12, 2, 300);
      await add('pi', 'south', NOON_MS, 5, 0, 1000);
      await add('pi', 'north', SINCE_MS - HOUR_MS, 1000, 0, 1);
      await add('*', '', NOON_MS, 1000, 0, 1);
    }, 120_000);
    afterAll(() => database?.close());

    test('counts each device that is let in once, by site and profile, with what it should run', async () => {
      const { fleet, leading, profiles, items, total } = await map();
      expect(fleet).toMatchObject({ devices: 6, connected: 5, closed: 0, failing: 1, onLeading: 5, items: 27, failures: 2 });
      expect(fleet.latencyMsMean).toBeCloseTo(1400 / 25);
      expect(leading).toEqual({ digest: digestOf('one'), name: 'one' });
      expect(profiles).toEqual([
        { profile: 'pi', devices: 4 },
        { profile: 'orin', devices: 2 },
      ]);
      expect([total, items.map(({ site, devices }) => [site, devices])]).toEqual([
        3,
        [
          ['south', 2],
          ['north', 3],
          ['', 1],
        ],
      ]);
      const [orin, pi] = items[1]?.cells ?? [];
      expect(orin).toMatchObject({ profile: 'orin', devices: 1, items: 0, latencyMsMean: null });
      expect(pi).toMatchObject({ profile: 'pi', devices: 2, connected: 2, failing: 1, items: 22, failures: 2, latencyMsMean: 20 });
      expect(pi?.releases).toEqual([
        { digest: digestOf('one'), name: 'one', devices: 1 },
        { digest: digestOf('two'), name: 'two', devices: 1 },
      ]);
    });

    test.each([
      ['failing', ['north', 'south', '']],
      ['latency', ['south', 'north', '']],
      ['release', ['north', 'south', '']],
    ] as const)('the worst by %s come first', async (measure, sites) => {
      expect((await map({ measure })).items.map(({ site }) => site)).toEqual(sites);
    });

    test('is paged, ordered by name, and narrowed to sites by part of their name', async () => {
      const page = await map({ sort: 'site', limit: 2, offset: 1 });
      expect([page.total, page.items.map(({ site }) => site)]).toEqual([3, ['north', 'south']]);
      const found = await map({ search: 'ORT' });
      // The figures of the whole fleet stay those of the whole fleet.
      expect([found.total, found.items.map(({ site }) => site), found.fleet.devices]).toEqual([1, ['north'], 6]);
      expect(await map({ search: '%' })).toMatchObject({ total: 0, items: [] });
    });

    test('a page that was closed in order is no trouble until it is back; a machine that says goodbye is', async () => {
      const { db } = database;
      await db.execute(
        sql`update devices set capabilities = jsonb_set(capabilities, '{environment}', '"browser"') where id = 'device-000004'`,
      );
      const seen = (id: string, online: boolean, closed: boolean) => writePresence(db, new Map([[id, { atMs: NOON_MS, online, closed }]]));
      await seen('device-000004', false, true);
      // Its last will comes after, and knows nothing of that.
      await seen('device-000004', false, false);
      await seen('device-000005', false, true);
      const silent = async () =>
        (await selectDevices(db, { limit: 10, offset: 0, sort: 'name', status: 'silent' })).rows.map(({ id }) => id).sort();
      expect(await silent()).toEqual(['device-000003', 'device-000005']);
      expect((await map()).fleet).toMatchObject({ connected: 3, closed: 1 });
      expect((await countByStatus(db)).find(({ closed }) => closed)).toMatchObject({ online: false, value: 1 });
      await seen('device-000004', true, false);
      await seen('device-000004', false, false);
      expect(await silent()).toEqual(['device-000003', 'device-000004', 'device-000005']);
    });

    test('a simulated device is missed by nobody once its simulation is over, even where it had failed', async () => {
      const { db } = database;
      const label = (simulated: string) =>
        db.execute(
          sql`update devices set labels = jsonb_build_object('simulated', ${simulated}::text) where id in ('device-000003', 'device-000000')`,
        );
      const found = async (status: 'silent' | 'failed') =>
        (await selectDevices(db, { limit: 10, offset: 0, sort: 'name', status })).rows.map(({ id }) => id);
      const before = await found('silent');
      expect([before.includes('device-000003'), await found('failed')]).toEqual([true, ['device-000000']]);
      await label('true');
      expect(await found('silent')).toEqual(before.filter((id) => id !== 'device-000003'));
      // This one is still there, and says so.
      expect(await found('failed')).toEqual(['device-000000']);
      await writePresence(db, new Map([['device-000000', { atMs: NOON_MS, online: false, closed: false }]]));
      expect(await found('failed')).toEqual([]);
      const ended = (await countByStatus(db)).filter((row) => row.ended);
      expect(ended.reduce((sum, { value }) => sum + value, 0)).toBe(2);
      // Another word on the label is none of ours.
      await label('false');
      expect([(await found('silent')).includes('device-000003'), await found('failed')]).toEqual([true, ['device-000000']]);
    });
  });
}
