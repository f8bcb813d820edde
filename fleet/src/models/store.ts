import type { Artefact, ArtefactView, BuildJob, BuildReport, ModelVersion, ModelView, Problem } from '@starling/shared';
import { and, asc, count, desc, eq, ilike, inArray } from 'drizzle-orm';
import type { Queryable } from '../db/index.ts';
import { artefacts, buildJobs, modelVersions } from '../db/schema/index.ts';

export type ModelRow = typeof modelVersions.$inferSelect;
type JobRow = typeof buildJobs.$inferSelect;

export async function insertModel(db: Queryable, row: ModelRow): Promise<void> {
  await db.insert(modelVersions).values(row);
}

export async function findModel(db: Queryable, name: string, version: string): Promise<ModelRow | undefined> {
  const [row] = await db
    .select()
    .from(modelVersions)
    .where(and(eq(modelVersions.name, name), eq(modelVersions.version, version)));
  return row;
}

export async function newestModel(db: Queryable, name: string): Promise<ModelRow | undefined> {
  const [row] = await db.select().from(modelVersions).where(eq(modelVersions.name, name)).orderBy(desc(modelVersions.createdAtMs)).limit(1);
  return row;
}

export async function modelByDigest(db: Queryable, digest: string): Promise<ModelRow | undefined> {
  const [row] = await db.select().from(modelVersions).where(eq(modelVersions.digest, digest));
  return row;
}

export async function insertArtefact(
  db: Queryable,
  row: { digest: string; modelDigest: string; signed: string; document: Artefact; report: BuildReport; createdAtMs: number },
): Promise<void> {
  await db
    .insert(artefacts)
    .values({ ...row, precision: row.document.precision })
    .onConflictDoNothing();
}

export async function artefactsOfModel(db: Queryable, modelDigest: string): Promise<ArtefactView[]> {
  const rows = await db.select().from(artefacts).where(eq(artefacts.modelDigest, modelDigest)).orderBy(asc(artefacts.createdAtMs));
  return rows.map(toArtefactView);
}

export async function artefactByDigest(db: Queryable, digest: string): Promise<ArtefactView | undefined> {
  const [row] = await db.select().from(artefacts).where(eq(artefacts.digest, digest));
  return row === undefined ? undefined : toArtefactView(row);
}

export async function allModelDocuments(db: Queryable): Promise<{ digest: string; document: ModelVersion }[]> {
  return db.select({ digest: modelVersions.digest, document: modelVersions.document }).from(modelVersions);
}

export async function allArtefactDocuments(db: Queryable): Promise<{ digest: string; document: Artefact }[]> {
  return db.select({ digest: artefacts.digest, document: artefacts.document }).from(artefacts);
}

function toArtefactView(row: typeof artefacts.$inferSelect): ArtefactView {
  const { optimisation, executionProviders, blob, precision } = row.document;
  return {
    digest: row.digest,
    precision,
    optimisation,
    executionProviders,
    sizeBytes: blob.sizeBytes,
    report: row.report as BuildReport,
    createdAtMs: row.createdAtMs,
    document: row.document,
  };
}

export async function listModels(db: Queryable, page: { limit: number; offset: number; search?: string | undefined }) {
  const where = page.search === undefined ? undefined : ilike(modelVersions.name, `%${page.search}%`);
  const rows = await db
    .select()
    .from(modelVersions)
    .where(where)
    .orderBy(desc(modelVersions.createdAtMs))
    .limit(page.limit)
    .offset(page.offset);
  const [total] = await db.select({ value: count() }).from(modelVersions).where(where);
  return { items: await Promise.all(rows.map((row) => toModelView(db, row))), total: total?.value ?? 0 };
}

export async function toModelView(db: Queryable, row: ModelRow): Promise<ModelView> {
  const { digest, name, version, createdAtMs, createdBy, document } = row;
  const jobs = await db.select().from(buildJobs).where(eq(buildJobs.modelDigest, digest)).orderBy(desc(buildJobs.createdAtMs));
  const builds = jobs.map((job) => toBuildJob(job, row));
  return { digest, name, version, createdAtMs, createdBy, document, artefacts: await artefactsOfModel(db, digest), builds };
}

export async function insertJob(db: Queryable, id: string, modelDigest: string, nowMs: number): Promise<void> {
  await db.insert(buildJobs).values({ id, modelDigest, state: 'queued', createdAtMs: nowMs, updatedAtMs: nowMs });
}

export async function updateJob(
  db: Queryable,
  id: string,
  change: { state?: BuildJob['state']; progress?: number; step?: string; error?: Problem | null; updatedAtMs: number },
): Promise<void> {
  await db.update(buildJobs).set(change).where(eq(buildJobs.id, id));
}

/** Jobs that wait, and those that ran when the fleet was stopped. */
export async function unfinishedJobs(db: Queryable): Promise<JobRow[]> {
  return db
    .select()
    .from(buildJobs)
    .where(inArray(buildJobs.state, ['queued', 'running']))
    .orderBy(asc(buildJobs.createdAtMs));
}

export async function findJob(db: Queryable, id: string): Promise<BuildJob | undefined> {
  const [row] = await db
    .select()
    .from(buildJobs)
    .innerJoin(modelVersions, eq(modelVersions.digest, buildJobs.modelDigest))
    .where(eq(buildJobs.id, id));
  return row === undefined ? undefined : toBuildJob(row.build_jobs, row.model_versions);
}

export async function modelOfJob(db: Queryable, id: string): Promise<ModelRow | undefined> {
  const [row] = await db
    .select()
    .from(buildJobs)
    .innerJoin(modelVersions, eq(modelVersions.digest, buildJobs.modelDigest))
    .where(eq(buildJobs.id, id));
  return row?.model_versions;
}

export async function listJobs(db: Queryable, { limit, offset }: { limit: number; offset: number }) {
  const rows = await db
    .select()
    .from(buildJobs)
    .innerJoin(modelVersions, eq(modelVersions.digest, buildJobs.modelDigest))
    .orderBy(desc(buildJobs.createdAtMs))
    .limit(limit)
    .offset(offset);
  const [total] = await db.select({ value: count() }).from(buildJobs);
  return { items: rows.map((row) => toBuildJob(row.build_jobs, row.model_versions)), total: total?.value ?? 0 };
}

function toBuildJob(job: JobRow, model: Pick<ModelRow, 'name' | 'version'>): BuildJob {
  const { id, state, progress, step, createdAtMs, updatedAtMs } = job;
  return {
    id,
    model: model.name,
    version: model.version,
    state,
    progressPercent: progress,
    step,
    error: job.error as Problem | null,
    createdAtMs,
    updatedAtMs,
  };
}
