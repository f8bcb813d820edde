import type { ModelVersion, Pipeline, Release } from '@starling/shared';
import { bigint, jsonb, pgTable, text, unique } from 'drizzle-orm/pg-core';

/** Signed bytes exactly as they were signed; `digest` is the SHA-256 of them and the name under which devices fetch them. */
export const modelVersions = pgTable(
  'model_versions',
  {
    digest: text('digest').primaryKey(),
    name: text('name').notNull(),
    version: text('version').notNull(),
    signed: text('signed').notNull(),
    document: jsonb('document').$type<ModelVersion>().notNull(),
    /** Operator types in the source; null for versions that were pushed before it was kept. */
    operators: jsonb('operators').$type<string[]>(),
    createdAtMs: bigint('created_at_ms', { mode: 'number' }).notNull(),
    createdBy: text('created_by').notNull(),
  },
  (table) => [unique('model_versions_name_version').on(table.name, table.version)],
);

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
