import type { AnalysisSpec, MetricJudgement } from '@starling/shared';
import { sql } from 'drizzle-orm';
import { bigint, boolean, index, integer, jsonb, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';

/** Analyses that rollouts name instead of spelling them out. */
export const analysisTemplates = pgTable('analysis_templates', {
  name: text('name').primaryKey(),
  spec: jsonb('spec').$type<AnalysisSpec>().notNull(),
  changedAtMs: bigint('changed_at_ms', { mode: 'number' }).notNull(),
  changedBy: text('changed_by').notNull(),
});

/** What was measured for a rollout: the judgement, and the SQL that gave its figures. */
export const analysisMeasurements = pgTable(
  'analysis_measurements',
  {
    rollout: text('rollout').notNull(),
    step: text('step').notNull(),
    metric: text('metric').notNull(),
    atMs: bigint('at_ms', { mode: 'number' }).notNull(),
    /** Null where measuring failed. */
    judgement: jsonb('judgement').$type<MetricJudgement>(),
    error: text('error'),
    /** For each side the digest of its statement, its parameters, and what it gave; `sql` in the place of the digest in older rows. */
    queries: jsonb('queries')
      .$type<{ side: string; statement?: string; sql?: string; params: unknown[]; figures?: Record<string, number> | undefined }[]>()
      .notNull()
      .default([]),
    failed: boolean('failed').notNull().default(false),
  },
  (table) => [
    primaryKey({ columns: [table.rollout, table.step, table.metric, table.atMs] }),
    index('analysis_measurements_metric').on(table.rollout, table.metric, table.atMs),
    index('analysis_measurements_at').on(table.atMs),
  ],
);

/** Statements that gave figures, each once: looks differ in their parameters alone. */
export const analysisStatements = pgTable('analysis_statements', {
  /** SHA-256 of the text. */
  digest: text('digest').primaryKey(),
  sql: text('sql').notNull(),
});

/** How often the devices on the sides of a rollout were read. */
export const analysisReadings = pgTable('analysis_readings', {
  rollout: text('rollout').primaryKey(),
  reading: integer('reading').notNull(),
});

/** Who was on which side of a rollout, from one reading on and until another: a look can be asked again when its devices have moved on. */
export const analysisCohorts = pgTable(
  'analysis_cohorts',
  {
    rollout: text('rollout').notNull(),
    /** `candidate`, `assigned` (told to run the release, whatever became of it) or `control`. */
    side: text('side').notNull(),
    device: text('device').notNull(),
    fromReading: integer('from_reading').notNull(),
    /** The first reading without it; null: it is there still. */
    untilReading: integer('until_reading'),
  },
  (table) => [
    primaryKey({ columns: [table.rollout, table.side, table.device, table.fromReading] }),
    index('analysis_cohorts_present').on(table.rollout, table.side, table.device).where(sql`until_reading is null`),
  ],
);
