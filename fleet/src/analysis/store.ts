import { createHash } from 'node:crypto';
import {
  type AnalysisTemplate,
  latencyEdgesMs,
  type MetricJudgement,
  type MetricQuery,
  type PageQuery,
  type PlotPoint,
} from '@starling/shared';
import { and, asc, count, desc, eq, gte, inArray, isNotNull, lte, type SQL, sql } from 'drizzle-orm';
import { PgDialect } from 'drizzle-orm/pg-core';
import { z } from 'zod';
import type { Queryable } from '../db/index.ts';
import { analysisMeasurements, analysisStatements, analysisTemplates } from '../db/schema/index.ts';
import { deleteOldCohorts } from './cohort-store.ts';
import type { Cohort } from './figures-sql.ts';
import type { CohortFigures } from './moments.ts';

/** A statement, and what it gave. */
export function textOf(side: string, query: SQL, { row }: FigureRow): MetricQuery {
  const { sql: text, params } = new PgDialect().sqlToQuery(query);
  return { side, sql: text, params, figures: row };
}

const sums = ['devices', 'a', 'b', 'aa', 'ab', 'bb'] as const;
const figuresRowSchema = z
  .record(z.string(), z.unknown())
  .transform(({ bins, ...row }) => ({ row: z.record(z.string(), z.coerce.number()).parse(row), bins }))
  .transform(({ row, bins }) => ({
    row,
    bins: z
      .object({ now: z.record(z.string(), z.number()), past: z.record(z.string(), z.number()) })
      .nullable()
      .parse(bins),
  }));

/** Columns of what a statement gave, by name, and the bins of sketches. */
type FigureRow = z.infer<typeof figuresRowSchema>;

/** Runs what `figuresQuery` made. */
export async function readFigureRow(db: Queryable, query: SQL): Promise<FigureRow> {
  const [first] = await db.execute(query);
  return first === undefined ? { row: {}, bins: null } : figuresRowSchema.parse(first);
}

export async function readFigures(db: Queryable, query: SQL): Promise<CohortFigures> {
  return figuresOf(await readFigureRow(db, query));
}

export function figuresOf({ row, bins }: FigureRow): CohortFigures {
  if (Object.keys(row).length === 0) return { now: side({}, 'now'), past: side({}, 'past'), cross: { aa: 0, ab: 0, ba: 0, bb: 0 } };
  const log = (which: string) => ({
    devices: row[`log_${which}_devices`] ?? 0,
    sum: row[`log_${which}_sum`] ?? 0,
    squares: row[`log_${which}_squares`] ?? 0,
  });
  return {
    now: side(row, 'now'),
    past: side(row, 'past'),
    cross: { aa: row['cross_aa'] ?? 0, ab: row['cross_ab'] ?? 0, ba: row['cross_ba'] ?? 0, bb: row['cross_bb'] ?? 0 },
    logs: { now: log('now'), change: log('change') },
    ...(bins === null ? {} : { bins: { now: denseBins(bins.now), past: denseBins(bins.past) } }),
  };
}

function side(row: Readonly<Record<string, number>>, which: string): CohortFigures['now'] {
  return Object.fromEntries(sums.map((name) => [name, row[`${which}_${name}`] ?? 0])) as unknown as CohortFigures['now'];
}

/** The database counts bins from 1, and leaves out empty ones. */
function denseBins(counts: Readonly<Record<string, number>>): number[] {
  return Array.from({ length: latencyEdgesMs.length + 1 }, (_, bin) => counts[String(bin + 1)] ?? 0);
}

/** Devices of a cohort, and those that have sent anything since. */
export function censusQuery({ devices }: Cohort, fromMs: number): SQL {
  return sql`select count(*)::float8 as devices, count(*) filter (where exists (select 1 from telemetry_rollups r
    where r.device = c.device and r.at_ms >= ${fromMs}::bigint))::float8 as seen
    from (select distinct device from (${devices}) as d(device)) as c`;
}

