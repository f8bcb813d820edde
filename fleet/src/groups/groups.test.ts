import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Actor, capabilitiesSchema } from '@starling/shared';
import { eq, sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type OpenDatabase, openDatabase } from '../db/index.ts';
import { deviceGroups, devices } from '../db/schema/index.ts';
import { createDeviceBulk, type DeviceBulk } from '../devices/index.ts';
import { createGroups, type Groups } from './groups.ts';

const actor: Actor = { id: 'u', name: 'ada', role: 'operator', via: 'token', scopes: null };
const clock = { nowMs: () => 1_000 };
const DEVICES = 30;

let directory: string;
let database: OpenDatabase;
let groups: Groups;
let bulk: DeviceBulk;
const told: string[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'starling-groups-'));
  database = await openDatabase({ directory });
  const { db } = database;
  const events = { publish: ({ id }: { id: string }) => void told.push(id), subscribe: () => () => undefined };
  bulk = createDeviceBulk({ db, clock, events });
  groups = createGroups({ db, clock, uses: [async (_db, name) => (name === 'rolled' ? ['rollout spring'] : [])] });
  const capabilities = capabilitiesSchema.parse({
    ...{ schemaVersion: 1, environment: 'node', os: 'linux', architecture: 'arm64', agentVersion: '1.0.0', cpu: { cores: 4 } },
    ...{ executionProviders: [{ name: 'cpu', ran: true }], memory: { totalBytes: 2 ** 33, availableBytes: 0 } },
    disk: { totalBytes: 0, freeBytes: 0 },
  });
  await db.insert(devices).values(
    Array.from({ length: DEVICES }, (_, index) => ({
      ...{ id: `${'abcdefghij'.charAt(index % 10)}${'abc'.charAt(Math.floor(index / 10))}`.padEnd(26, 'z'), publicKey: `${index}` },
      ...{ machineIdDigest: '', name: `gate-${index}`, status: 'active' as const, online: index % 2 === 0, capabilities },
      ...{ profile: 'raspberry-pi-5', profileReason: {}, agentVersion: index < 10 ? '1.9.0' : '1.10.0', enrolledAtMs: 0 },
      labels: { site: index % 3 === 0 ? 'north' : 'south', ...(index < 20 ? { area: 'europe' } : {}) },
    })),
  );
}, 60_000);
afterAll(async () => {
  await database.close();
  await rm(directory, { recursive: true, force: true });
});

test('a group is what its selector selects now', async () => {
  expect(await groups.create({ name: 'north', description: 'up there', select: 'site == "north"' }, actor)).toEqual({
    ...{ name: 'north', description: 'up there', select: 'site == "north"', devices: 10, online: 5, usedBy: [], problem: null },
    ...{ createdAtMs: 1_000, changedAtMs: 1_000, changedBy: 'ada' },
  });
  await groups.create({ name: 'new-north', description: '', select: 'group("north") && agentVersion >= "1.10"' }, actor);
  const { items, total } = await groups.list({ limit: 10, offset: 0 });
  expect(items.map(({ name, devices: count, usedBy }) => [name, count, usedBy])).toEqual([
    ['new-north', 6, []],
    ['north', 10, ['group new-north']],
  ]);
  expect(total).toBe(2);
  expect((await groups.list({ limit: 10, offset: 0, search: 'up th' })).items.map(({ name }) => name)).toEqual(['north']);
});

test('a check tells what is wrong and where, or how many devices there are', async () => {
  expect(await groups.check('group("new-north") || !online', undefined)).toEqual({ problem: null, devices: 18, online: 3, total: DEVICES });
  expect(await groups.check('online && group("nort")', undefined)).toMatchObject({
    problem: { message: 'there is no group "nort"', start: 16, end: 22, hint: 'did you mean "north"?' },
    ...{ devices: 0, total: DEVICES },
  });
  expect((await groups.check('group("new-north")', 'north')).problem?.message).toContain('circle');
});

test('for a group that there is not another one is named, and never the one that is being made', async () => {
  const made = { name: 'nortn', description: '', select: 'group("nortz")' };
  await expect(groups.create(made, actor)).rejects.toMatchObject({ code: 'invalid-selector', hint: 'did you mean "north"?' });
  await expect(groups.create({ ...made, name: 'south', select: 'group("soutz")' }, actor)).rejects.toMatchObject({
    hint: expect.not.stringContaining('did you mean "south"'),
  });
});

test('groups may not use each other in a circle, nor themselves', async () => {
  await expect(groups.change('north', { select: 'group("new-north")' }, actor)).rejects.toMatchObject({ code: 'group-circle' });
  await expect(groups.create({ name: 'self', description: '', select: '!group("self")' }, actor)).rejects.toMatchObject({
    code: 'group-circle',
  });
  await expect(groups.create({ name: 'bad', description: '', select: 'sitee == "x"' }, actor)).rejects.toMatchObject({
    code: 'invalid-selector',
  });
  await expect(groups.create({ name: 'north', description: '', select: 'true' }, actor)).rejects.toMatchObject({ code: 'name-taken' });
  expect((await groups.list({ limit: 10, offset: 0 })).total).toBe(2);
});

test('a change moves whoever uses the group', async () => {
  expect((await groups.change('north', { select: 'site == "north" && online' }, actor)).devices).toBe(5);
  expect((await groups.show('new-north')).devices).toBe(3);
  await expect(groups.change('nobody', { select: 'true' }, actor)).rejects.toMatchObject({ code: 'not-found' });
});

