import type { Queryable } from '../db/index.ts';
import { fleetSecrets } from '../db/schema/index.ts';

export async function allSecrets(db: Queryable): Promise<{ name: string; sealed: string }[]> {
  return db.select({ name: fleetSecrets.name, sealed: fleetSecrets.sealed }).from(fleetSecrets);
}

export async function insertSecret(db: Queryable, row: typeof fleetSecrets.$inferInsert): Promise<void> {
  await db.insert(fleetSecrets).values(row).onConflictDoNothing();
}
