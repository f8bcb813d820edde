import {
  type Artefact,
  type ArtefactDetail,
  type ArtefactView,
  artefactFiles,
  BUILD_LOG_LINES_MAXIMUM,
  type BuildJob,
  type BuildLogLine,
  type BuildMethod,
  type BuildRecipe,
  type BuildReport,
  type BuildState,
  type Problem,
  recipeLabel,
} from '@starling/shared';
import { and, asc, count, desc, eq, gt, inArray, lte, max, or, sql } from 'drizzle-orm';
import type { Queryable } from '../db/index.ts';
import { artefacts, buildJobs, buildLogLines, modelVersions } from '../db/schema/index.ts';

export type JobRow = typeof buildJobs.$inferSelect;
export type ArtefactRow = typeof artefacts.$inferSelect;
export type BuildModel = Pick<typeof modelVersions.$inferSelect, 'digest' | 'name' | 'version' | 'document' | 'operators'>;

interface Page {
  limit: number;
  offset: number;
}

const OPEN: BuildState[] = ['queued', 'running'];

export async function insertJob(
  db: Queryable,
  job: { id: string; modelDigest: string; recipe: BuildRecipe; recipeDigest: string; requestedBy: string | null },
  nowMs: number,
): Promise<void> {
  await db.insert(buildJobs).values({ ...job, state: 'queued', createdAtMs: nowMs, updatedAtMs: nowMs });
}

/** A job of the recipe that has not ended. */
export async function findOpenJob(db: Queryable, modelDigest: string, digest: string): Promise<string | undefined> {
  const [row] = await db
    .select({ id: buildJobs.id })
    .from(buildJobs)
    .where(and(eq(buildJobs.modelDigest, modelDigest), eq(buildJobs.recipeDigest, digest), inArray(buildJobs.state, OPEN)));
  return row?.id;
}

/**
 * Takes the oldest free job: one that waits, or whose lease is over. Two fleets never take the same one.
 * @param owner names the lease
 */
export async function takeJob(db: Queryable, owner: string, nowMs: number, leaseMs: number): Promise<JobRow | undefined> {
  const free = db
    .select({ id: buildJobs.id })
    .from(buildJobs)
    .where(or(eq(buildJobs.state, 'queued'), and(eq(buildJobs.state, 'running'), lte(buildJobs.leaseExpiresAtMs, nowMs))))
    .orderBy(asc(buildJobs.sequence))
    .limit(1)
    .for('update', { skipLocked: true });
  const [row] = await db
    .update(buildJobs)
    .set({
      ...{ state: 'running', leaseOwner: owner, leaseExpiresAtMs: nowMs + leaseMs, attempts: sql`${buildJobs.attempts} + 1` },
      ...{ progress: 0, step: 'start', error: null, note: null, startedAtMs: nowMs, endedAtMs: null, updatedAtMs: nowMs },
    })
    .where(inArray(buildJobs.id, free))
    .returning();
  return row;
}

/** Jobs that a fleet with the same data directory held when it ended, however it ended: nobody else can have it now. */
export async function freeJobsOf(db: Queryable, instance: string): Promise<void> {
  await db
    .update(buildJobs)
    .set({ state: 'queued', leaseOwner: null, leaseExpiresAtMs: null })
    .where(and(eq(buildJobs.state, 'running'), sql`starts_with(${buildJobs.leaseOwner}, ${`${instance}/`})`));
}

/** Jobs from before there were leases. */
export async function freeUnowned(db: Queryable): Promise<void> {
  await db
    .update(buildJobs)
    .set({ state: 'queued' })
    .where(and(eq(buildJobs.state, 'running'), sql`${buildJobs.leaseOwner} is null`));
}

/** Changes a job that is still ours. @returns false if it was cancelled, or taken over by another fleet */
export async function updateOwned(
  db: Queryable,
  { id, owner }: { id: string; owner: string },
  change: Partial<Omit<typeof buildJobs.$inferInsert, 'id'>>,
): Promise<boolean> {
  const rows = await db
    .update(buildJobs)
    .set(change)
    .where(and(eq(buildJobs.id, id), eq(buildJobs.leaseOwner, owner), eq(buildJobs.state, 'running')))
    .returning({ id: buildJobs.id });
  return rows.length > 0;
}

/** @returns false if it was over already */
export async function cancelJob(db: Queryable, id: string, error: Problem, nowMs: number): Promise<boolean> {
  const rows = await db
    .update(buildJobs)
    .set({ state: 'cancelled', error, leaseOwner: null, leaseExpiresAtMs: null, updatedAtMs: nowMs, endedAtMs: nowMs })
    .where(and(eq(buildJobs.id, id), inArray(buildJobs.state, OPEN)))
    .returning({ id: buildJobs.id });
  return rows.length > 0;
}

