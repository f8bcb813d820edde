import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type OpenDatabase, openDatabase } from '../db/index.ts';
import { createExampleFleet } from '../rollouts/example-fleet.ts';
import { deleteEndedLogins, deviceById, devicesWithoutLogin, insertBrokerLogin, updateDevice, validPasswordDigests } from './store.ts';

const NOW_MS = 1_000_000;
const HOUR_MS = 3_600_000;

let directory: string;
let database: OpenDatabase;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'starling-logins-'));
  database = await openDatabase({ directory });
}, 60_000);
afterAll(async () => {
  await database?.close();
  await rm(directory, { recursive: true, force: true });
});

/** @returns ids of new devices, and a function by which one gets a password */
async function addDevices(count: number) {
  const { db } = database;
  const ids = await createExampleFleet({ db }).addDevices(count, { id: (index) => `of-${count}-${index}` });
  const logIn = async (device: string | undefined, expiresAtMs: number, key?: string): Promise<boolean> => {
    const row = await deviceById(db, device ?? '');
    const login = { device: device ?? '', passwordDigest: `${device} ${expiresAtMs}`, expiresAtMs };
    return insertBrokerLogin(db, login, key ?? row?.publicKey ?? '');
  };
  return { ids, logIn };
}

test('devices without a good password are those that were revoked or did not log in again', async () => {
  const { db } = database;
  const { ids, logIn } = await addDevices(4);
  const [ended, renewed, live, revoked] = ids as [string, string, string, string];
  for (const device of [ended, renewed]) await logIn(device, NOW_MS - 1);
  for (const device of [renewed, live, revoked]) await logIn(device, NOW_MS + HOUR_MS);
  await updateDevice(db, revoked, { status: 'revoked' });
  const out = async () => (await devicesWithoutLogin(db, [...ids, 'not-ours'], NOW_MS)).toSorted();
  expect(await out()).toEqual([ended, revoked]);
  await deleteEndedLogins(db, NOW_MS);
  expect(await out()).toEqual([ended, revoked]);
  expect([...(await validPasswordDigests(db, ids, NOW_MS)).entries()]).toEqual(
    [renewed, live].map((device) => [device, [`${device} ${NOW_MS + HOUR_MS}`]]),
  );
  expect(await devicesWithoutLogin(db, [], NOW_MS)).toEqual([]);
});

test('a device that was revoked, or got another key, while it logged in gets no password', async () => {
  const { db } = database;
  const { ids, logIn } = await addDevices(2);
  const [revoked, rekeyed] = ids as [string, string];
  const before = (await deviceById(db, rekeyed))?.publicKey;
  await updateDevice(db, revoked, { status: 'revoked' });
  expect(await logIn(revoked, NOW_MS)).toBe(false);
  expect(await logIn(rekeyed, NOW_MS, `${before}x`)).toBe(false);
  expect(await logIn(rekeyed, NOW_MS, before)).toBe(true);
});
