import type { ModelVersion } from '@starling/shared';
import { and, count, desc, eq, ilike } from 'drizzle-orm';
import type { Queryable } from '../db/index.ts';
import { modelVersions } from '../db/schema/index.ts';

export type ModelRow = typeof modelVersions.$inferSelect;

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

export async function allModelDocuments(db: Queryable): Promise<{ digest: string; document: ModelVersion }[]> {
  return db.select({ digest: modelVersions.digest, document: modelVersions.document }).from(modelVersions);
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
  return { rows, total: total?.value ?? 0 };
}
