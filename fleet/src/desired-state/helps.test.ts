import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { capabilitiesSchema, type Help, type ReportedState } from '@starling/shared';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type OpenDatabase, openDatabase } from '../db/index.ts';
import { desiredStates, devices } from '../db/schema/index.ts';
import { writeManyDesired } from './assign-many.ts';
import { createHelps, releasesToHelp, runsPartsOf } from './helps.ts';
import { createPlacedChoices, helpsAfter } from './placed-choices.ts';
import { createPlacement, nobody } from './placement.ts';
import { type DesiredRow, desiredOf, writeDesired, writeHelps } from './store.ts';

const [OLD, NEW, PLAIN] = ['a', 'b', 'c'].map((letter) => letter.repeat(64)) as [string, string, string];
const [worker, first, second] = ['worker', 'first', 'second'];
const clock = { nowMs: () => 0 };
const releases = {
  plan: async (release: string) => ({ parts: [], places: release === PLAIN ? [] : ['cloud'], modelsAt: () => [] }),
  find: async (digest: string) => ({ digest, document: { models: [] } }) as never,
};
const capabilities = capabilitiesSchema.parse({
  ...{ schemaVersion: 1, environment: 'node', os: 'linux', architecture: 'x64', agentVersion: '1.0.0', cpu: { cores: 4 } },
  ...{ executionProviders: [{ name: 'cpu', ran: true }], memory: { totalBytes: 2 ** 33, availableBytes: 2 ** 32 } },
  disk: { totalBytes: 2 ** 36, freeBytes: 2 ** 35 },
});
const reported = (release: string, verified = true, helps: ReportedState['helps'] = undefined): ReportedState =>
  ({
    ...{ schemaVersion: 1, epoch: 1, generation: 1, phase: 'running', steps: [], previous: null, error: null, refused: [], atMs: 0, helps },
    running: { release, artefacts: {}, verified, since: 0, providers: {} },
  }) as ReportedState;
const row = (device: string, change: Partial<DesiredRow>): DesiredRow => ({
  ...{ device, epoch: 1, generation: 1, release: OLD, previousRelease: null, artefacts: {}, reasons: {}, experiment: null },
  ...{ ...nobody, helps: [], assignedAtMs: 0, assignedBy: 'ann', ...change },
});

