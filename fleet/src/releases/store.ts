import { releaseSchema } from '@starling/shared';
import { count, desc, eq, ilike, or } from 'drizzle-orm';
import type { Queryable } from '../db/index.ts';
import { releases } from '../db/schema/index.ts';

export type ReleaseRow = typeof releases.$inferSelect;

/** As this version writes it: one that an earlier version has stored lacks what has come since. */
function upgraded(row: ReleaseRow): ReleaseRow {
  return { ...row, document: releaseSchema.parse(row.document) };
}

export async function insertRelease(db: Queryable, row: ReleaseRow): Promise<boolean> {
  return (await db.insert(releases).values(row).onConflictDoNothing().returning({ digest: releases.digest })).length > 0;
}

/** By digest, else the newest of that name. */
export async function findRelease(db: Queryable, reference: string): Promise<ReleaseRow | undefined> {
  const [row] = await db
    .select()
    .from(releases)
    .where(or(eq(releases.digest, reference), eq(releases.name, reference)))
    .orderBy(desc(releases.createdAtMs))
    .limit(1);
  return row === undefined ? undefined : upgraded(row);
}

export async function allReleases(db: Queryable): Promise<ReleaseRow[]> {
  return (await db.select().from(releases)).map(upgraded);
}

export async function listReleases(db: Queryable, page: { limit: number; offset: number; search?: string | undefined }) {
  const where = page.search === undefined ? undefined : ilike(releases.name, `%${page.search}%`);
  const rows = await db.select().from(releases).where(where).orderBy(desc(releases.createdAtMs)).limit(page.limit).offset(page.offset);
  const [total] = await db.select({ value: count() }).from(releases).where(where);
  return { rows: rows.map(upgraded), total: total?.value ?? 0 };
}
