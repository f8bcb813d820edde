import type { Artefact, ModelVersion, Pipeline, Release } from '@starling/shared';
import { bigint, integer, jsonb, pgTable, text, unique } from 'drizzle-orm/pg-core';

/** Signed bytes exactly as they were signed; `digest` is the SHA-256 of them and the name under which devices fetch them. */
export const modelVersions = pgTable(
  'model_versions',
  {
    digest: text('digest').primaryKey(),
    name: text('name').notNull(),
    version: text('version').notNull(),
    signed: text('signed').notNull(),
    document: jsonb('document').$type<ModelVersion>().notNull(),
    createdAtMs: bigint('created_at_ms', { mode: 'number' }).notNull(),
    createdBy: text('created_by').notNull(),
  },
  (table) => [unique('model_versions_name_version').on(table.name, table.version)],
);

export const artefacts = pgTable('artefacts', {
  digest: text('digest').primaryKey(),
  modelDigest: text('model_digest')
    .notNull()
    .references(() => modelVersions.digest),
  precision: text('precision').notNull(),
  signed: text('signed').notNull(),
  document: jsonb('document').$type<Artefact>().notNull(),
  /** What the builder measured: error against fp32, build time; a `BuildReport`. */
  report: jsonb('report').notNull(),
  createdAtMs: bigint('created_at_ms', { mode: 'number' }).notNull(),
});

/** One run of the artefact builder. Survives a restart: jobs that were running are taken up again. */
export const buildJobs = pgTable('build_jobs', {
  id: text('id').primaryKey(),
  modelDigest: text('model_digest')
    .notNull()
    .references(() => modelVersions.digest),
  state: text('state').$type<'queued' | 'running' | 'done' | 'failed' | 'cancelled'>().notNull(),
  progress: integer('progress_percent').notNull().default(0),
  step: text('step').notNull().default(''),
  error: jsonb('error'),
  createdAtMs: bigint('created_at_ms', { mode: 'number' }).notNull(),
  updatedAtMs: bigint('updated_at_ms', { mode: 'number' }).notNull(),
});

export const pipelines = pgTable(
  'pipelines',
  {
    digest: text('digest').primaryKey(),
    name: text('name').notNull(),
    version: text('version').notNull(),
    signed: text('signed').notNull(),
    document: jsonb('document').$type<Pipeline>().notNull(),
    createdAtMs: bigint('created_at_ms', { mode: 'number' }).notNull(),
    createdBy: text('created_by').notNull(),
  },
  (table) => [unique('pipelines_name_version').on(table.name, table.version)],
);

export const releases = pgTable('releases', {
  digest: text('digest').primaryKey(),
  name: text('name').notNull(),
  signed: text('signed').notNull(),
  document: jsonb('document').$type<Release>().notNull(),
  createdAtMs: bigint('created_at_ms', { mode: 'number' }).notNull(),
  createdBy: text('created_by').notNull(),
});
