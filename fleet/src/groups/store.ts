import { and, asc, count, eq, ilike, or } from 'drizzle-orm';
import type { Queryable } from '../db/index.ts';
import { deviceGroups } from '../db/schema/index.ts';

export type GroupRow = typeof deviceGroups.$inferSelect;

/** A fleet has tens of groups, seldom hundreds: all of them are read to understand one that uses others. */
export const GROUPS_MAXIMUM = 1000;

export async function allGroups(db: Queryable): Promise<GroupRow[]> {
  return db.select().from(deviceGroups).orderBy(asc(deviceGroups.name)).limit(GROUPS_MAXIMUM);
}

export async function groupByName(db: Queryable, name: string): Promise<GroupRow | undefined> {
  const [row] = await db.select().from(deviceGroups).where(eq(deviceGroups.name, name));
  return row;
}

export async function selectGroups(
  db: Queryable,
  { search, limit, offset }: { search?: string | undefined; limit: number; offset: number },
): Promise<{ rows: GroupRow[]; total: number }> {
  const pattern = `%${search ?? ''}%`;
  const where = search === undefined ? undefined : or(ilike(deviceGroups.name, pattern), ilike(deviceGroups.description, pattern));
  const rows = await db.select().from(deviceGroups).where(and(where)).orderBy(asc(deviceGroups.name)).limit(limit).offset(offset);
  const [total] = await db.select({ value: count() }).from(deviceGroups).where(and(where));
  return { rows, total: total?.value ?? 0 };
}

/** @returns whether the name was free */
export async function insertGroup(db: Queryable, row: GroupRow): Promise<boolean> {
  const inserted = await db.insert(deviceGroups).values(row).onConflictDoNothing().returning({ name: deviceGroups.name });
  return inserted.length > 0;
}

export async function updateGroup(db: Queryable, name: string, change: Partial<GroupRow>): Promise<void> {
  await db.update(deviceGroups).set(change).where(eq(deviceGroups.name, name));
}

export async function deleteGroupRow(db: Queryable, name: string): Promise<void> {
  await db.delete(deviceGroups).where(eq(deviceGroups.name, name));
}
