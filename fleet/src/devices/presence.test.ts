import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PRESENCE_TIMEOUT_MS } from '@starling/shared';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Database, type OpenDatabase, openDatabase } from '../db/index.ts';
import { createExampleFleet } from '../rollouts/example-fleet.ts';
import { shardOf } from '../shards/index.ts';
import { createPresence, type Presence } from './presence.ts';
import { deviceById, updateDevice } from './store.ts';

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

/** A database of which the first statement waits until it is let go. */
function slowDatabase(): { db: Database; letGo: () => void } {
  const held = Promise.withResolvers<void>();
  let statements = 0;
  const db = new Proxy(database.db, {
    get(real, name, of) {
      if (name !== 'execute') return Reflect.get(real, name, of);
      return async (statement: Parameters<Database['execute']>[0]) => {
        statements += 1;
        if (statements === 1) await held.promise;
        return real.execute(statement);
      };
    },
  });
  return { db, letGo: held.resolve };
}

test('one that goes while its hello is being written has gone', async () => {
  const { db, letGo } = slowDatabase();
  const presence = open(db);
  const greeted = hello(presence);
  presence.seen(device, false);
  await presence.flush();
  letGo();
  await greeted;
  await presence.flush();
  expect(await isOnline()).toBe(false);
});

test('one that comes back is there, though its going is not written yet', async () => {
  const presence = open();
  presence.seen(device, false);
  await hello(presence);
  await presence.flush();
  expect(await isOnline()).toBe(true);
});

test('one that comes back is there, though its going is just being written', async () => {
  const { db, letGo } = slowDatabase();
  const presence = open(db);
  presence.seen(device, false);
  const flushed = presence.flush();
  await Promise.resolve();
  const greeted = hello(presence);
  letGo();
  await Promise.all([flushed, greeted]);
  await presence.flush();
  expect(await isOnline()).toBe(true);
});

test('one that was revoked is not, whatever was heard of it before', async () => {
  const presence = open();
  presence.seen(device, true);
  await updateDevice(database.db, device, { status: 'revoked', online: false });
  await presence.flush();
  await hello(presence);
  expect(await isOnline()).toBe(false);
});

test('shards are left when what is being written of them is written', async () => {
  const { db, letGo } = slowDatabase();
  const presence = open(db);
  presence.seen(device, true);
  const flushed = presence.flush();
  await Promise.resolve();
  let isLeft = false;
  const left = presence.leave([shardOf(device)]).then(() => {
    isLeft = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(isLeft).toBe(false);
  letGo();
  await Promise.all([flushed, left]);
  expect(await isOnline()).toBe(true);
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
