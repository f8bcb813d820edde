import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AnalysisMeasureName, analysisMeasures, analysisObjectiveSchema, analysisSpecSchema } from '@starling/shared';
import { sql } from 'drizzle-orm';
import type { Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Analysis,
  type Cohort,
  createAnalysis,
  figuresOfDevices,
  figuresQuery,
  readFigures,
  sourceOf,
} from '../../fleet/src/analysis/index.ts';
import { inlineParameters } from '../../fleet/src/cli/inline-parameters.ts';
import { type OpenDatabase, openDatabase } from '../../fleet/src/db/index.ts';
import { createEventBus } from '../../fleet/src/events.ts';
import { createIngest, createLayerStore, type RollUp, rollUp } from '../../fleet/src/telemetry/index.ts';
import { type PostgresServer, startPostgres } from '../harness/postgres.ts';
import { describeWith } from '../harness/requires.ts';
import { ingestAll, NEW_RELEASE, OLD_RELEASE, recordsOfDevice, type Sent } from './simulated-records.ts';

const MINUTE_MS = 60_000;
/** Where the new release began to go out: at the start of five minutes, so that both forms cut alike. */
const SINCE_MS = 1_800_000_000_000;
const NOW_MS = SINCE_MS + 30 * MINUTE_MS;
const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const clock = { nowMs: () => NOW_MS };
const measures: AnalysisMeasureName[] = [
  'latency-p50',
  'latency-p95',
  'latency-p99',
  'error-rate',
  'crash-rate',
  'rollback-rate',
  'drift',
  'energy-per-inference',
];

const WINDOW_MINUTES = 2.5;
const common = { windowMs: WINDOW_MINUTES * MINUTE_MS, items: 60 };
const latencyOf = (index: number): number => [12, 35, 90][index % 3] as number;

/** Twenty devices that changed over, some of them late, and forty that did not. */
function recordsOfFleet(slower: number): Sent[] {
  const sent: Sent[] = [];
  for (let index = 0; index < 60; index += 1) {
    const device = `device-${index}`;
    const own = { ...common, device, seed: index + 1, latencyMs: latencyOf(index) };
    const isNew = index < 20;
    const lateMinutes = isNew ? (index % 4) * 5 : 0;
    sent.push(
      ...recordsOfDevice({
        ...own,
        release: OLD_RELEASE,
        fromMs: SINCE_MS - 30 * MINUTE_MS,
        windows: (isNew ? 30 + lateMinutes : 60) / WINDOW_MINUTES,
      }),
    );
    if (!isNew) continue;
    const events = index < 3 ? ['host-crashed'] : index === 3 ? ['rolled-back'] : [];
    const fromMs = SINCE_MS + lateMinutes * MINUTE_MS;
    const changed = { latencyMs: latencyOf(index) * slower, seed: 1000 + index, windows: (30 - lateMinutes) / WINDOW_MINUTES };
    sent.push(...recordsOfDevice({ ...own, ...changed, fromMs, release: NEW_RELEASE, events }));
  }
  return sent;
}

const idsOf = (from: number, to: number) => sql`select 'device-' || i from generate_series(${from}::int, ${to}::int) as i`;
const candidate: Cohort & { release: string } = { devices: idsOf(0, 19), release: NEW_RELEASE };
const control: Cohort = { devices: idsOf(20, 59) };

function figuresInMemory(rolledUp: readonly RollUp[], side: 'candidate' | 'control', measure: AnalysisMeasureName) {
  const isOfSide = (device: string): boolean => Number(device.slice(7)) < 20 === (side === 'candidate');
  const devices = Map.groupBy(
    rolledUp.filter(({ device }) => isOfSide(device)),
    ({ device }) => device,
  );
  const isNow = ({ release, atMs }: { release: string; atMs: number }): boolean =>
    side === 'candidate' ? release === NEW_RELEASE : atMs >= SINCE_MS;
  const sides = [...devices.values()].map((rows) => ({ now: rows.filter(isNow), past: rows.filter((row) => !isNow(row)) }));
  const source = sourceOf(measure);
  return figuresOfDevices(sides, analysisMeasures[measure], source as NonNullable<typeof source>);
}