test('a group in use stays', async () => {
  await expect(groups.remove('north', actor)).rejects.toMatchObject({
    code: 'group-in-use',
    message: '"north" is used by group new-north',
  });
  await groups.create({ name: 'rolled', description: '', select: 'true' }, actor);
  await expect(groups.remove('rolled', actor)).rejects.toMatchObject({ message: '"rolled" is used by rollout spring' });
  await groups.remove('new-north', actor);
  await groups.remove('north', actor);
  await expect(groups.show('north')).rejects.toMatchObject({ code: 'not-found' });
});

test('a group that cannot be read any longer says so, and holds up nobody else', async () => {
  await database.db.update(deviceGroups).set({ selector: 'gone == 1' }).where(eq(deviceGroups.name, 'rolled'));
  await groups.create({ name: 'all', description: '', select: 'true' }, actor);
  const { items } = await groups.list({ limit: 10, offset: 0 });
  expect(items).toMatchObject([
    { name: 'all', devices: DEVICES, problem: null },
    { name: 'rolled', devices: 0, problem: expect.stringContaining('unknown name "gone"') },
  ]);
  expect((await groups.check('group("rolled")', undefined)).problem?.message).toContain('the group "rolled": unknown name "gone"');
});

test('sites are counted by area', async () => {
  const { items, total } = await groups.sites({ limit: 10, offset: 0 });
  expect(items).toEqual([
    { area: '', site: 'north', devices: 3, online: 1, failed: 0 },
    { area: '', site: 'south', devices: 7, online: 4, failed: 0 },
    { area: 'europe', site: 'north', devices: 7, online: 4, failed: 0 },
    { area: 'europe', site: 'south', devices: 13, online: 6, failed: 0 },
  ]);
  expect(total).toBe(4);
  expect((await groups.sites({ limit: 1, offset: 1, area: 'europe' })).items).toEqual([items[3]]);
});

test('the vocabulary offers what occurs, the most frequent first', async () => {
  expect(await groups.vocabulary()).toEqual({
    labels: { site: ['south', 'north'], area: ['europe'] },
    ...{ profiles: ['raspberry-pi-5'], releases: [], agentVersions: ['1.10.0', '1.9.0'], architectures: ['arm64'], providers: ['cpu'] },
    groups: ['all', 'rolled'],
  });
});

test('labels of all selected devices change at once, and a dry run says how many first', async () => {
  const where = await groups.where('agentVersion < "1.10"');
  const target = { where, select: 'agentVersion < "1.10"' };
  const patch = { old: 'yes', site: 'north', area: null };
  const dry = await bulk.label(target, patch, { dryRun: true, actor });
  expect(dry).toMatchObject({ selected: 10, changing: 10 });
  expect(dry.examples).toHaveLength(5);
  expect(told).toEqual([]);
  expect(await bulk.label(target, patch, { dryRun: false, actor })).toMatchObject({ selected: 10, changing: 10 });
  expect(new Set(told).size).toBe(10);
  expect(await bulk.label(target, patch, { dryRun: false, actor })).toMatchObject({ selected: 10, changing: 0, examples: [] });
  const rows = await database.db.select({ labels: devices.labels }).from(devices).where(where);
  expect(rows.every(({ labels }) => labels.old === 'yes' && labels.site === 'north' && !('area' in labels))).toBe(true);
  expect((await groups.check('labels.old == "yes"', undefined)).devices).toBe(10);
});

async function textOf(pieces: AsyncIterable<string>): Promise<string> {
  let text = '';
  for await (const piece of pieces) text += piece;
  return text;
}

async function* bytesOf(text: string): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(text);
}

test('a file goes out and comes in again, and bad lines hold all others up unless they are skipped', async () => {
  const csv = await textOf(bulk.exportCsv(await groups.where('name in ["gate-20", "gate-21"]')));
  const [header, first = '', second = ''] = csv.split('\r\n');
  expect(header).toBe('id,name,labels.site');
  const options = { dryRun: false, skipBad: false, actor };
  expect(await bulk.importCsv(bytesOf(csv), options)).toEqual({ rows: 2, changing: 0, applied: true, bad: 0, problems: [] });
  const changed = `id,name,labels.site,labels.lane\n${first.replace('gate-20', 'door')},4\n${'q'.repeat(26)},x,y,z\n${second},\n`;
  const problems = [{ line: 3, column: 'id', message: `there is no device ${'q'.repeat(26)}`, hint: expect.any(String) }];
  expect(await bulk.importCsv(bytesOf(changed), options)).toEqual({ rows: 3, changing: 1, applied: false, bad: 1, problems });
  expect(await bulk.importCsv(bytesOf(changed), { ...options, skipBad: true, dryRun: true })).toMatchObject({
    changing: 1,
    applied: false,
  });
  expect((await groups.check('name == "door"', undefined)).devices).toBe(0);
  expect(await bulk.importCsv(bytesOf(changed), { ...options, skipBad: true })).toMatchObject({ changing: 1, applied: true, problems });
  expect((await groups.check('name == "door" && labels.lane == "4"', undefined)).devices).toBe(1);
});

test('a table as large as a fleet is written page by page, each device once', async () => {
  await database.db.execute(sql`insert into devices (id, public_key, machine_id_digest, name, status, capabilities, profile, profile_reason,
    agent_version, enrolled_at_ms) select 'many-' || i, 'k' || i, '', 'd' || i, 'active', '{}', 'p', '{}', '1', 0 from generate_series(1, 4500) i`);
  const csv = await textOf(bulk.exportCsv(await groups.where('id.startsWith("many-")')));
  const ids = csv
    .trimEnd()
    .split('\r\n')
    .slice(1)
    .map((line) => line.split(',')[0]);
  expect([ids.length, new Set(ids).size]).toEqual([4500, 4500]);
});
