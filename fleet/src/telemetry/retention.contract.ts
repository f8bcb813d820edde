import { addToHistogram, capabilitiesSchema, createHistogram, latencyEdgesMs, type TelemetryKind } from '@starling/shared';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { deleteOldMeasurements } from '../analysis/index.ts';
import type { OpenDatabase } from '../db/index.ts';
import { analysisMeasurements, devices } from '../db/schema/index.ts';
import { createEventBus } from '../events.ts';
import { createIngest } from './ingest.ts';
import { createLayerStore, type LayerStore } from './layer-store.ts';
import { layers } from './layers.ts';
import { createTelemetryQueries } from './queries.ts';
import { createRetention } from './retention.ts';

const DAY_MS = 86_400_000;
const START_MS = Date.UTC(2026, 10, 27, 7, 58);
const RELEASE = 'a'.repeat(64);
const keepMs = { records: 7 * DAY_MS, 'device-sums': 7 * DAY_MS, sums: 90 * DAY_MS, hours: 730 * DAY_MS };
const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** What is promised of telemetry that grows old or too much, on whatever database. */
export function retentionContract(name: string, open: () => Promise<OpenDatabase>): void {
  describe(`telemetry that is kept in ${name}`, () => {
    let database: OpenDatabase;
    let nowMs = START_MS;
    const clock = { nowMs: () => nowMs };
    const sequences = new Map<string, number>();

    beforeAll(async () => {
      database = await open();
      const capabilities = capabilitiesSchema.parse({
        ...{ schemaVersion: 1, environment: 'node', os: 'linux', architecture: 'arm64', agentVersion: '1.0.0', cpu: { cores: 4 } },
        ...{ executionProviders: [], memory: { totalBytes: 2 ** 33, availableBytes: 0 }, disk: { totalBytes: 0, freeBytes: 0 } },
      });
      const rest = { machineIdDigest: '', status: 'active' as const, profileReason: {}, agentVersion: '1', enrolledAtMs: 0, capabilities };
      for (const [id, profile, site] of [
        ['a1', 'pi', 'north'],
        ['a2', 'pi', 'north'],
        ['b1', 'orin', 'south'],
      ] as const)
        await database.db.insert(devices).values({ id, name: id, publicKey: id, profile, labels: { site }, ...rest });
    }, 120_000);
    afterAll(() => database?.close());
    beforeEach(async () => {
      nowMs = START_MS;
      sequences.clear();
      const partitions = await database.db.execute<{ name: string }>(sql`select c.relname as name from pg_inherits i
        join pg_class c on c.oid = i.inhrelid join pg_class p on p.oid = i.inhparent
        where p.relname = any(${sql.param(layers.map(({ table }) => table))}::text[]) and p.relkind = 'p'`);
      for (const { name } of partitions) await database.db.execute(sql`drop table ${sql.identifier(name)}`);
      await database.db.execute(sql`truncate telemetry_cursors, telemetry_layers, analysis_measurements`);
    });

    const storeOf = (): LayerStore => createLayerStore(database.db, database.kind, keepMs);
    const ingestOf = (layers: LayerStore = storeOf(), waitingBytesMaximum = 1e9) =>
      createIngest({ db: database.db, clock, log, events: createEventBus(), layers, waitingBytesMaximum });
    const retentionOf = (bytesMaximum: number | null = null) =>
      createRetention({
        ...{ db: database.db, kind: database.kind, clock, log, keepMs, bytesMaximum },
        others: [{ name: 'analysis', describes: 'looks', keepMs: 90 * DAY_MS, deleteSome: deleteOldMeasurements }],
      });
    const batchOf = (device: string, kind: TelemetryKind, payloads: readonly object[], atMs = nowMs) => {
      const key = `${device} ${kind}`;
      const before = sequences.get(key) ?? 0;
      sequences.set(key, before + payloads.length);
      const records = payloads.map((payload, index) => ({
        ...{ sequence: before + index + 1, bootId: 'b', monotonicMs: 0, wallMs: atMs, clock: 'trusted' as const, payload },
      }));
      return { streamId: 'stream', records, dropped: [] };
    };
    /** Records are counted one by one, whatever rows they lie in. */
    const rowsOf = async (layer: string, where = sql`true`): Promise<number> => {
      const table = layer === 'telemetry_batches' ? 'telemetry_records' : layer;
      const [row] = await database.db.execute<{ n: number }>(sql`select count(*)::int as n from ${sql.identifier(table)} where ${where}`);
      return row?.n ?? 0;
    };

    test('each record is in every layer once, under its release, profile and site', async () => {
      const ingest = ingestOf();
      for (const device of ['a1', 'a2', 'b1']) {
        await ingest.add(device, 'inference', batchOf(device, 'inference', [inference(10, 1), inference(20, 0)]));
        await ingest.add(device, 'energy', batchOf(device, 'energy', [energy(5, 'measured'), energy(7, 'modelled')]));
      }
      const sums = await database.db.execute(sql`select profile, site, count::int, hits::int, total::float8,
        (select sum(b)::int from unnest(bins) as b) as sketched from telemetry_sums where kind = 'inference' order by profile`);
      expect([...sums]).toEqual([
        { profile: '*', site: '', count: 93, hits: 3, total: 1350, sketched: 90 },
        { profile: 'orin', site: 'south', count: 31, hits: 1, total: 450, sketched: 30 },
        { profile: 'pi', site: 'north', count: 62, hits: 2, total: 900, sketched: 60 },
      ]);
      const same = sql`select profile, kind, subject, count, hits, total, bins from `;
      const inHours = await database.db.execute(sql`${same} telemetry_hours order by 1, 2, 3`);
      expect([...inHours]).toEqual([...(await database.db.execute(sql`${same} telemetry_sums order by 1, 2, 3`))]);
      const queries = createTelemetryQueries({ db: database.db, clock });
      const history = await queries.history({ by: 'site', limit: 10, offset: 0 });
      expect(history.total).toBe(2);
      expect(history.items).toMatchObject([
        { group: 'north', items: 62, failures: 2, latencyMsMean: 15, joules: 24 },
        { group: 'south', items: 31, failures: 1, latencyMsMean: 15, joules: 12 },
      ]);
    });

    test('what is old when it comes counts in the layers that still keep its time, and is acknowledged', async () => {
      const answer = await ingestOf().add('a1', 'inference', batchOf('a1', 'inference', [inference(5, 0)], nowMs - 30 * DAY_MS));
      expect(answer).toEqual({ streamId: 'stream', sequence: 1 });
      const rows = await Promise.all(layers.map(({ table }) => rowsOf(table)));
      expect(rows).toEqual([0, 0, 2, 2]);
    });

    test('time passes: each layer goes when its time is up, by partitions, and is counted', async () => {
      const retention = retentionOf();
      await ingestOf().add('a1', 'inference', batchOf('a1', 'inference', [inference(5, 0), inference(5, 0)]));
      await retention.pass();
      const rows = (): Promise<number[]> => Promise.all(layers.map(({ table }) => rowsOf(table)));
      expect(await rows()).toEqual([2, 1, 2, 2]);
      nowMs += 7 * DAY_MS - 1;
      await retention.pass();
      expect(await rows()).toEqual([2, 1, 2, 2]);
      nowMs += DAY_MS;
      await retention.pass();
      await retention.pass();
      expect(await rows()).toEqual([0, 0, 2, 2]);
      nowMs += 90 * DAY_MS;
      await retention.pass();
      expect(await rows()).toEqual([0, 0, 0, 2]);
      nowMs += 1000 * DAY_MS;
      await retention.pass();
      expect(await rows()).toEqual([0, 0, 0, 0]);
      const { layers: told } = await retention.storage();
      expect(told.map(({ layer, expiredRows, overBudgetRows }) => [layer, expiredRows, overBudgetRows])).toEqual([
        ['records', 2, 0],
        ['device-sums', 1, 0],
        ['sums', 2, 0],
        ['hours', 2, 0],
        ['analysis', 0, 0],
      ]);
      // What comes now has its place.
      await ingestOf().add('a1', 'inference', batchOf('a1', 'inference', [inference(5, 0)]));
      expect(await rows()).toEqual([1, 1, 2, 2]);
    });

    test('another process drops a partition: what comes for it next is stored all the same', async () => {
      const ingest = ingestOf();
      const add = () => ingest.add('a1', 'inference', batchOf('a1', 'inference', [inference(5, 0)]));
      await add();
      const [partition] = await database.db.execute<{ name: string }>(
        sql`select tableoid::regclass::text as name from telemetry_batches limit 1`,
      );
      await database.db.execute(sql`drop table ${sql.identifier(partition?.name ?? '')}`);
      const other = await Promise.allSettled([add(), ingest.add('b1', 'inference', batchOf('b1', 'inference', [inference(5, 0)]))]);
      expect(other.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
      expect(await rowsOf('telemetry_records')).toBe(2);
    });

    test('over its budget the oldest goes, records before sums, and is counted apart', async () => {
      const ingest = ingestOf();
      for (let day = 5; day >= 0; day -= 1) {
        const records = Array.from({ length: 50 }, () => inference(5, 0));
        await ingest.add('a1', 'inference', batchOf('a1', 'inference', records, nowMs - day * DAY_MS));
      }
      const { bytes } = await retentionOf().storage();
      const retention = retentionOf(bytes - 1);
      await retention.pass();
      const old = sql`at_ms < ${nowMs - 4.5 * DAY_MS}::bigint`;
      expect([await rowsOf('telemetry_records', old), await rowsOf('telemetry_records')]).toEqual([0, 250]);
      expect(await rowsOf('telemetry_rollups', old)).toBe(1);
      await retentionOf(1).pass();
      expect(await rowsOf('telemetry_records')).toBe(50);
      const { layers: told } = await retention.storage();
      expect(told[0]).toMatchObject({ layer: 'records', expiredRows: 0, overBudgetRows: 250 });
      expect(await rowsOf('telemetry_hours')).toBeGreaterThan(0);
    });

    test('looks of rollouts go; what they came to, and what refuted, stays', async () => {
      const look = (metric: string, daysAgo: number, failed = false) => ({
        ...{ rollout: 'r', step: 's', metric, atMs: nowMs - daysAgo * DAY_MS, judgement: null, error: null, failed },
      });
      const looks = [look('p95', 100), look('p95', 99), look('p95', 98, true), look('p95', 97), look('errors', 99), look('errors', 89)];
      await database.db.insert(analysisMeasurements).values(looks);
      const retention = retentionOf();
      await retention.pass();
      const left = await database.db.execute(sql`select metric, failed, ((${nowMs}::bigint - at_ms) / ${DAY_MS}::bigint)::int as days
        from analysis_measurements order by 1, 3`);
      expect([...left]).toEqual([
        { metric: 'errors', failed: false, days: 89 },
        { metric: 'p95', failed: false, days: 97 },
        { metric: 'p95', failed: true, days: 98 },
      ]);
      expect((await retention.storage()).layers.at(-1)).toMatchObject({ layer: 'analysis', expiredRows: 3 });
    });

    test('a database that stands still: little is held, the most valuable is kept, and all else is counted or comes again', async () => {
      const gate = Promise.withResolvers<void>();
      const inner = storeOf();
      const ingest = ingestOf({ ...inner, ensure: (moments, now) => gate.promise.then(() => inner.ensure(moments, now)) }, 10_000);
      const hold = ingest.add('a1', 'events', batchOf('a1', 'events', [event()]), 10);
      // The first batch is with the database by now.
      await new Promise((resolve) => setTimeout(resolve, 50));
      const send = (device: string, kind: TelemetryKind, payload: object) => {
        const batch = batchOf(device, kind, [payload]);
        return { batch, answer: ingest.add(device, kind, batch, 2_000) };
      };
      const health = send('a1', 'health', healthOf());
      const inferences = ['a1', 'a2', 'b1'].map((device) => send(device, 'inference', inference(5, 0)));
      const repeated = ingest.add('a1', 'inference', inferences[0]?.batch ?? batchOf('a1', 'inference', []), 2_000);
      expect(await inferences[0]?.answer).toBeUndefined();
      const events = ['a1', 'a2', 'b1'].map((device) => send(device, 'events', event()));
      expect(await health.answer).toBeUndefined();
      expect(ingest.load()).toMatchObject({ isLoaded: true, waitingBytes: 10_000, waitingBatches: 5 });
      // No room is left, and nothing of less value waits.
      expect(await send('b1', 'energy', energy(1, 'modelled')).answer).toBeUndefined();
      const more = send('a2', 'health', healthOf());
      expect(await more.answer).toBeUndefined();
      gate.resolve();
      await hold;
      for (const { answer } of events) expect(await answer).toBeDefined();
      await ingest.idle();
      const answered = await Promise.all([repeated, ...inferences.slice(1).map(({ answer }) => answer)]);
      expect(answered.filter((answer) => answer !== undefined)).toHaveLength(2);
      const { kinds } = ingest.load();
      expect(Object.fromEntries(kinds.map(({ kind, deferredBatches }) => [kind, deferredBatches]))).toMatchObject({
        ...{ health: 2, inference: 1, energy: 1 },
      });
      // The device was not answered, and sends it again.
      await ingest.add('a1', 'health', health.batch);
      for (const { batch } of inferences) await ingest.add('a1', 'inference', batch);
      expect(await rowsOf('telemetry_records', sql`kind = 'health'`)).toBe(1);
    });

    test('under load traces and health are acknowledged and let go, and each device tells how many', async () => {
      const gate = Promise.withResolvers<void>();
      const inner = storeOf();
      const ingest = ingestOf({ ...inner, ensure: (moments, now) => gate.promise.then(() => inner.ensure(moments, now)) }, 10_000);
      const hold = ingest.add('a1', 'events', batchOf('a1', 'events', [event()]), 10);
      await new Promise((resolve) => setTimeout(resolve, 50));
      const health = ingest.add('a1', 'health', batchOf('a1', 'health', [healthOf(), healthOf(), healthOf()]), 3_000);
      const drift = ingest.add('a1', 'inference', batchOf('a1', 'inference', [inference(5, 0)]), 3_000);
      gate.resolve();
      await hold;
      expect(await health).toEqual({ streamId: 'stream', sequence: 3 });
      expect(await drift).toEqual({ streamId: 'stream', sequence: 1 });
      expect(await rowsOf('telemetry_records', sql`kind = 'health'`)).toBe(0);
      expect(ingest.load().kinds).toContainEqual({ kind: 'health', deferredBatches: 0, shedRecords: 3 });
      const { delivery } = await createTelemetryQueries({ db: database.db, clock }).summary('a1', {});
      expect(delivery).toEqual({ stored: 2, repeated: 0, declaredDropped: 0, lost: 0, shed: 3 });
    });
  });
}

const window = { startMs: START_MS, lengthMs: 10_000, release: RELEASE };

function inference(latencyMs: number, failed: number) {
  const histogram = createHistogram(latencyEdgesMs);
  for (let item = 0; item < 15; item += 1) addToHistogram(histogram, latencyMs);
  const failures: Record<string, number> = failed > 0 ? { 'node-failed': failed } : {};
  return { ...window, pipeline: 'p', items: 15 + failed, failures, latencyMs: histogram };
}

function energy(joules: number, method: 'measured' | 'modelled') {
  return { ...window, joules, agentJoules: joules / 2, inferences: 10, joulesPerInference: joules / 20, method, source: 's' };
}

function event() {
  return { level: 'info', code: 'x', message: 'y', detail: {} };
}

function healthOf() {
  return {
    ...{ ...window, cpuUtilisation: 0.5, agentCpuSeconds: 1, agentMemoryBytes: 1, memoryAvailableBytes: 1, diskFreeBytes: 1 },
    ...{ temperatureCelsius: null, throttled: null, spoolBytes: 0 },
  };
}