/** @returns false unless it had failed or was cancelled */
export async function requeueJob(db: Queryable, id: string, nowMs: number): Promise<boolean> {
  const rows = await db
    .update(buildJobs)
    .set({
      ...{ state: 'queued', progress: 0, step: '', error: null, attempts: 0, leaseOwner: null, leaseExpiresAtMs: null },
      ...{ updatedAtMs: nowMs, startedAtMs: null, endedAtMs: null },
    })
    .where(and(eq(buildJobs.id, id), inArray(buildJobs.state, ['failed', 'cancelled'])))
    .returning({ id: buildJobs.id });
  return rows.length > 0;
}

export async function countOpenJobs(db: Queryable, modelDigest?: string): Promise<number> {
  const ofModel = modelDigest === undefined ? undefined : eq(buildJobs.modelDigest, modelDigest);
  const [row] = await db
    .select({ value: count() })
    .from(buildJobs)
    .where(and(inArray(buildJobs.state, OPEN), ofModel));
  return row?.value ?? 0;
}

export async function findJob(db: Queryable, id: string): Promise<BuildJob | undefined> {
  const [row] = await db
    .select()
    .from(buildJobs)
    .innerJoin(modelVersions, eq(modelVersions.digest, buildJobs.modelDigest))
    .where(eq(buildJobs.id, id));
  return row === undefined ? undefined : toBuildJob(row.build_jobs, row.model_versions);
}

export interface JobFilter extends Page {
  model?: string | undefined;
  state?: BuildState | undefined;
  method?: BuildMethod | undefined;
}

export async function listJobs(db: Queryable, { limit, offset, model, state, method }: JobFilter) {
  const where = and(
    model === undefined ? undefined : eq(buildJobs.modelDigest, model),
    state === undefined ? undefined : eq(buildJobs.state, state),
    method === undefined ? undefined : sql`${buildJobs.recipe}->>'method' = ${method}`,
  );
  const rows = await db
    .select()
    .from(buildJobs)
    .innerJoin(modelVersions, eq(modelVersions.digest, buildJobs.modelDigest))
    .where(where)
    .orderBy(desc(buildJobs.sequence))
    .limit(limit)
    .offset(offset);
  const [total] = await db.select({ value: count() }).from(buildJobs).where(where);
  return { items: rows.map((row) => toBuildJob(row.build_jobs, row.model_versions)), total: total?.value ?? 0 };
}

/** Newest first. */
export async function jobsOfModel(db: Queryable, model: Pick<BuildModel, 'digest' | 'name' | 'version'>): Promise<BuildJob[]> {
  const rows = await db.select().from(buildJobs).where(eq(buildJobs.modelDigest, model.digest)).orderBy(desc(buildJobs.sequence));
  return rows.map((row) => toBuildJob(row, model));
}

export async function buildModelOf(db: Queryable, digest: string): Promise<BuildModel | undefined> {
  const { name, version, document, operators } = modelVersions;
  const [row] = await db
    .select({ digest: modelVersions.digest, name, version, document, operators })
    .from(modelVersions)
    .where(eq(modelVersions.digest, digest));
  return row;
}

export async function newestVersionOf(db: Queryable, name: string): Promise<Pick<BuildModel, 'document'> | undefined> {
  const [row] = await db
    .select({ document: modelVersions.document })
    .from(modelVersions)
    .where(eq(modelVersions.name, name))
    .orderBy(desc(modelVersions.createdAtMs))
    .limit(1);
  return row;
}

function toBuildJob(job: JobRow, model: Pick<BuildModel, 'name' | 'version'>): BuildJob {
  const { id, modelDigest, recipe, state, progress, step, error, artefactDigest, reused, note, requestedBy, attempts } = job;
  const { createdAtMs, updatedAtMs, startedAtMs, endedAtMs } = job;
  return {
    ...{ id, model: model.name, version: model.version, modelDigest, recipe, label: recipeLabel(recipe) },
    ...{ state, progressPercent: progress, step, error, artefact: artefactDigest, reused, note, requestedBy, attempts },
    ...{ createdAtMs, updatedAtMs, startedAtMs, endedAtMs },
  };
}

