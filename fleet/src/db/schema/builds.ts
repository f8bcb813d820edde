import type { Artefact, BuildRecipe, BuildReport, BuildState, Problem } from '@starling/shared';
import { bigint, bigserial, boolean, index, integer, jsonb, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';
import { modelVersions } from './catalogue.ts';

export const artefacts = pgTable(
  'artefacts',
  {
    digest: text('digest').primaryKey(),
    modelDigest: text('model_digest')
      .notNull()
      .references(() => modelVersions.digest),
    precision: text('precision').notNull(),
    signed: text('signed').notNull(),
    document: jsonb('document').$type<Artefact>().notNull(),
    /** What the builder measured: error against fp32, accuracy, build time. */
    report: jsonb('report').$type<BuildReport>().notNull(),
    /** Digest of everything that decides what it is: builds of one key are equal. */
    buildKey: text('build_key'),
    createdAtMs: bigint('created_at_ms', { mode: 'number' }).notNull(),
  },
  (table) => [index('artefacts_build_key').on(table.buildKey), index('artefacts_model').on(table.modelDigest)],
);

/**
 * The queue of builds, and what became of them. A fleet takes a job by writing its lease into the row; a lease that is over, or that a
 * fleet before the last start of this one left behind, makes the job free again.
 */
export const buildJobs = pgTable(
  'build_jobs',
  {
    id: text('id').primaryKey(),
    /** The order of the queue. */
    sequence: bigserial('sequence', { mode: 'number' }).notNull(),
    modelDigest: text('model_digest')
      .notNull()
      .references(() => modelVersions.digest),
    recipe: jsonb('recipe').$type<BuildRecipe>().notNull(),
    recipeDigest: text('recipe_digest').notNull(),
    state: text('state').$type<BuildState>().notNull(),
    progress: integer('progress_percent').notNull().default(0),
    step: text('step').notNull().default(''),
    error: jsonb('error').$type<Problem>(),
    artefactDigest: text('artefact_digest').references(() => artefacts.digest),
    reused: boolean('reused').notNull().default(false),
    note: text('note'),
    requestedBy: text('requested_by'),
    attempts: integer('attempts').notNull().default(0),
    leaseOwner: text('lease_owner'),
    leaseExpiresAtMs: bigint('lease_expires_at_ms', { mode: 'number' }),
    createdAtMs: bigint('created_at_ms', { mode: 'number' }).notNull(),
    updatedAtMs: bigint('updated_at_ms', { mode: 'number' }).notNull(),
    startedAtMs: bigint('started_at_ms', { mode: 'number' }),
    endedAtMs: bigint('ended_at_ms', { mode: 'number' }),
  },
  (table) => [index('build_jobs_state').on(table.state, table.sequence), index('build_jobs_model').on(table.modelDigest)],
);

export const buildLogLines = pgTable(
  'build_log_lines',
  {
    jobId: text('job_id')
      .notNull()
      .references(() => buildJobs.id),
    sequence: integer('sequence').notNull(),
    atMs: bigint('at_ms', { mode: 'number' }).notNull(),
    text: text('text').notNull(),
  },
  (table) => [primaryKey({ columns: [table.jobId, table.sequence] })],
);
