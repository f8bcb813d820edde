import type { AnalysisSpec, MetricJudgement } from '@starling/shared';
import { bigint, boolean, index, jsonb, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';

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
    /** A statement for each side, with its parameters. */
    queries: jsonb('queries').$type<{ side: string; sql: string; params: unknown[] }[]>().notNull().default([]),
    failed: boolean('failed').notNull().default(false),
  },
  (table) => [
    primaryKey({ columns: [table.rollout, table.step, table.metric, table.atMs] }),
    index('analysis_measurements_metric').on(table.rollout, table.metric, table.atMs),
    index('analysis_measurements_at').on(table.atMs),
  ],
);