const censusSchema = z.object({ devices: z.coerce.number(), seen: z.coerce.number() });

export async function readCensus(db: Queryable, query: SQL): Promise<{ devices: number; seen: number }> {
  const [row] = await db.execute(query);
  return censusSchema.parse(row);
}

export interface Measurement {
  rollout: string;
  step: string;
  metric: string;
  atMs: number;
  judgement: MetricJudgement | null;
  error: string | null;
}

/** Keeps a look, with what it asked: statements are long, and the same at every look, so each is there once. */
export async function insertMeasurement(db: Queryable, measurement: Measurement, asked: readonly MetricQuery[]): Promise<void> {
  const statements = asked.map(({ sql: text }) => ({ digest: createHash('sha256').update(text).digest('hex'), sql: text }));
  if (statements.length > 0) await db.insert(analysisStatements).values(statements).onConflictDoNothing();
  const queries = asked.map(({ sql: _text, ...query }, index) => ({ ...query, statement: statements[index]?.digest ?? '' }));
  await db
    .insert(analysisMeasurements)
    .values({ ...measurement, queries, failed: measurement.judgement?.verdict === 'failed' })
    .onConflictDoNothing();
}

/** The newest measurements of a metric in a step, newest first. */
export async function newestMeasurements(
  db: Queryable,
  rollout: string,
  step: string,
  metric: string,
  limit: number,
): Promise<Measurement[]> {
  const table = analysisMeasurements;
  const isIt = and(eq(table.rollout, rollout), eq(table.step, step), eq(table.metric, metric));
  return db.select().from(table).where(isIt).orderBy(desc(table.atMs)).limit(limit);
}

/** A metric that was ever refuted in a step stays so: its interval held at every look together. */
export async function failedMeasurement(db: Queryable, rollout: string, step: string, metric: string): Promise<Measurement | undefined> {
  const table = analysisMeasurements;
  const isIt = and(eq(table.rollout, rollout), eq(table.step, step), eq(table.metric, metric), eq(table.failed, true));
  const [row] = await db.select().from(table).where(isIt).orderBy(asc(table.atMs)).limit(1);
  return row;
}

/** Points of a chart need no more. */
const PLOT_POINTS_MAXIMUM = 200;

/** What a metric of a rollout was at each look, oldest first; of many looks every so many. */
export async function plotOf(db: Queryable, rollout: string, step: string | undefined, metric: string, fromMs = 0): Promise<PlotPoint[]> {
  const table = analysisMeasurements;
  const ofStep = step === undefined ? undefined : eq(table.step, step);
  const isIt = and(eq(table.rollout, rollout), ofStep, eq(table.metric, metric), gte(table.atMs, fromMs), isNotNull(table.judgement));
  const [total] = await db.select({ value: count() }).from(table).where(isIt);
  const every = Math.max(1, Math.ceil((total?.value ?? 0) / PLOT_POINTS_MAXIMUM));
  const numbered = db
    .select({
      atMs: table.atMs,
      judgement: table.judgement,
      place: sql<number>`row_number() over (order by ${table.atMs} desc)`.as('place'),
    })
    .from(table)
    .where(isIt)
    .as('numbered');
  const rows = await db.select().from(numbered).where(sql`(${numbered.place} - 1) % ${every} = 0`).orderBy(numbered.atMs);
  return rows.flatMap(({ atMs, judgement }) => (judgement === null ? [] : [pointOf(judgement, atMs)]));
}

export function pointOf({ candidate, control }: MetricJudgement, atMs: number): PlotPoint {
  const { estimate = null, low = null, high = null } = candidate ?? {};
  return { atMs, estimate, low, high, control: control?.estimate ?? null };
}

