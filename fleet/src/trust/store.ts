import { asc, eq, gte } from 'drizzle-orm';
import { z } from 'zod';
import type { Queryable } from '../db/index.ts';
import { fleetState, trustRoots } from '../db/schema/index.ts';

export type StoredRoot = typeof trustRoots.$inferSelect;

export async function rootsFrom(db: Queryable, version: number): Promise<StoredRoot[]> {
  return db.select().from(trustRoots).where(gte(trustRoots.version, version)).orderBy(asc(trustRoots.version));
}

export async function insertRoot(db: Queryable, root: StoredRoot): Promise<void> {
  await db.insert(trustRoots).values(root);
}

const epochFactSchema = z.object({ epoch: z.number().int().positive(), proof: z.string() });
/** In which epoch the fleet is, and who says so. */
export type EpochFact = z.infer<typeof epochFactSchema>;

/** @returns undefined for a fleet that was never set back */
export async function readEpoch(db: Queryable): Promise<EpochFact | undefined> {
  const [row] = await db.select().from(fleetState).where(eq(fleetState.key, 'epoch'));
  return row === undefined ? undefined : epochFactSchema.parse(row.value);
}

export async function writeEpoch(db: Queryable, value: EpochFact, nowMs: number): Promise<void> {
  const row = { key: 'epoch', value, updatedAtMs: nowMs };
  await db.insert(fleetState).values(row).onConflictDoUpdate({ target: fleetState.key, set: row });
}

/** The id of this fleet, made at its first start. */
export async function readFleetId(db: Queryable, fresh: string, nowMs: number): Promise<string> {
  await db.insert(fleetState).values({ key: 'fleetId', value: fresh, updatedAtMs: nowMs }).onConflictDoNothing();
  const [row] = await db.select().from(fleetState).where(eq(fleetState.key, 'fleetId'));
  return z.string().parse(row?.value);
}
