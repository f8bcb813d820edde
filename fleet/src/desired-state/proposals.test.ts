import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadProfiles } from '@starling/device-profiles';
import { type ArtefactView, buildRecipeSchema, capabilitiesSchema, type Release } from '@starling/shared';
import { inArray } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Database, type OpenDatabase, openDatabase } from '../db/index.ts';
import { desiredStates, devices, measurements } from '../db/schema/index.ts';
import { type ProposalPorts, pageOfChanges } from './proposals.ts';
import { pagesWithRelease } from './store.ts';
import { findUnserved } from './unserved.ts';
import { viewsOf } from './views.ts';

/** More than one reading takes. */
const DEVICES = 603;
/** Two of them were revoked, and every third is on what is best for it. */
const REVOKED = 2;
const [slow, quick] = ['a'.repeat(64), 'b'.repeat(64)];
const RELEASE = 'c'.repeat(64);
const profiles = new Map(loadProfiles().map((profile) => [profile.name, profile]));

const artefact = (digest: string, sizeBytes: number): ArtefactView => ({
  ...{ digest, sizeBytes, precision: 'fp32', optimisation: 'source', executionProviders: ['cpu'], createdAtMs: 0 },
  report: { compressionRatio: 1, maximumError: 0, quantisedTensors: 0, buildMs: 0 },
  document: {
    ...{ kind: 'artefact', schemaVersion: 1, critical: [], fleetId: 'f', model: 'net', modelVersion: '1.0.0' },
    ...{ sourceDigest: slow, precision: 'fp32', optimisation: 'source', executionProviders: ['cpu'] },
    needs: { opset: 17, operators: ['Conv'] },
    provenance: { recipe: buildRecipeSchema.parse({ method: 'source' }), tools: {}, keptInFloat: [], builtAtMs: 0 },
    blob: { digest, sizeBytes, manifest: digest },
  },
});
const record = (digest: string, milliseconds: number) => ({
  ...{ artefact: digest, model: 'net', provider: 'cpu', runtimeVersion: 'onnxruntime-node 1.30.0', hardware: 'h', threads: 1 },
  ...{ warmUpRuns: 3, runs: 20, latencyMs: { median: milliseconds, p95: milliseconds, mean: milliseconds }, loadMs: 1 },
  ...{ peakMemoryBytes: null, joulesPerInference: null, energyMethod: null, cpuSecondsPerInference: 0.01 },
  ...{ throttled: false, idleShare: 1, goldenError: 0 },
});
const release = {
  digest: RELEASE,
  document: { models: [{ name: 'net', version: '1.0.0', digest: 'd'.repeat(64) }] } as unknown as Release,
};
const idOf = (index: number): string => `device-${`${index}`.padStart(5, '0')}`;

let directory: string;
let database: OpenDatabase;
let queries = 0;
let ports: ProposalPorts;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'starling-proposals-'));
  database = await openDatabase({ directory });
  const { db } = database;
  const capabilities = capabilitiesSchema.parse({
    ...{ schemaVersion: 1, environment: 'node', os: 'linux', architecture: 'x64', agentVersion: '1.0.0', cpu: { cores: 4 } },
    ...{ executionProviders: [{ name: 'cpu', ran: true }], memory: { totalBytes: 2 ** 33, availableBytes: 2 ** 32 } },
    disk: { totalBytes: 2 ** 36, freeBytes: 2 ** 35 },
  });
  const all = Array.from({ length: DEVICES }, (_, index) => index);
  for (let from = 0; from < DEVICES; from += 400) {
    const some = all.slice(from, from + 400);
    await db.insert(devices).values(
      some.map((index) => ({
        ...{ id: idOf(index), publicKey: `key-${index}`, machineIdDigest: 'm', name: `name-${index}`, capabilities },
        ...{ status: index < REVOKED ? ('revoked' as const) : ('active' as const), profile: 'cloud-x86-64', profileReason: {} },
        ...{ agentVersion: '1.0.0', enrolledAtMs: 0 },
      })),
    );
    await db.insert(desiredStates).values(
      some.map((index) => ({
        ...{ device: idOf(index), epoch: 1, generation: 1, release: RELEASE, assignedAtMs: 0, assignedBy: 'test' },
        artefacts: { net: index % 3 === 0 ? quick : slow },
      })),
    );
  }
  const measured = [record(slow, 20), record(quick, 5)];
  await db
    .insert(measurements)
    .values(measured.map((each) => ({ device: idOf(5), artefact: each.artefact, record: each, measuredAtMs: 1 })));
  const counted = new Proxy(db, {
    get(target, key, receiver) {
      if (key === 'select') queries += 1;
      return Reflect.get(target, key, receiver);
    },
  }) as Database;
  ports = {
    db: counted,
    profiles,
    models: { artefacts: async () => [artefact(slow, 1000), artefact(quick, 1000)] },
    releases: {
      find: async () => release as never,
      plan: async () => ({ parts: [], places: [], modelsAt: () => release.document.models.map(({ name }) => name) }),
    },
  };
}, 60_000);
afterAll(async () => {
  await database?.close();
  await rm(directory, { recursive: true, force: true });
});

