import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MetricQuery, RolloutMetric } from '@starling/shared';
import type { Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Analysis, createAnalysis, createWebhooks } from '../../fleet/src/analysis/index.ts';
import { inlineParameters } from '../../fleet/src/cli/inline-parameters.ts';
import { type OpenDatabase, openDatabase } from '../../fleet/src/db/index.ts';
import { createEventBus } from '../../fleet/src/events.ts';
import { judgeRollouts } from '../../fleet/src/rollout-analysis.ts';
import { createExampleFleet, digestOf, type ExampleFleet } from '../../fleet/src/rollouts/example-fleet.ts';
import { createIngest, createLayerStore } from '../../fleet/src/telemetry/index.ts';
import { openOnPostgres } from '../harness/open-postgres.ts';
import { describeWith } from '../harness/requires.ts';
import { ingestAll, recordsOfDevice, type Sent } from './simulated-records.ts';

const MINUTE_MS = 60_000;
const BUCKET_MS = 5 * MINUTE_MS;
const DAY_MS = 24 * 60 * MINUTE_MS;
const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const keepMs = { records: 7 * DAY_MS, 'device-sums': 7 * DAY_MS, sums: 90 * DAY_MS, hours: 730 * DAY_MS };

const spec = {
  canary: { count: 0 },
  steps: [{ setCount: 20 }, { pause: { for: '20m' } }, { setCount: 40 }, { pause: { for: '20m' } }, { setPercent: 100 }],
  failureThresholds: [],
  analysis: {
    objectives: [
      { name: 'latency', measure: 'latency-p95', atMost: '2x' },
      { name: 'rollbacks', measure: 'rollback-rate', atMost: '1 %', dryRun: true },
    ],
  },
};

