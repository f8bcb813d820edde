import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { capabilitiesSchema } from '@starling/shared';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type OpenDatabase, openDatabase } from '../db/index.ts';
import { devices, telemetryRecords } from '../db/schema/index.ts';
import { asOfNow } from './older.ts';
import { emptyTables, insertRows, readRows } from './store.ts';

let directory: string;
let database: OpenDatabase;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'starling-backup-'));
  database = await openDatabase({ directory });
}, 120_000);
afterAll(async () => {
  await database.close();
  await rm(directory, { recursive: true, force: true });
});

test('a device comes back with the columns that the database computes', async () => {
  const capabilities = capabilitiesSchema.parse({
    ...{ schemaVersion: 1, environment: 'node', os: 'linux', architecture: 'arm64', agentVersion: '1.0.0', cpu: { cores: 6 } },
    ...{ executionProviders: [{ name: 'cuda', ran: true }], memory: { totalBytes: 2 ** 33, availableBytes: 0 } },
    disk: { totalBytes: 0, freeBytes: 0 },
  });
  const { db } = database;
  const rest = { machineIdDigest: '', status: 'active' as const, profile: 'p', profileReason: {}, agentVersion: '1', enrolledAtMs: 0 };
  const [before] = await db
    .insert(devices)
    .values({ id: 'a', publicKey: 'k', name: 'gate', capabilities, ...rest })
    .returning();
  const lines = await db.transaction(async (tx) => {
    const pages: string[][] = [];
    for await (const page of readRows(tx, 'devices')) pages.push(page);
    return pages.flat();
  });
  await db.transaction(async (tx) => {
    await emptyTables(tx, ['devices']);
    await insertRows(tx, 'devices', lines);
  });
  expect(await db.select().from(devices)).toEqual([before]);
  expect(before).toMatchObject({ architecture: 'arm64', cores: 6, memoryMebibytes: 8192, providers: ['cuda'] });
}, 60_000);

test('records of an older fleet, which had a row each, are found where records lie now', async () => {
  const { db } = database;
  const row = {
    ...{ device: 'a', stream_id: 's', kind: 'health', sequence: 7, boot_id: 'b', monotonic_ms: 1.5, wall_ms: 2_000, clock: 'trusted' },
    ...{ arrived_at_ms: 3_000, at_ms: 2_000, payload: { level: 0.5 } },
  };
  const { table, rows } = asOfNow('telemetry_records', [
    JSON.stringify(row),
    JSON.stringify({ ...row, sequence: 8, clock: 'implausible', at_ms: 3_000 }),
  ]);
  await db.transaction((tx) => insertRows(tx, table, rows));
  const { device, sequence, atMs, wallMs, monotonicMs, bootId, payload } = telemetryRecords;
  const found = await db.select({ device, sequence, atMs, wallMs, monotonicMs, bootId, payload }).from(telemetryRecords).orderBy(sequence);
  const same = { device: 'a', wallMs: 2_000, monotonicMs: 1.5, bootId: 'b', payload: { level: 0.5 } };
  expect(found).toEqual([
    { ...same, sequence: 7, atMs: 2_000 },
    { ...same, sequence: 8, atMs: 3_000 },
  ]);
  expect(asOfNow('devices', ['{}'])).toEqual({ table: 'devices', rows: ['{}'] });
});