test('of many devices finds those that another artefact is better for, with a few queries', async () => {
  queries = 0;
  const page = await pageOfChanges(ports, { limit: 50, offset: 100 });
  const expected = Array.from({ length: DEVICES }, (_, index) => index).filter((index) => index >= REVOKED && index % 3 !== 0);
  expect(page).toMatchObject({ total: expected.length, devices: expected.length, limit: 50, offset: 100 });
  expect(page.items.map(({ device }) => device)).toEqual(expected.slice(100, 150).map(idOf));
  expect(page.items[0]).toMatchObject({ from: slow, to: quick, model: 'net', release: RELEASE });
  expect(page.items[0]?.choice.reason).toContain('least latency');
  // Two pages of rows and of devices, and what the chooser reads once.
  expect(queries).toBeLessThanOrEqual(8);
});

test('says how many choices rest on no measurement', async () => {
  const { db } = database;
  const page = { limit: 1, offset: 0 };
  const choices = DEVICES - REVOKED;
  // Both artefacts were measured on one device of the profile that all are of.
  expect(await pageOfChanges(ports, page)).toMatchObject({ choices, unmeasured: 0 });
  const rows = await db.select().from(measurements);
  await db.delete(measurements);
  expect(await pageOfChanges(ports, page)).toMatchObject({ choices, unmeasured: choices, total: 0 });
  const onSlow = Array.from({ length: DEVICES }, (_, index) => index).filter((index) => index >= REVOKED && index % 3 !== 0).length;
  await db.insert(measurements).values(rows.filter(({ artefact: digest }) => digest === quick));
  expect(await pageOfChanges(ports, page)).toMatchObject({ choices, unmeasured: onSlow });
  await db.insert(measurements).values(rows.filter(({ artefact: digest }) => digest === slow));
});

test('every page of changes follows the one before', async () => {
  const devicesOf = async (offset: number) => (await pageOfChanges(ports, { limit: 150, offset })).items.map(({ device }) => device);
  const pages = [await devicesOf(0), await devicesOf(150), await devicesOf(300), await devicesOf(450)];
  expect(pages.map(({ length }) => length)).toEqual([150, 150, 101, 0]);
  expect(new Set(pages.flat()).size).toBe(401);
});

test('rows that are written meanwhile are neither seen twice nor missed', async () => {
  const { db } = database;
  const seen: string[] = [];
  for await (const page of pagesWithRelease(db, RELEASE, 100)) {
    seen.push(...page.map(({ device }) => device));
    const [first] = page;
    if (first !== undefined)
      await db
        .insert(desiredStates)
        .values({ ...first, generation: first.generation + 1 })
        .onConflictDoUpdate({
          target: desiredStates.device,
          set: { generation: first.generation + 1 },
        });
  }
  expect(seen).toEqual(Array.from({ length: DEVICES }, (_, index) => idOf(index)));
});

test('devices that lack an artefact of a model are found with a few queries, and the others left alone', async () => {
  const { db } = database;
  const model = release.document.models[0]?.digest ?? '';
  // One on each page, by the order of ids.
  const lacking = [idOf(10), idOf(590)];
  await db.update(desiredStates).set({ artefacts: {} }).where(inArray(desiredStates.device, lacking));
  queries = 0;
  const found: string[] = [];
  for await (const { device, chooser } of findUnserved(model, ports)) {
    found.push(device.id);
    expect(chooser.choose(device, {})).toMatchObject({ net: { artefact: quick } });
  }
  expect(found).toEqual(lacking);
  expect(queries).toBeLessThanOrEqual(8);
  for await (const { device } of findUnserved('e'.repeat(64), ports)) expect.unreachable(`${device.id} does not run that model`);
});

test('what many devices should run is read at once', async () => {
  const ids = Array.from({ length: 200 }, (_, index) => idOf(index));
  queries = 0;
  const views = await viewsOf([...ids, 'never-told'], ports);
  expect(queries).toBe(1);
  expect([...views.keys()].sort()).toEqual(ids);
  expect(views.get(idOf(7))).toMatchObject({ release: RELEASE, generation: expect.any(Number), assignedBy: 'test' });
  expect(await viewsOf([], ports)).toEqual(new Map());
});
