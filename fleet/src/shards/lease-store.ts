import { and, eq, inArray, sql } from 'drizzle-orm';
import type { Queryable } from '../db/index.ts';
import { leases } from '../db/schema/index.ts';

/** By the clock of the database: those of processes may differ. */
const nowMs = sql<number>`(extract(epoch from clock_timestamp()) * 1000)::bigint`;

export type LeaseRow = Pick<typeof leases.$inferSelect, 'name' | 'owner'>;

/** Takes what is free or its own already, until `lifeMs` from now. @returns what it has of these */
export async function takeLeases(db: Queryable, owner: string, names: readonly string[], lifeMs: number): Promise<string[]> {
  if (names.length === 0) return [];
  const expiresAtMs = sql`${nowMs} + ${lifeMs}::bigint`;
  const rows = await db
    .insert(leases)
    .values([...names].sort().map((name) => ({ name, owner, expiresAtMs })))
    .onConflictDoUpdate({
      target: leases.name,
      set: { owner, expiresAtMs },
      setWhere: sql`${leases.owner} = ${owner} or ${leases.expiresAtMs} < ${nowMs}`,
    })
    .returning({ name: leases.name });
  return rows.map(({ name }) => name);
}

export async function liveLeases(db: Queryable): Promise<LeaseRow[]> {
  return db.select({ name: leases.name, owner: leases.owner }).from(leases).where(sql`${leases.expiresAtMs} >= ${nowMs}`);
}

export async function releaseLeases(db: Queryable, owner: string, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  await db.delete(leases).where(and(eq(leases.owner, owner), inArray(leases.name, [...names])));
}