function queryOf(side: 'candidate' | 'control', measure: AnalysisMeasureName) {
  const source = sourceOf(measure) as NonNullable<ReturnType<typeof sourceOf>>;
  const devices = side === 'candidate' ? candidate.devices : control.devices;
  return figuresQuery({
    ...{ side, devices, source, release: NEW_RELEASE, measure: analysisMeasures[measure], objective: {}, prices: [], isCost: false },
    ...{ sinceMs: SINCE_MS, pastFromMs: SINCE_MS - 60 * MINUTE_MS, untilMs: NOW_MS + 1 },
  });
}

/** The connection below drizzle: what anybody with a client for Postgres has. */
function clientOf({ db }: OpenDatabase): Sql {
  return (db as unknown as { $client: Sql }).$client;
}

/** Numbers in a structure, as close as sums in another order are. */
function expectClose(actual: unknown, expected: unknown, path = ''): void {
  if (typeof expected === 'number') {
    expect(Math.abs((actual as number) - expected), `${path}: ${actual} for ${expected}`).toBeLessThanOrEqual(
      1e-7 * Math.max(1, Math.abs(expected)),
    );
    return;
  }
  for (const [key, value] of Object.entries(expected as object))
    expectClose((actual as Record<string, unknown>)?.[key], value, `${path}.${key}`);
}

