import type { MeasuringRequest } from '@starling/shared';
import { and, asc, eq, gt, lte } from 'drizzle-orm';
import type { Queryable } from '../db/index.ts';
import { devices, measuringRequests } from '../db/schema/index.ts';

/** A device that is free within this time measures; later the fleet gives up, and whoever still wants it asks again. */
const REQUEST_LIFE_MS = 7 * 86_400_000;

export async function openRequests(db: Queryable, nowMs: number, model?: string): Promise<MeasuringRequest[]> {
  const isOpen = gt(measuringRequests.requestedAtMs, nowMs - REQUEST_LIFE_MS);
  const rows = await db
    .select()
    .from(measuringRequests)
    .where(model === undefined ? isOpen : and(isOpen, eq(measuringRequests.model, model)))
    .orderBy(asc(measuringRequests.model), asc(measuringRequests.profile));
  return rows.map((row) => ({ ...row, expiresAtMs: row.requestedAtMs + REQUEST_LIFE_MS }));
}

/** In the place of earlier ones for the same profiles. */
export async function putRequests(
  db: Queryable,
  profiles: readonly string[],
  about: Omit<typeof measuringRequests.$inferInsert, 'profile'>,
): Promise<void> {
  await db.delete(measuringRequests).where(lte(measuringRequests.requestedAtMs, about.requestedAtMs - REQUEST_LIFE_MS));
  await db
    .insert(measuringRequests)
    .values(profiles.map((profile) => ({ ...about, profile })))
    .onConflictDoUpdate({ target: [measuringRequests.model, measuringRequests.profile], set: about });
}

export async function deleteRequests(db: Queryable, model: string): Promise<void> {
  await db.delete(measuringRequests).where(eq(measuringRequests.model, model));
}

/** Profiles that active devices have. */
export async function profilesInUse(db: Queryable): Promise<string[]> {
  const rows = await db
    .selectDistinct({ profile: devices.profile })
    .from(devices)
    .where(eq(devices.status, 'active'))
    .orderBy(devices.profile);
  return rows.map(({ profile }) => profile);
}
