import { type PipelineView, pipelineSchema } from '@starling/shared';
import { and, count, desc, eq, ilike } from 'drizzle-orm';
import type { Queryable } from '../db/index.ts';
import { pipelines } from '../db/schema/index.ts';

export type PipelineRow = typeof pipelines.$inferSelect;

/** As this version writes it: one that an earlier version has stored lacks what has come since. */
function upgraded(row: PipelineRow): PipelineRow {
  return { ...row, document: pipelineSchema.parse(row.document) };
}

export async function insertPipeline(db: Queryable, row: PipelineRow): Promise<void> {
  await db.insert(pipelines).values(row);
}

export async function findPipeline(db: Queryable, name: string, version: string | undefined): Promise<PipelineRow | undefined> {
  const where = version === undefined ? eq(pipelines.name, name) : and(eq(pipelines.name, name), eq(pipelines.version, version));
  const [row] = await db.select().from(pipelines).where(where).orderBy(desc(pipelines.createdAtMs)).limit(1);
  return row === undefined ? undefined : upgraded(row);
}

export async function pipelineByDigest(db: Queryable, digest: string): Promise<PipelineRow | undefined> {
  const [row] = await db.select().from(pipelines).where(eq(pipelines.digest, digest));
  return row === undefined ? undefined : upgraded(row);
}

export async function allPipelineDigests(db: Queryable): Promise<string[]> {
  return (await db.select({ digest: pipelines.digest }).from(pipelines)).map((row) => row.digest);
}

export async function listPipelines(db: Queryable, page: { limit: number; offset: number; search?: string | undefined }) {
  const where = page.search === undefined ? undefined : ilike(pipelines.name, `%${page.search}%`);
  const rows = await db.select().from(pipelines).where(where).orderBy(desc(pipelines.createdAtMs)).limit(page.limit).offset(page.offset);
  const [total] = await db.select({ value: count() }).from(pipelines).where(where);
  return { items: rows.map((row) => toPipelineView(upgraded(row))), total: total?.value ?? 0 };
}

export function toPipelineView({ digest, name, version, createdAtMs, createdBy, document }: PipelineRow): PipelineView {
  return { digest, name, version, createdAtMs, createdBy, document };
}