/** Appends lines and forgets the oldest ones. */
export async function appendLog(db: Queryable, jobId: string, lines: readonly { atMs: number; text: string }[]): Promise<void> {
  if (lines.length === 0) return;
  const [last] = await db
    .select({ value: max(buildLogLines.sequence) })
    .from(buildLogLines)
    .where(eq(buildLogLines.jobId, jobId));
  const before = last?.value ?? 0;
  await db
    .insert(buildLogLines)
    .values(lines.map((line, index) => ({ jobId, sequence: before + index + 1, ...line })))
    .onConflictDoNothing();
  const oldest = before + lines.length - BUILD_LOG_LINES_MAXIMUM;
  if (oldest > 0) await db.delete(buildLogLines).where(and(eq(buildLogLines.jobId, jobId), lte(buildLogLines.sequence, oldest)));
}

export async function listLog(
  db: Queryable,
  jobId: string,
  { limit, offset, after }: Page & { after: number },
): Promise<{ items: BuildLogLine[]; total: number }> {
  const where = and(eq(buildLogLines.jobId, jobId), gt(buildLogLines.sequence, after));
  const { sequence, atMs, text } = buildLogLines;
  const items = await db
    .select({ sequence, atMs, text })
    .from(buildLogLines)
    .where(where)
    .orderBy(asc(sequence))
    .limit(limit)
    .offset(offset);
  const [total] = await db.select({ value: count() }).from(buildLogLines).where(where);
  return { items, total: total?.value ?? 0 };
}

export async function insertArtefact(
  db: Queryable,
  row: Pick<ArtefactRow, 'digest' | 'modelDigest' | 'signed' | 'document' | 'report' | 'buildKey' | 'createdAtMs'>,
): Promise<void> {
  await db
    .insert(artefacts)
    .values({ ...row, precision: row.document.precision })
    .onConflictDoNothing();
}

/** An artefact that the same build made before, preferably of the same model version. */
export async function findEqualArtefact(db: Queryable, key: string, modelDigest: string): Promise<ArtefactRow | undefined> {
  const rows = await db
    .select()
    .from(artefacts)
    .where(eq(artefacts.buildKey, key))
    .orderBy(desc(eq(artefacts.modelDigest, modelDigest)))
    .limit(1);
  return rows[0];
}

export async function artefactsOfModel(db: Queryable, modelDigest: string): Promise<ArtefactView[]> {
  const rows = await db.select().from(artefacts).where(eq(artefacts.modelDigest, modelDigest)).orderBy(asc(artefacts.createdAtMs));
  return rows.map(toArtefactView);
}

export async function artefactByDigest(db: Queryable, digest: string): Promise<ArtefactView | undefined> {
  const [row] = await db.select().from(artefacts).where(eq(artefacts.digest, digest));
  return row === undefined ? undefined : toArtefactView(row);
}

export async function artefactWithModel(db: Queryable, digest: string): Promise<{ artefact: ArtefactRow; model: BuildModel } | undefined> {
  const [row] = await db
    .select()
    .from(artefacts)
    .innerJoin(modelVersions, eq(modelVersions.digest, artefacts.modelDigest))
    .where(eq(artefacts.digest, digest));
  return row === undefined ? undefined : { artefact: row.artefacts, model: row.model_versions };
}

export async function listArtefacts(db: Queryable, { limit, offset, model }: Page & { model?: string | undefined }) {
  const where = model === undefined ? undefined : eq(artefacts.modelDigest, model);
  const rows = await db
    .select()
    .from(artefacts)
    .innerJoin(modelVersions, eq(modelVersions.digest, artefacts.modelDigest))
    .where(where)
    .orderBy(desc(artefacts.createdAtMs), asc(artefacts.digest))
    .limit(limit)
    .offset(offset);
  const [total] = await db.select({ value: count() }).from(artefacts).where(where);
  const items = rows.map((row) => ({ ...toArtefactView(row.artefacts), model: referenceOf(row.model_versions) }));
  return { items, total: total?.value ?? 0 };
}

export function referenceOf({ name, version, digest }: Pick<BuildModel, 'name' | 'version' | 'digest'>): ArtefactDetail['model'] {
  return { name, version, digest };
}

export async function allArtefactDocuments(db: Queryable): Promise<{ digest: string; document: Artefact }[]> {
  return db.select({ digest: artefacts.digest, document: artefacts.document }).from(artefacts);
}

export function toArtefactView(row: ArtefactRow): ArtefactView {
  const { optimisation, executionProviders, precision } = row.document;
  return {
    digest: row.digest,
    precision,
    optimisation,
    executionProviders,
    sizeBytes: artefactFiles(row.document).reduce((sum, file) => sum + file.sizeBytes, 0),
    report: row.report satisfies BuildReport,
    createdAtMs: row.createdAtMs,
    document: row.document,
  };
}
