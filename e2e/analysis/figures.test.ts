import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type AnalysisMeasureName,
  type AnalysisObjective,
  analysisMeasures,
  analysisObjectiveSchema,
  analysisSpecSchema,
} from '@starling/shared';
import { sql } from 'drizzle-orm';
import type { Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Analysis,
  type Cohort,
  createAnalysis,
  type DeviceRollUps,
  figuresOfDevices,
  figuresQuery,
  readFigures,
  sourceOf,
} from '../../fleet/src/analysis/index.ts';
import { inlineParameters } from '../../fleet/src/cli/inline-parameters.ts';
import { type OpenDatabase, openDatabase } from '../../fleet/src/db/index.ts';
import { createEventBus } from '../../fleet/src/events.ts';
import { createIngest, createLayerStore, type RollUp, rollUp } from '../../fleet/src/telemetry/index.ts';
import { openOnPostgres } from '../harness/open-postgres.ts';
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

interface StoredOutcome {
  result_id: string;
  device: string;
  release: string;
  value: number | null;
  label: string | null;
  item_at_ms: number;
  at_ms: number;
  received_at_ms: number;
}

/** Of the new release seven in ten are right, of the old one nine; half of them as labels. Some say neither, and one is of no device here. */
function outcomesOfFleet(): StoredOutcome[] {
  const outcomes: StoredOutcome[] = [];
  const tell = (device: string, release: string, atMs: number, what: Pick<StoredOutcome, 'value' | 'label'>): void => {
    const times = { item_at_ms: atMs, at_ms: atMs + 1000, received_at_ms: NOW_MS };
    outcomes.push({ result_id: `result-${outcomes.length}`, device, release, ...what, ...times });
  };
  for (let index = 0; index < 60; index += 1) {
    const device = `device-${index}`;
    const release = index < 20 ? NEW_RELEASE : OLD_RELEASE;
    const right = index < 20 ? 70 : 90;
    for (let item = 0; item < 100; item += 1) {
      const isRight = (item * 37 + index) % 100 < right;
      const what = item % 2 === 0 ? { value: isRight ? 1 : 0, label: null } : { value: null, label: isRight ? 'kept' : 'returned' };
      tell(device, release, SINCE_MS + item * 10_000, what);
      tell(device, OLD_RELEASE, SINCE_MS - 20 * MINUTE_MS + item * 1000, { value: item < 90 ? 1 : 0, label: null });
    }
    tell(device, release, SINCE_MS + 1, { value: null, label: 'unknown' });
    tell(device, release, SINCE_MS + 2, { value: 17, label: null });
  }
  tell('silent', NEW_RELEASE, SINCE_MS + 1, { value: 0, label: null });
  return outcomes;
}

/** What counts of an outcome: nothing where it is neither right nor wrong. */
function countedOutcome({ device, release, value, label, item_at_ms: atMs }: StoredOutcome): Counted[] {
  const worth = value ?? (label === 'kept' ? 1 : label === 'returned' ? 0 : null);
  if (worth === null || worth < 0 || worth > 1 || device === 'silent') return [];
  return [{ kind: 'feedback', subject: '', device, release, atMs, count: 1, hits: 0, total: worth, bins: null }];
}

type Counted = DeviceRollUps['now'][number] & Pick<RollUp, 'device' | 'release' | 'atMs'>;

function figuresInMemory(rolledUp: readonly Counted[], side: 'candidate' | 'control', measure: AnalysisMeasureName) {
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

function queryOf(side: 'candidate' | 'control', measure: AnalysisMeasureName, objective: Pick<AnalysisObjective, 'labels'> = {}) {
  const source = sourceOf(measure) as NonNullable<ReturnType<typeof sourceOf>>;
  const devices = side === 'candidate' ? candidate.devices : control.devices;
  return figuresQuery({
    ...{ side, devices, source, release: NEW_RELEASE, measure: analysisMeasures[measure], objective, prices: [], isCost: false },
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

  test('accuracy is what feedback says, device by device, and a release that is wrong more often is refuted', async () => {
    const outcomes = outcomesOfFleet();
    await database.db.execute(sql`
      insert into feedback_outcomes (result_id, device, release, value, label, item_at_ms, at_ms, received_at_ms)
      select * from json_to_recordset(${JSON.stringify(outcomes)}::json) as o(result_id text, device text, release text, value float8, label text,
        item_at_ms bigint, at_ms bigint, received_at_ms bigint)`);
    const labels = { kept: 1, returned: 0 };
    for (const side of ['candidate', 'control'] as const) {
      const expected = figuresInMemory(outcomes.flatMap(countedOutcome), side, 'accuracy');
      expect(expected.now.devices).toBe(side === 'candidate' ? 20 : 40);
      expectClose(await readFigures(database.db, queryOf(side, 'accuracy', { labels })), expected, side);
    }
    const spec = analysisSpecSchema.parse({
      objectives: [
        { name: 'compared', measure: 'accuracy', noWorseThan: '5 %', labels },
        { name: 'enough', measure: 'accuracy', atLeast: '50 %', labels },
        { name: 'too-few', measure: 'accuracy', atLeast: '50 %', minimumInferences: 100_000, labels },
      ],
    });
    const question = { spec, candidate, control, sinceMs: SINCE_MS, nowMs: NOW_MS, rollout: { id: 'rollout-3', step: '1' } };
    const { verdict, metrics } = await analysis.judge(question);
    expect(verdict).toBe('failed');
    expect(metrics.map(({ verdict: own }) => own)).toEqual(['failed', 'successful', 'running']);
    expect(metrics[0]?.candidate?.estimate).toBeCloseTo(0.7, 2);
    expect(metrics[2]?.reason).toContain('outcomes');
    const [first] = (await analysis.queriesOf('rollout-3', 'compared')).queries;
    const [again] = await clientOf(database).unsafe(inlineParameters(first?.sql ?? '', first?.params ?? []));
    expect(again?.['now_a'] / again?.['now_b']).toBeCloseTo(0.7, 2);
    // Feedback is nothing that a device sends: who is silent stays so.
    const silent = { ...candidate, assigned: sql`${idsOf(0, 19)} union all select 'silent'` };
    const crashes = analysisSpecSchema.parse({ objectives: [{ name: 'crashes', measure: 'crash-rate', atMost: '1 %', dryRun: true }] });
    const judged = await analysis.judge({ spec: crashes, candidate: silent, control, sinceMs: SINCE_MS, nowMs: NOW_MS });
    expect(judged.metrics[0]?.candidate?.devices).toBe(20);
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
    const shadow = analysisSpecSchema.parse({ objectives: [{ name: 'same', measure: 'agreement', atLeast: '95 %' }] });
    await expect(analysis.templates.put('same', shadow, { name: 'ada' })).rejects.toMatchObject({
      code: 'not-measurable',
      field: 'objectives.0.measure',
    });
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
  figuresSuite(() => openOnPostgres(postgres));
});
