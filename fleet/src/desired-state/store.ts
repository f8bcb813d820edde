import { and, count, eq, isNotNull } from 'drizzle-orm';
import type { Queryable } from '../db/index.ts';
import { desiredStates, devices, releaseObjectives } from '../db/schema/index.ts';

export type DesiredRow = typeof desiredStates.$inferSelect;

export async function desiredOf(db: Queryable, device: string): Promise<DesiredRow | undefined> {
  const [row] = await db.select().from(desiredStates).where(eq(desiredStates.device, device));
  return row;
}

export async function writeDesired(db: Queryable, row: DesiredRow): Promise<void> {
  await db.insert(desiredStates).values(row).onConflictDoUpdate({ target: desiredStates.device, set: row });
}

export async function devicesWithRelease(db: Queryable): Promise<DesiredRow[]> {
  return db.select().from(desiredStates).where(isNotNull(desiredStates.release));
}

export async function countByRelease(db: Queryable): Promise<Map<string, number>> {
  const rows = await db.select({ release: desiredStates.release, value: count() }).from(desiredStates).groupBy(desiredStates.release);
  return new Map(rows.flatMap(({ release, value }) => (release === null ? [] : [[release, value] as const])));
}

/** Which releases the devices of each profile are to run. */
export async function releasesOnProfiles(db: Queryable): Promise<{ release: string; profile: string }[]> {
  const rows = await db
    .selectDistinct({ release: desiredStates.release, profile: devices.profile })
    .from(desiredStates)
    .innerJoin(devices, eq(devices.id, desiredStates.device))
    .where(and(isNotNull(desiredStates.release), eq(devices.status, 'active')))
    .orderBy(devices.profile, desiredStates.release);
  return rows.flatMap(({ release, profile }) => (release === null ? [] : [{ release, profile }]));
}

export type ObjectiveRow = typeof releaseObjectives.$inferSelect;

export async function objectiveOf(db: Queryable, release: string): Promise<ObjectiveRow | undefined> {
  const [row] = await db.select().from(releaseObjectives).where(eq(releaseObjectives.release, release));
  return row;
}

export async function writeObjective(db: Queryable, release: string, row: Omit<ObjectiveRow, 'release'> | null): Promise<void> {
  if (row === null) {
    await db.delete(releaseObjectives).where(eq(releaseObjectives.release, release));
    return;
  }
  await db
    .insert(releaseObjectives)
    .values({ release, ...row })
    .onConflictDoUpdate({ target: releaseObjectives.release, set: row });
}
