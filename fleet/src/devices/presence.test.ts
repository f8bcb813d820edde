import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PRESENCE_TIMEOUT_MS } from '@starling/shared';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Database, type OpenDatabase, openDatabase } from '../db/index.ts';
import { createExampleFleet } from '../rollouts/example-fleet.ts';
import { shardOf } from '../shards/index.ts';
import { createPresence, type Presence } from './presence.ts';
import { deviceById } from './store.ts';

let directory: string;
let database: OpenDatabase;
let device: string;
let nowMs = 1_000_000;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'starling-presence-'));
  database = await openDatabase({ directory });
}, 60_000);
afterAll(async () => {
  await database?.close();
  await rm(directory, { recursive: true, force: true });
});
beforeEach(async (context) => {
  const [id] = await createExampleFleet(database).addDevices(1, { id: () => `a-${context.task.id}` });
  device = id ?? expect.unreachable();
  nowMs += 1_000;
});

/** One process of a fleet. */
const open = (db: Database = database.db): Presence => createPresence({ db, clock: { nowMs: () => nowMs }, announce: () => undefined });
const isOnline = async (): Promise<boolean | undefined> => (await deviceById(database.db, device))?.online;
const hello = (presence: Presence): Promise<void> =>
  presence.greeted(device, { agentVersion: '1.0.0', operatorVersions: {}, bootId: 'boot', streamId: 'stream', atMs: nowMs });

test('a device is there from its hello on, until it goes or says nothing for long', async () => {
  const presence = open();
  await hello(presence);
  expect([await isOnline(), presence.isHeard(device)]).toEqual([true, true]);
  nowMs += PRESENCE_TIMEOUT_MS;
  await presence.flush();
  expect(await isOnline()).toBe(true);
  nowMs += 1;
  await presence.flush();
  expect([await isOnline(), presence.isHeard(device)]).toEqual([false, false]);
  presence.seen(device, true);
  await presence.flush();
  expect(await isOnline()).toBe(true);
  presence.seen(device, false);
  await presence.flush();
  expect(await isOnline()).toBe(false);
});

test('one that goes while its hello is being written has gone', async () => {
  const written = Promise.withResolvers<void>();
  let statements = 0;
  const slow = new Proxy(database.db, {
    get(db, name, of) {
      if (name !== 'execute') return Reflect.get(db, name, of);
      return async (statement: Parameters<Database['execute']>[0]) => {
        statements += 1;
        if (statements === 1) await written.promise;
        return db.execute(statement);
      };
    },
  });
  const presence = open(slow);
  const greeted = hello(presence);
  presence.seen(device, false);
  await presence.flush();
  written.resolve();
  await greeted;
  await presence.flush();
  expect(await isOnline()).toBe(false);
});

test('what one process has heard is written before another one hears the device', async () => {
  const [before, after] = [open(), open()];
  before.seen(device, true);
  await before.leave([shardOf(device)]);
  await after.watch([shardOf(device)]);
  after.seen(device, false);
  await after.flush();
  await before.flush();
  expect(await isOnline()).toBe(false);
  expect(before.isHeard(device)).toBe(false);
});

test('a process that stood still tells no old news of who is there', async () => {
  const [still, after] = [open(), open()];
  still.seen(device, true);
  nowMs += 10_000;
  after.seen(device, false);
  await after.flush();
  await still.flush();
  expect(await isOnline()).toBe(false);
});
