import type { TelemetryKind } from '@starling/shared';
import { sql } from 'drizzle-orm';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { OpenDatabase } from '../db/index.ts';
import { createEventBus } from '../events.ts';
import { createIngest, type Ingest } from './ingest.ts';
import { createLayerStore } from './layer-store.ts';
import { createTelemetryQueries } from './queries.ts';
import type { RecordFilter } from './store.ts';

const HOUR_MS = 3_600_000;
const NOW_MS = Date.UTC(2026, 10, 27, 7, 58);
const keepMs = { records: 168 * HOUR_MS, 'device-sums': 168 * HOUR_MS, sums: 168 * HOUR_MS, hours: 168 * HOUR_MS };
const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const payload = { level: 'info' as const, code: 'x', message: 'y', detail: {} };

/** What is promised of records that lie in batches, on whatever database: each is found as if it lay alone. */
export function recordsContract(name: string, open: () => Promise<OpenDatabase>): void {
  describe(`records that are kept in ${name}`, () => {
    let database: OpenDatabase;
    const clock = { nowMs: () => NOW_MS };
    const ingestOf = (): Ingest => {
      const { db, kind } = database;
      const layers = createLayerStore(db, kind, keepMs);
      return createIngest({ db, clock, log, layers, events: createEventBus(), waitingBytesMaximum: 1e9 });
    };
    const recordOf = (sequence: number, wallMs: number, bootId = 'b') => ({
      ...{ sequence, bootId, monotonicMs: sequence, wallMs, clock: 'trusted' as const, payload },
    });

    beforeAll(async () => {
      database = await open();
    }, 120_000);
    afterAll(() => database?.close());
    beforeEach(() => database.db.execute(sql`truncate telemetry_cursors, telemetry_batches`));

    test('lists and counts the records of any stretch of time, newest first, page by page', async () => {
      // Quarters of an hour over two days, and a clock that nobody believes.
      const wall = fc.oneof({ weight: 9, arbitrary: fc.nat(190).map((back) => NOW_MS - back * 900_000) }, fc.constant(NOW_MS + HOUR_MS));
      const batch = fc.record({
        device: fc.constantFrom('a', 'b'),
        kind: fc.constantFrom<TelemetryKind>('events', 'health'),
        boots: fc.integer({ min: 1, max: 2 }),
        walls: fc.array(wall, { minLength: 1, maxLength: 12 }),
      });
      const edge = fc.option(
        fc.nat(200).map((back) => NOW_MS - back * 900_000),
        { nil: undefined },
      );
      const question = fc.record({ fromMs: edge, toMs: edge, limit: fc.integer({ min: 1, max: 9 }), offset: fc.nat(12), of: fc.nat(2) });
      await fc.assert(
        fc.asyncProperty(fc.array(batch, { minLength: 1, maxLength: 12 }), fc.array(question, { maxLength: 8 }), async (batches, asked) => {
          await database.db.execute(sql`truncate telemetry_cursors, telemetry_batches`);
          const ingest = ingestOf();
          const sequences = new Map<string, number>();
          const all: { device: string; kind: string; sequence: number; atMs: number }[] = [];
          for (const { device, kind, boots, walls } of batches) {
            const before = sequences.get(`${device} ${kind}`) ?? 0;
            sequences.set(`${device} ${kind}`, before + walls.length);
            const body = kind === 'events' ? payload : health;
            const records = walls.map((wallMs, at) => ({ ...recordOf(before + at + 1, wallMs, `boot-${at % boots}`), payload: body }));
            await ingest.add(device, kind, { streamId: 's', records, dropped: [] });
            for (const { sequence, wallMs } of records) all.push({ device, kind, sequence, atMs: Math.min(wallMs, NOW_MS) });
          }
          const queries = createTelemetryQueries({ db: database.db, clock });
          for (const { fromMs, toMs, limit, offset, of } of asked) {
            const filter: RecordFilter = { ...[{}, { device: 'a' }, { device: 'b', kind: 'events' as const }][of], fromMs, toMs };
            const matching = all.filter(
              (each) =>
                (filter.device === undefined || each.device === filter.device) &&
                (filter.kind === undefined || each.kind === filter.kind) &&
                each.atMs >= (fromMs ?? 0) &&
                each.atMs < (toMs ?? Number.POSITIVE_INFINITY),
            );
            const { items, total } = await queries.list(filter, { limit, offset });
            expect(total).toBe(matching.length);
            const newest = matching.toSorted((a, b) => b.atMs - a.atMs || b.sequence - a.sequence).slice(offset, offset + limit);
            expect(items.map(({ atMs, sequence }) => [atMs, sequence])).toEqual(newest.map(({ atMs, sequence }) => [atMs, sequence]));
          }
        }),
        { numRuns: 15 },
      );
    }, 120_000);

    test('of two processes neither believes what it knows of a stream that the other has moved', async () => {
      const [one, other] = [ingestOf(), ingestOf()];
      const send = (ingest: Ingest, ...sequences: number[]) =>
        ingest.add('a', 'events', { streamId: 's', records: sequences.map((sequence) => recordOf(sequence, NOW_MS)), dropped: [] });
      await send(one, 1, 2);
      await send(other, 3, 4);
      // The first thinks that 2 is the last: 3 and 4 come again, as from a device that was not answered.
      expect(await send(one, 3, 4, 5)).toEqual({ streamId: 's', sequence: 5 });
      expect(await send(other, 5, 6)).toEqual({ streamId: 's', sequence: 6 });
      const queries = createTelemetryQueries({ db: database.db, clock });
      const { items } = await queries.list({ device: 'a' }, { limit: 100, offset: 0 });
      expect(items.map(({ sequence }) => sequence)).toEqual([6, 5, 4, 3, 2, 1]);
      expect((await queries.summary('a', {})).delivery).toEqual({ stored: 6, repeated: 3, declaredDropped: 0, lost: 0, shed: 0 });
    });

    test('of more than one group can hold each record is kept once, and each stream in its order', async () => {
      const ingest = ingestOf();
      const [devices, batches] = [90, 12];
      const answers: Promise<unknown>[] = [];
      for (let turn = 0; turn < batches; turn += 1)
        for (let device = 0; device < devices; device += 1) {
          const records = [1, 2].map((at) => recordOf(2 * turn + at, NOW_MS));
          answers.push(ingest.add(`d${device}`, 'events', { streamId: 's', records, dropped: [] }));
        }
      const last = { streamId: 's', sequence: 2 * batches };
      expect((await Promise.all(answers)).slice(-devices)).toEqual(Array.from({ length: devices }, () => last));
      const queries = createTelemetryQueries({ db: database.db, clock });
      for (const device of ['d0', `d${devices - 1}`]) {
        const sound = { stored: 2 * batches, repeated: 0, declaredDropped: 0, lost: 0, shed: 0 };
        expect((await queries.summary(device, {})).delivery).toEqual(sound);
      }
      expect((await queries.list({}, { limit: 1, offset: 0 })).total).toBe(2 * batches * devices);
    });

    test('a device with more than a group of its own waits for itself alone', async () => {
      const ingest = ingestOf();
      const [others, own] = [256, 600];
      const send = (device: string, sequence: number) =>
        ingest.add(device, 'events', { streamId: 's', records: [recordOf(sequence, NOW_MS)], dropped: [] });
      const answers = Array.from({ length: others }, (_, place) => send(`o${place}`, 1));
      for (let sequence = 1; sequence <= own; sequence += 1) answers.push(send('a', sequence));
      expect((await Promise.all(answers)).at(-1)).toEqual({ streamId: 's', sequence: own });
    });

    test('texts come back as they came, whatever signs are in them', async () => {
      const odd = ['', ' ', '"', '\\', '\n', '{a,b}', 'null', "'", '\\n', '\t\r\u2028', '\u{1f426}', ','];
      const records = odd.map((text, at) => ({
        ...recordOf(at + 1, NOW_MS, text),
        payload: { ...payload, message: text, code: `c${at}` },
      }));
      await ingestOf().add('a', 'events', { streamId: 's', records, dropped: [] });
      const { items } = await createTelemetryQueries({ db: database.db, clock }).list({ device: 'a' }, { limit: 100, offset: 0 });
      expect(items.map((row) => row.payload['message']).toReversed()).toEqual(odd);
    });
  });
}

const health = {
  ...{ startMs: NOW_MS, lengthMs: 10_000, release: null, cpuUtilisation: 0.5, agentCpuSeconds: 1, agentMemoryBytes: 1, spoolBytes: 0 },
  ...{ memoryAvailableBytes: 1, diskFreeBytes: 1, temperatureCelsius: null, throttled: null },
};
