import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Capture, capabilitiesSchema, captureArgumentsSchema, cborEncode, type Release, StarlingError } from '@starling/shared';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type BlobStore, collectGarbage, openDiskStore } from '../blobs/index.ts';
import { createCommands } from '../commands/index.ts';
import { type OpenDatabase, openDatabase } from '../db/index.ts';
import { commands, devices } from '../db/schema/index.ts';
import { createEventBus } from '../events.ts';
import { systemIds } from '../ids.ts';
import type { Log } from '../ports.ts';
import type { Releases } from '../releases/index.ts';
import type { Keyring } from '../trust/index.ts';
import { type Captures, createCaptures } from './captures.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const DEVICE = 'd'.repeat(26);
const [WEEK, MONTH, GONE] = ['a', 'b', 'c'].map((digit) => digit.repeat(64)) as [string, string, string];
const RESULT_DAYS: Readonly<Record<string, number>> = { [WEEK]: 7, [MONTH]: 30 };
const silent: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

const releases: Pick<Releases, 'edges' | 'find'> = {
  edges: async () => ({ edges: [], prefix: '' }),
  async find(digest) {
    const resultDays = RESULT_DAYS[digest];
    if (resultDays === undefined) throw new StarlingError('unknown-release', `there is no release ${digest}`);
    const policies = { retention: { resultDays }, capture: { enabled: true } };
    return { document: { policies } as Release } as never;
  },
};

describe('what was captured', () => {
  let directory: string;
  let database: OpenDatabase;
  let store: BlobStore;
  let captures: Captures;
  let nowMs: number;
  let startMs: number;
  const clock = { nowMs: () => nowMs };

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'starling-captures-'));
    database = await openDatabase({ directory: join(directory, 'database') });
    const capabilities = capabilitiesSchema.parse({
      ...{ schemaVersion: 1, environment: 'node', os: 'linux', architecture: 'x64', agentVersion: '1.0.0', cpu: { cores: 4 } },
      ...{ executionProviders: [], memory: { totalBytes: 1, availableBytes: 1 }, disk: { totalBytes: 1, freeBytes: 1 } },
    });
    await database.db.insert(devices).values({
      ...{ id: DEVICE, publicKey: DEVICE, machineIdDigest: 'm', name: 'one', capabilities, status: 'active', agentVersion: '1.0.0' },
      ...{ profile: 'linux-x64', profileReason: {}, enrolledAtMs: 0, labels: {}, online: true },
    });
  }, 60_000);
  afterAll(async () => {
    await database?.close();
    await rm(directory, { recursive: true, force: true });
  });
  beforeEach(async () => {
    startMs = Date.UTC(2026, 0, 1);
    nowMs = startMs;
    store = await openDiskStore(join(directory, 'blobs'), { clock, ids: systemIds });
    const ports = { db: database.db, clock, ids: systemIds, keyring: {} as Keyring, events: createEventBus(), log: silent };
    const found = { find: async () => ({}) as never };
    captures = createCaptures({ db: database.db, clock, blobs: store, commands: createCommands(ports), devices: found, releases });
  });
  afterEach(async () => {
    await database.db.delete(commands);
    for (const part of ['blobs', 'unreferenced.json']) await rm(join(directory, part), { recursive: true, force: true });
  });

  /** A capture that has arrived, and its chunks. */
  const arrive = async (letter: string, release: string): Promise<{ id: string; chunks: string[] }> => {
    const id = letter.repeat(26);
    const capture: Capture = {
      manifest: {
        ...{ kind: 'capture', schemaVersion: 1, id, device: DEVICE, account: 'ann', pipeline: 'signs', release, edges: ['boxes.boxes'] },
        asked: captureArgumentsSchema.parse({ pipeline: 'signs', edges: ['boxes.boxes'] }),
        ...{ startedAtMs: nowMs, endedAtMs: nowMs, end: 'items', items: 1, interruptions: 0 },
        counts: { seen: 1, skipped: 0, rate: 0, busy: 0, disk: 0 },
      },
      items: [
        {
          ...{ edge: 'boxes.boxes', item: { stream: 's', sequence: 1, timeMs: nowMs, traceId: null }, atMs: nowMs },
          value: { kind: 'json', value: { plate: `of ${letter}` } },
        },
      ],
    };
    const bytes = cborEncode(capture);
    const stored = await store.putStream(once(bytes), bytes.length);
    const { pipeline, edges, end, items, interruptions, counts } = capture.manifest;
    await database.db.insert(commands).values({
      ...{ id, device: DEVICE, name: 'capture', arguments: {}, issuer: 'ann', status: 'done', issuedAtMs: nowMs, notAfterMs: nowMs },
      result: { pipeline, release, edges, end, items, interruptions, counts, sizeBytes: bytes.length, upload: stored },
      finishedAtMs: nowMs,
    });
    return { id, chunks: [...(await store.reachable(stored.manifest))] };
  };
  /** As the fleet sweeps: every six hours. @returns hours since the start at which these chunks were seen for the last time */
  const sweepUntil = async (untilMs: number, chunks: readonly string[]): Promise<number> => {
    let seenMs = startMs;
    for (; nowMs <= untilMs; nowMs += 6 * HOUR_MS) {
      await collectGarbage(store, directory, () => captures.references(), clock);
      const there = await Promise.all(chunks.map((digest) => store.hasChunk(digest)));
      if (there.some(Boolean)) seenMs = nowMs;
    }
    return (seenMs - startMs) / HOUR_MS;
  };

  test('is given out for the days that its release says, then no longer, and is deleted within eight days', async () => {
    const { id, chunks } = await arrive('a', WEEK);
    expect(chunks.length).toBeGreaterThan(0);
    expect(await captures.show(id)).toMatchObject({ keptUntilMs: startMs + 7 * DAY_MS, manifest: { items: 1 } });
    nowMs = startMs + 7 * DAY_MS;
    expect(await captures.references()).toEqual(new Set(chunks));
    await captures.show(id);
    nowMs += 1;
    expect(await captures.references()).toEqual(new Set());
    const over = { code: 'not-found', message: expect.stringContaining('2026-01-08T00:00:00.000Z') };
    await expect(captures.show(id)).rejects.toMatchObject(over);
    await expect(captures.archive(id)).rejects.toMatchObject(over);

    nowMs = startMs;
    const lastSeenHours = await sweepUntil(startMs + 20 * DAY_MS, chunks);
    expect(lastSeenHours).toBeGreaterThanOrEqual(7 * 24);
    expect(lastSeenHours).toBeLessThanOrEqual((7 + 8) * 24);
  });

  test('is kept apart from what others say: by each release for itself, and not at all without one', async () => {
    const [week, month, gone] = [await arrive('a', WEEK), await arrive('b', MONTH), await arrive('c', GONE)];
    await sweepUntil(startMs + 16 * DAY_MS, []);
    for (const digest of [...week.chunks, ...gone.chunks]) expect(await store.hasChunk(digest)).toBe(month.chunks.includes(digest));
    expect(await captures.show(month.id)).toMatchObject({ keptUntilMs: startMs + 30 * DAY_MS });
    for await (const piece of (await captures.archive(month.id)).bytes) expect(piece).toBeInstanceOf(Uint8Array);
    await expect(captures.show(gone.id)).rejects.toMatchObject({ code: 'not-found' });
    await sweepUntil(startMs + 40 * DAY_MS, []);
    for (const digest of month.chunks) expect(await store.hasChunk(digest)).toBe(false);
  });
});

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