/** A rollout with its runner, its gates and the ingest of what devices send, on a database. */
function looksSuite(open: () => Promise<OpenDatabase>): void {
  let database: OpenDatabase;
  let analysis: Analysis;
  let fleet: ExampleFleet;
  let devices: string[];
  let sendings = 0;
  beforeAll(async () => {
    database = await open();
    const { db } = database;
    const clock = { nowMs: () => fleet.clock.nowMs() };
    analysis = createAnalysis({ db, clock, log, prices: [] });
    const webhooks = createWebhooks({ clock, ids: { next: () => 'a', bytes: () => new Uint8Array() }, secret: 's' });
    fleet = createExampleFleet({ db, analysis: judgeRollouts(analysis, webhooks) });
    devices = await fleet.addDevices(60);
  }, 120_000);
  afterAll(() => database?.close());

  /** Every device sends what it counted on what it runs, in whole roll-ups from the next one on; the clock stands just before their end. */
  const send = async (minutes: number, events: Readonly<Record<string, readonly string[]>> = {}): Promise<void> => {
    const { db, kind } = database;
    const fromMs = Math.ceil(fleet.clock.nowMs() / BUCKET_MS) * BUCKET_MS;
    fleet.clock.add(fromMs + minutes * MINUTE_MS - 1_000 - fleet.clock.nowMs());
    const layers = createLayerStore(db, kind, keepMs);
    const ingest = createIngest({ db, clock: fleet.clock, events: createEventBus(), log, layers, waitingBytesMaximum: 2 ** 26 });
    sendings += 1;
    const sent: Sent[] = [];
    for (const [index, device] of devices.entries()) {
      const release = digestOf((await fleet.running(device)) ?? expect.unreachable());
      const windows = { fromMs, windows: minutes / 2.5, windowMs: 2.5 * MINUTE_MS, items: 60 };
      sent.push(...recordsOfDevice({ device, release, ...windows, seed: sendings * 100 + index, latencyMs: 20 + (index % 3) * 15 }));
      const codes = events[device] ?? [];
      if (codes.length > 0)
        sent.push(...recordsOfDevice({ device, release: digestOf('two'), ...windows, windows: 0, seed: 1, latencyMs: 1, events: codes }));
    }
    await ingestAll(ingest, sent, `sending-${sendings}`);
  };
  /** Passes and devices in turns, until nobody has anything to do. */
  const settle = async (behaviour?: Parameters<ExampleFleet['work']>[0]): Promise<void> => {
    for (let quiet = 0; quiet < 2; ) {
      await fleet.rollouts.pass();
      quiet = (await fleet.work(behaviour)) === 0 ? quiet + 1 : 0;
    }
  };
  const metric = async (rollout: string, name: string): Promise<RolloutMetric> =>
    (await analysis.ofRollout(rollout)).find((each) => each.name === name) ?? expect.unreachable();
  /** What a statement gives now, asked as anybody can who has a client for Postgres. */
  const expectGivesAgain = async ({ side, sql, params, figures = {} }: MetricQuery): Promise<void> => {
    const client = (database.db as unknown as { $client: Sql }).$client;
    const [row] = await client.unsafe(inlineParameters(sql, params));
    expect(Object.keys(figures)).toContain('now_devices');
    for (const [name, value] of Object.entries(figures)) {
      const tolerance = 1e-9 * Math.max(1, Math.abs(value));
      expect(Math.abs(Number(row?.[name]) - value), `${name} of the ${side}: ${row?.[name]} for ${value}`).toBeLessThanOrEqual(tolerance);
    }
  };

  test('what a look asked gives the same again when the rollout has gone on, and when it has gone back', async () => {
    await send(30);
    const { id } = await fleet.create(spec);
    const [broken = ''] = devices;
    await settle((device) => (device === broken ? { fail: 'self-test-failed' } : 'run'));
    const before = (await fleet.rollouts.show(id)).counts;
    expect(before.succeeded + before.failed).toBe(20);
    await send(10, { [broken]: before.failed === 1 ? ['rolled-back'] : [] });
    await fleet.rollouts.pass();
    const first = await metric(id, 'latency');
    expect(first).toMatchObject({ step: 'all', measuredAtMs: fleet.clock.nowMs(), judgement: { basis: 'control' } });
    const asked = await analysis.queriesOf(id, 'latency');
    expect(asked.queries.map(({ figures }) => figures?.['now_devices'])).toEqual([before.succeeded, 40]);
    // Also those count that were told to run it, and do not.
    expect((await metric(id, 'rollbacks')).judgement?.candidate).toMatchObject({ devices: 20, estimate: before.failed / 20 });
    for (const query of asked.queries) await expectGivesAgain(query);

    await send(15);
    await settle();
    await send(10);
    await fleet.rollouts.pass();
    const second = await analysis.queriesOf(id, 'latency');
    expect(second.queries.map(({ figures }) => figures?.['now_devices'])).toEqual([before.succeeded + 20, 20]);
    expect(await analysis.queriesOf(id, 'latency', { atMs: first.measuredAtMs, step: 'all' })).toEqual(asked);
    for (const query of [...asked.queries, ...second.queries]) await expectGivesAgain(query);

    await fleet.rollouts.act(id, 'rollback', {}, fleet.actor('ann'));
    await settle();
    expect((await fleet.rollouts.show(id)).counts).toMatchObject({ succeeded: 0 });
    for (const query of [...asked.queries, ...second.queries]) await expectGivesAgain(query);
    for (const name of ['latency', 'rollbacks'])
      for (const query of (await analysis.queriesOf(id, name, { atMs: first.measuredAtMs })).queries) await expectGivesAgain(query);
    await expect(analysis.queriesOf(id, 'latency', { atMs: 1 })).rejects.toMatchObject({ code: 'not-found', field: 'metric' });
  }, 120_000);
}

describe('looks of gates, on the embedded database', () => {
  const directory = mkdtempSync(join(tmpdir(), 'starling-looks-'));
  looksSuite(() => openDatabase({ directory }));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
});

describeWith(['postgres'], 'looks of gates, on Postgres', ({ postgres }) => {
  looksSuite(() => openOnPostgres(postgres));
});
