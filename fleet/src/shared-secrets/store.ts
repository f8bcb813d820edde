import { eq } from 'drizzle-orm';
import type { Queryable } from '../db/index.ts';
import { fleetSecrets } from '../db/schema/index.ts';

type SecretRow = typeof fleetSecrets.$inferInsert;

export async function allSecrets(db: Queryable): Promise<{ name: string; sealed: string }[]> {
  return db.select({ name: fleetSecrets.name, sealed: fleetSecrets.sealed }).from(fleetSecrets);
}

export async function findSecret(db: Queryable, name: string): Promise<string | undefined> {
  const [row] = await db.select({ sealed: fleetSecrets.sealed }).from(fleetSecrets).where(eq(fleetSecrets.name, name));
  return row?.sealed;
}

/** @returns whether there was none of that name */
export async function insertSecret(db: Queryable, row: SecretRow): Promise<boolean> {
  const inserted = await db.insert(fleetSecrets).values(row).onConflictDoNothing().returning({ name: fleetSecrets.name });
  return inserted.length > 0;
}

export async function replaceSecret(db: Queryable, row: SecretRow): Promise<void> {
  await db.insert(fleetSecrets).values(row).onConflictDoUpdate({ target: fleetSecrets.name, set: row });
}

export async function deleteSecret(db: Queryable, name: string): Promise<void> {
  await db.delete(fleetSecrets).where(eq(fleetSecrets.name, name));
}
