import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { capabilitiesSchema } from '@starling/shared';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type OpenDatabase, openDatabase } from '../db/index.ts';
import { devices } from '../db/schema/index.ts';
import { openBackup } from './write.ts';

const DEVICES = 500;
/** Random text: what waits in buffers is less than all rows, also when it is compressed. */
const NAME_BYTES = 2_000;
const head = {
  ...{ kind: 'backup' as const, schemaVersion: 1 as const, fleetId: 'f'.repeat(26), fleetVersion: '1.0.0' },
  ...{ epoch: 1, createdAtMs: 1_000, withTelemetry: true },
};
const blobs = {
  listChunks: async function* () {
    yield* [];
  },
  getChunk: () => Promise.reject(new Error('there are none')),
};

let directory: string;
let database: OpenDatabase;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'starling-backup-'));
  database = await openDatabase({ directory });
  const capabilities = capabilitiesSchema.parse({
    ...{ schemaVersion: 1, environment: 'node', os: 'linux', architecture: 'arm64', agentVersion: '1.0.0', cpu: { cores: 6 } },
    ...{ executionProviders: [{ name: 'cpu', ran: true }], memory: { totalBytes: 2 ** 33, availableBytes: 0 } },
    disk: { totalBytes: 0, freeBytes: 0 },
  });
  const rest = { machineIdDigest: '', status: 'active' as const, profile: 'p', profileReason: {}, agentVersion: '1', enrolledAtMs: 0 };
  const rows = Array.from({ length: DEVICES }, (_, index) => ({
    ...{ id: `${index}`, publicKey: `key-${index}`, name: randomBytes(NAME_BYTES).toString('hex'), capabilities, ...rest },
  }));
  await database.db.insert(devices).values(rows);
}, 120_000);
afterAll(async () => {
  await database.close();
  await rm(directory, { recursive: true, force: true });
});

test('whoever does not take a backup keeps nobody from the database', async () => {
  const backup = openBackup({ db: database.db, blobs, directory }, head);
  await expect.poll(() => backup.writableNeedDrain).toBe(true);
  const answered = database.db.$count(devices).then((count) => count);
  expect(await Promise.race([answered, sleep(10_000)])).toBe(DEVICES);
  backup.destroy();
}, 60_000);

test('a backup has all rows, and leaves no file in the data directory', async () => {
  const before = await readdir(directory);
  const bytes = gunzipSync(await buffer(openBackup({ db: database.db, blobs, directory }, head)));
  expect(bytes.toString('latin1').split('"public_key":"key-').length - 1).toBe(DEVICES);
  expect(await readdir(directory)).toEqual(before);
}, 60_000);