/** Metrics of a rollout with their newest measurement. */
export async function newestOfRollout(db: Queryable, rollout: string): Promise<Measurement[]> {
  const table = analysisMeasurements;
  return db
    .selectDistinctOn([table.step, table.metric])
    .from(table)
    .where(eq(table.rollout, rollout))
    .orderBy(table.step, table.metric, desc(table.atMs));
}

/** Which look is meant: the newest of these that has measured something. */
export interface LookQuery {
  /** Not later. */
  atMs?: number | undefined;
  step?: string | undefined;
}

/** A look at a metric, with the statements that gave its figures. */
export async function findLook(
  db: Queryable,
  rollout: string,
  metric: string,
  { atMs, step }: LookQuery,
): Promise<{ step: string; measuredAtMs: number; queries: MetricQuery[] } | undefined> {
  const table = analysisMeasurements;
  const isOfStep = step === undefined ? undefined : eq(table.step, step);
  const isInTime = atMs === undefined ? undefined : lte(table.atMs, atMs);
  const isIt = and(eq(table.rollout, rollout), eq(table.metric, metric), isOfStep, isInTime, sql`${table.queries} <> '[]'::jsonb`);
  const [row] = await db.select().from(table).where(isIt).orderBy(desc(table.atMs)).limit(1);
  if (row === undefined) return undefined;
  const digests = row.queries.flatMap(({ statement }) => statement ?? []);
  const kept = digests.length === 0 ? [] : await db.select().from(analysisStatements).where(inArray(analysisStatements.digest, digests));
  const texts = new Map(kept.map((each) => [each.digest, each.sql]));
  const queries = row.queries.map(({ side, params, statement = '', sql: text, figures }) => ({
    ...{ side, params, sql: text ?? texts.get(statement) ?? '' },
    ...(figures === undefined ? {} : { figures }),
  }));
  return { step: row.step, measuredAtMs: row.atMs, queries };
}

/** Measurements of one deletion: few enough that nobody waits for them. */
const DELETED_MEASUREMENTS = 2000;

/**
 * Deletes some looks that are older, and then who was on which side of rollouts at which nobody looks any more. What a metric came to in
 * its step stays, and what refuted it: a rollout of long ago still tells why it ended. @returns how many rows went
 */
export async function deleteOldMeasurements(db: Queryable, beforeMs: number): Promise<number> {
  const rows = await db.execute(sql`
    delete from analysis_measurements where (rollout, step, metric, at_ms) in (
      select o.rollout, o.step, o.metric, o.at_ms from analysis_measurements o
      where o.at_ms < ${beforeMs}::bigint and not o.failed and exists (
        select 1 from analysis_measurements n where n.rollout = o.rollout and n.step = o.step and n.metric = o.metric and n.at_ms > o.at_ms)
      order by o.at_ms limit ${DELETED_MEASUREMENTS}) returning 1`);
  return rows.length > 0 ? rows.length : deleteOldCohorts(db, beforeMs);
}

export async function findTemplate(db: Queryable, name: string): Promise<AnalysisTemplate | undefined> {
  const [row] = await db.select().from(analysisTemplates).where(eq(analysisTemplates.name, name));
  return row;
}

export async function selectTemplates(db: Queryable, { limit, offset }: PageQuery): Promise<{ items: AnalysisTemplate[]; total: number }> {
  const items = await db.select().from(analysisTemplates).orderBy(analysisTemplates.name).limit(limit).offset(offset);
  const [total] = await db.select({ value: count() }).from(analysisTemplates);
  return { items, total: total?.value ?? 0 };
}

export async function upsertTemplate(db: Queryable, row: AnalysisTemplate): Promise<void> {
  const { name: _name, ...set } = row;
  await db.insert(analysisTemplates).values(row).onConflictDoUpdate({ target: analysisTemplates.name, set });
}

export async function deleteTemplate(db: Queryable, name: string): Promise<boolean> {
  const removed = await db.delete(analysisTemplates).where(eq(analysisTemplates.name, name)).returning({ name: analysisTemplates.name });
  return removed.length > 0;
}