function figuresSuite(open: () => Promise<OpenDatabase>): void {
  let database: OpenDatabase;
  let analysis: Analysis;
  const sent = recordsOfFleet(1.35);
  const rolledUp = rollUp(sent);
  beforeAll(async () => {
    database = await open();
    const day = 86_400_000;
    const layers = createLayerStore(database.db, database.kind, {
      records: 7 * day,
      'device-sums': 7 * day,
      sums: 90 * day,
      hours: 730 * day,
    });
    const ingest = createIngest({ db: database.db, clock, events: createEventBus(), log, layers, waitingBytesMaximum: 64 * 1024 * 1024 });
    // In two parts, so that rows are added to rows that are there.
    await ingestAll(
      ingest,
      sent.filter((_, index) => index % 2 === 0),
      'even',
    );
    await ingestAll(
      ingest,
      sent.filter((_, index) => index % 2 === 1),
      'odd',
    );
    analysis = createAnalysis({ db: database.db, clock, log, prices: [] });
  });
  afterAll(() => database?.close());

  test.each(measures)('%s: SQL gives the figures that the code gives', async (measure) => {
    for (const side of ['candidate', 'control'] as const) {
      const expected = figuresInMemory(rolledUp, side, measure);
      expect(expected.now.devices).toBe(side === 'candidate' ? 20 : 40);
      expectClose(await readFigures(database.db, queryOf(side, measure)), expected, side);
    }
  });

  test('a release that is slower is refuted, and what it was judged by can be asked again with the kept statement', async () => {
    const spec = analysisSpecSchema.parse({
      objectives: [
        { name: 'latency', measure: 'latency-p95', atMost: '1.1x' },
        { name: 'errors', measure: 'error-rate', atMost: '5 %' },
        { name: 'agreement', measure: 'agreement', atLeast: '95 %', dryRun: true },
      ],
    });
    const question = { spec, candidate, control, sinceMs: SINCE_MS, rollout: { id: 'rollout-1', step: '2' } };
    const early = await analysis.judge({ ...question, nowMs: SINCE_MS + 1 });
    expect(early.verdict).toBe('running');
    const result = await analysis.judge({ ...question, nowMs: NOW_MS });
    expect(result).toMatchObject({ verdict: 'failed', sampleRatio: { mismatch: false } });
    expect(result.metrics.map(({ name, verdict }) => [name, verdict])).toEqual([
      ['latency', 'failed'],
      ['errors', 'successful'],
      ['agreement', 'not-measured'],
    ]);
    expect(result.metrics[0]).toMatchObject({ basis: 'control', adjusted: true, difference: { low: expect.any(Number) } });
    expect(result.metrics[0]?.plot.map(({ atMs }) => atMs)).toEqual([SINCE_MS + 1, NOW_MS]);

    const [kept] = (await analysis.ofRollout('rollout-1')).filter(({ name }) => name === 'latency');
    expect(kept?.judgement?.plot).toHaveLength(2);
    const [first] = (await analysis.queriesOf('rollout-1', 'latency')).queries;
    expect(first?.side).toBe('candidate');
    const again = await clientOf(database).unsafe(first?.sql ?? '', first?.params as never[]);
    // What the command line prints holds its parameters.
    expect(await clientOf(database).unsafe(inlineParameters(first?.sql ?? '', first?.params ?? []))).toEqual(again);
    expectClose(again[0]?.['now_devices'], figuresInMemory(rolledUp, 'candidate', 'latency-p95').now.devices);
    expect(again[0]?.['log_change_sum'] / again[0]?.['log_change_devices']).toBeCloseTo(Math.log(1.35), 1);
    // Refuted once is refuted: also where the next look would say otherwise.
    expect((await analysis.judge({ ...question, nowMs: NOW_MS + 10 * MINUTE_MS })).verdict).toBe('failed');
  });

  test('a silent half of the candidate makes it inconclusive', async () => {
    const wide = { ...candidate, devices: sql`${idsOf(0, 19)} union all select 'silent-' || i from generate_series(1, 40) as i` };
    const spec = analysisSpecSchema.parse({ objectives: [{ name: 'errors', measure: 'error-rate', atMost: '5 %' }] });
    expect(await analysis.judge({ spec, candidate: wide, control, sinceMs: SINCE_MS, nowMs: NOW_MS })).toMatchObject({
      verdict: 'inconclusive',
      sampleRatio: { mismatch: true, expected: 0.6 },
    });
  });

  test('crashes and local rollbacks are looked for among all that were told to run it', async () => {
    const spec = analysisSpecSchema.parse({
      objectives: [
        { name: 'crashes', measure: 'crash-rate', atMost: '1 %', dryRun: true },
        { name: 'rollbacks', measure: 'rollback-rate', atMost: '1 %', dryRun: true },
      ],
    });
    const stayed = { devices: idsOf(4, 19), assigned: idsOf(0, 19), release: NEW_RELEASE };
    const { metrics } = await analysis.judge({ spec, candidate: stayed, control, sinceMs: SINCE_MS, nowMs: NOW_MS });
    expect(metrics.map(({ candidate: own }) => own?.estimate)).toEqual([3 / 20, 1 / 20]);
  });

  test('a measurement that fails is told, and too many in a row are for a person', async () => {
    const spec = analysisSpecSchema.parse({
      objectives: [analysisObjectiveSchema.parse({ name: 'errors', measure: 'error-rate', atMost: '5 %', errorsAllowed: 1 })],
    });
    const broken = { ...candidate, devices: sql`select no_such_column from devices` };
    const look = (minute: number) =>
      analysis.judge({
        spec: { ...spec, sampleRatio: false },
        candidate: broken,
        sinceMs: SINCE_MS,
        nowMs: NOW_MS + minute * MINUTE_MS,
        rollout: { id: 'rollout-2', step: '1' },
      });
    expect((await look(0)).verdict).toBe('running');
    expect(await look(2)).toMatchObject({
      verdict: 'inconclusive',
      metrics: [{ verdict: 'error', reason: expect.stringMatching(/2 times in a row/) }],
    });
  });

  test('templates are kept, named, and taken over word by word', async () => {
    const spec = analysisSpecSchema.parse({ objectives: [{ name: 'errors', measure: 'error-rate', atMost: '5 %' }], confidence: 0.9 });
    await analysis.templates.put('steady', spec, { name: 'ada' });
    expect(await analysis.resolve('steady')).toEqual(spec);
    const own = await analysis.resolve({ template: 'steady', objectives: [{ name: 'errors', measure: 'error-rate', atMost: '1 %' }] });
    expect(own).toMatchObject({ confidence: 0.9, objectives: [{ name: 'errors', atMost: '1 %' }] });
    await expect(analysis.resolve('stedy')).rejects.toMatchObject({ code: 'unknown-template', hint: 'did you mean steady?' });
    await expect(analysis.resolve({ objectives: [{ name: 'errors', measure: 'error-rate', atMost: '5 ms' }] })).rejects.toMatchObject({
      code: 'bad-document',
      field: 'objectives.0.atMost',
    });
    await analysis.templates.remove('steady', { name: 'ada' });
    await expect(analysis.templates.show('steady')).rejects.toMatchObject({ code: 'unknown-template' });
  });
}

describe('on the embedded database', () => {
  const directory = mkdtempSync(join(tmpdir(), 'starling-analysis-'));
  figuresSuite(() => openDatabase({ directory }));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
});

describeWith(['postgres'], 'on Postgres', ({ postgres }) => {
  let server: PostgresServer | undefined;
  figuresSuite(async () => {
    server = await startPostgres(postgres);
    return openDatabase({ url: server.url, directory: '' });
  });
  afterAll(() => server?.stop());
});