describe('what a worker helps with', () => {
  let directory: string;
  let database: OpenDatabase;
  let coming: { worker: string; release: string }[];

  const put = async (id: string, { labels = {}, state = reported(OLD), helping = 1 }, desired: Partial<DesiredRow>): Promise<void> => {
    const about: Partial<typeof devices.$inferInsert> = {
      labels,
      reported: state,
      operatorVersions: helping === 0 ? {} : { helping },
      online: true,
    };
    await database.db.insert(devices).values({
      ...{ id, publicKey: id, machineIdDigest: 'm', name: `name-${id}`, capabilities, status: 'active' as const, agentVersion: '1.0.0' },
      ...{ profile: 'cloud-x86-64', profileReason: {}, enrolledAtMs: 0, ...about },
    });
    await writeDesired(database.db, row(id, desired));
  };
  const refreshed = async (): Promise<string[]> => {
    const log = { warn: () => undefined } as never;
    const ports = {
      db: database.db,
      log,
      releases,
      coming: async () => coming,
      models: { artefacts: async () => [] },
      profiles: new Map(),
    };
    await createHelps(ports).refresh(async (before, helps) => void (await writeHelps(database.db, before, helps)));
    return (await desiredOf(database.db, worker))?.helps.map(({ release }) => release) ?? [];
  };
  const homes = async (...states: { release: string; previous?: string; runs: string; verified?: boolean }[]): Promise<void> => {
    for (const [index, { release, previous = null, runs, verified = true }] of states.entries())
      await put(
        [first, second][index] as string,
        { state: reported(runs, verified) },
        { release, previousRelease: previous, workers: { cloud: worker } },
      );
  };
  const theWorker = (helping = 1): Promise<void> => put(worker, { labels: { place: 'cloud' }, helping }, { places: ['cloud'] });

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'starling-helps-'));
    database = await openDatabase({ directory });
  }, 60_000);
  beforeEach(async () => {
    coming = [];
    await database.db.delete(desiredStates);
    await database.db.delete(devices);
  });
  afterAll(async () => {
    await database?.close();
    await rm(directory, { recursive: true });
  });

  test('is what a home is to run, while others are on its own', async () => {
    await theWorker();
    await homes({ release: OLD, runs: OLD }, { release: NEW, previous: OLD, runs: OLD });
    expect(await refreshed()).toEqual([NEW]);
    // Nothing more to do: the generation stays.
    const { generation } = (await desiredOf(database.db, worker)) as DesiredRow;
    expect([await refreshed(), (await desiredOf(database.db, worker))?.generation]).toEqual([[NEW], generation]);
  });

  test('is what a home still runs, or may go back to until the new one is verified, and then no more', async () => {
    await put(worker, { labels: { place: 'cloud' }, state: reported(NEW) }, { release: NEW, places: ['cloud'] });
    await homes({ release: NEW, previous: OLD, runs: NEW, verified: false });
    expect(await refreshed()).toEqual([OLD]);
    await database.db.update(devices).set({ reported: reported(NEW) });
    expect(await refreshed()).toEqual([]);
    await database.db.update(devices).set({ reported: reported(OLD) });
    expect(await refreshed()).toEqual([OLD]);
  });

  test('is what a rollout is about to give them, and nothing that runs on one machine', async () => {
    await theWorker();
    await homes({ release: OLD, runs: OLD }, { release: PLAIN, runs: PLAIN });
    coming = [{ worker, release: NEW }];
    expect(await refreshed()).toEqual([NEW]);
  });

  test('is nothing for an agent that holds one release', async () => {
    await theWorker(0);
    await homes({ release: NEW, runs: OLD });
    expect(await refreshed()).toEqual([]);
  });

  test('goes by urgency, and leaves out its own', () => {
    const need = (release: string, urgency: number) => ({ release, urgency });
    expect(releasesToHelp(OLD, [need(PLAIN, 3), need(NEW, 2), need(OLD, 1), need(PLAIN, 1)])).toEqual([PLAIN, NEW]);
  });

  test('takes the release along that it leaves, whether it is assigned alone or with many', async () => {
    await theWorker();
    await homes({ release: OLD, runs: OLD });
    const kept: Help = { release: OLD, artefacts: {}, places: ['cloud'] };
    const before = (await desiredOf(database.db, worker)) as DesiredRow;
    expect(helpsAfter(before, { release: NEW, places: ['cloud'] })).toEqual([kept]);
    const write = (release: string | null, role = { ...nobody, places: ['cloud'] as string[] | null }): Promise<unknown> =>
      database.db.transaction((tx) =>
        writeManyDesired(tx, {
          ...{ choices: [{ release, artefacts: {}, reasons: {} }], devices: [{ device: worker, choice: 0, role }] },
          ...{ epoch: 1, nowMs: 0, by: 'ann' },
        }),
      );
    await write(NEW);
    expect(await desiredOf(database.db, worker)).toMatchObject({ release: NEW, previousRelease: OLD, places: ['cloud'], helps: [kept] });
    await write(OLD);
    expect((await desiredOf(database.db, worker))?.helps).toEqual([{ ...kept, release: NEW }]);
    await write(PLAIN, nobody);
    expect(await desiredOf(database.db, worker)).toMatchObject({ places: null, helps: [] });
  });

  test('lets a home keep its worker over releases, wait until that has the parts, and name an agent that is too old', async () => {
    const { db } = database;
    const placed = createPlacedChoices({ db, releases }, createPlacement({ db, clock, releases }));
    const rolesFor = async () => {
      const all = await db.select().from(devices);
      const release = { digest: NEW, document: { name: 'new' } };
      const of = await placed.rolesFor(release, all, await db.select().from(desiredStates), { choose: () => ({}) });
      return all
        .map((device) => ({ device, role: of?.roles.get(device.id) ?? nobody, of }))
        .sort((a, b) => (a.device.id < b.device.id ? -1 : 1));
    };
    await theWorker();
    await homes({ release: OLD, runs: OLD });
    const [home, own] = await rolesFor();
    expect([home?.role, own?.role]).toEqual([
      { ...nobody, workers: { cloud: worker } },
      { ...nobody, places: ['cloud'] },
    ]);
    expect(home?.of?.early(home.role)).toMatchObject({
      code: 'worker-not-ready',
      message: expect.stringMatching(/^name-worker works for it.*not told/),
    });
    const ready = reported(OLD, true, [{ release: NEW, state: 'running' }]);
    await database.db.update(devices).set({ reported: ready });
    expect(runsPartsOf({ reported: ready }, NEW)).toBe(true);
    const [now] = await rolesFor();
    expect(now?.of?.early(now.role)).toBeUndefined();
    await database.db.update(devices).set({ operatorVersions: {} });
    for (const each of await rolesFor()) {
      expect(() => each.of?.require(each.device, each.role)).toThrow('of name-worker holds parts of one release at a time');
    }
  });
});
