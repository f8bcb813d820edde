import { and, asc, count, eq, gt, inArray, isNotNull, or, sql } from 'drizzle-orm';
import type { Queryable } from '../db/index.ts';
import { desiredStates, devices, releaseObjectives } from '../db/schema/index.ts';
import type { DeviceRow } from '../devices/index.ts';

export type DesiredRow = typeof desiredStates.$inferSelect;

export async function desiredOf(db: Queryable, device: string): Promise<DesiredRow | undefined> {
  const [row] = await db.select().from(desiredStates).where(eq(desiredStates.device, device));
  return row;
}

/** What many devices should run, and the profile of each. */
export async function desiredWithProfiles(
  db: Queryable,
  ids: readonly string[],
): Promise<Map<string, { row: DesiredRow; profile: string }>> {
  const rows = await db
    .select({ row: desiredStates, profile: devices.profile })
    .from(desiredStates)
    .innerJoin(devices, eq(devices.id, desiredStates.device))
    .where(sql`${desiredStates.device} = any(${sql.param([...ids])}::text[])`);
  return new Map(rows.map((each) => [each.row.device, each]));
}

export async function desiredOfAll(db: Queryable, ids: readonly string[]): Promise<DesiredRow[]> {
  return ids.length === 0
    ? []
    : db
        .select()
        .from(desiredStates)
        .where(inArray(desiredStates.device, [...ids]));
}

export async function writeDesired(db: Queryable, row: DesiredRow): Promise<void> {
  await db.insert(desiredStates).values(row).onConflictDoUpdate({ target: desiredStates.device, set: row });
}

/** Gives a device other workers, if it still has the release. @returns whether it had */
export async function writeWorkers(
  db: Queryable,
  device: string,
  release: string,
  { workers, unserved }: Pick<DesiredRow, 'workers' | 'unserved'>,
): Promise<boolean> {
  const moved = await db
    .update(desiredStates)
    .set({ workers, unserved, generation: sql`${desiredStates.generation} + 1` })
    .where(and(eq(desiredStates.device, device), eq(desiredStates.release, release)))
    .returning({ device: desiredStates.device });
  return moved.length > 0;
}

/** Has a worker help with other releases than before, if nothing else of it has changed meanwhile. @returns whether it was written */
export async function writeHelps(
  db: Queryable,
  { device, epoch, generation }: Pick<DesiredRow, 'device' | 'epoch' | 'generation'>,
  helps: DesiredRow['helps'],
): Promise<boolean> {
  const same = and(eq(desiredStates.device, device), eq(desiredStates.epoch, epoch), eq(desiredStates.generation, generation));
  const written = await db
    .update(desiredStates)
    .set({ helps, generation: generation + 1 })
    .where(same)
    .returning({ device: desiredStates.device });
  return written.length > 0;
}

/** A device that runs places for others, with what it is to run. */
export interface WorkerRow {
  device: DeviceRow;
  row: DesiredRow;
}

/** Devices that run places for others, or were to: of any release, of whom some are asked for. */
export async function workerRows(db: Queryable, only?: readonly string[]): Promise<WorkerRow[]> {
  if (only?.length === 0) return [];
  const isOne = or(isNotNull(desiredStates.places), sql`${desiredStates.helps} <> '[]'::jsonb`);
  return db
    .select({ device: devices, row: desiredStates })
    .from(desiredStates)
    .innerJoin(devices, eq(devices.id, desiredStates.device))
    .where(and(isOne, eq(devices.status, 'active'), only === undefined ? undefined : inArray(desiredStates.device, [...only])));
}

/** Devices that run places of a release for others: as their own, or beside it. */
export async function workersOf(db: Queryable, release: string): Promise<WorkerRow[]> {
  const isOf = or(eq(desiredStates.release, release), sql`${desiredStates.helps} @> ${JSON.stringify([{ release }])}::jsonb`);
  return db
    .select({ device: devices, row: desiredStates })
    .from(desiredStates)
    .innerJoin(devices, eq(devices.id, desiredStates.device))
    .where(and(isOf, isNotNull(desiredStates.places), eq(devices.status, 'active')));
}

/** A release that a worker has to have for a home. */
export interface HelpNeed {
  [key: string]: unknown;
  worker: string;
  release: string;
  /** 1: a home is to run it; 2: one still runs it; 3: one may go back to it. */
  urgency: number;
}

/** What the homes of workers are to run, what they run now, and, until that is verified, what they may go back to. */
export async function helpNeeds(db: Queryable): Promise<HelpNeed[]> {
  const runs = sql`(d.reported->'running'->>'release')`;
  const isThere = sql`coalesce(${runs} = s.release and d.reported->'running'->>'verified' = 'true', false)`;
  const rows = await db.execute<HelpNeed>(sql`
    select w.worker, n.release, min(n.urgency)::int as urgency
    from desired_states s join devices d on d.id = s.device
    cross join lateral (select distinct value as worker from jsonb_each_text(s.workers)) as w
    cross join lateral (values (s.release, 1), (${runs}, 2), (case when not ${isThere} then s.previous_release end, 3)) as n(release, urgency)
    where s.workers <> '{}'::jsonb and d.status = 'active' and n.release is not null
    group by w.worker, n.release order by w.worker, urgency, n.release`);
  return [...rows];
}

/** Releases that some device is to run. */
export async function releasesInUse(db: Queryable): Promise<string[]> {
  const rows = await db.selectDistinct({ release: desiredStates.release }).from(desiredStates).where(isNotNull(desiredStates.release));
  return rows.flatMap(({ release }) => release ?? []);
}

/** Rows of one reading. */
const PAGE_ROWS = 500;

/**
 * Devices that are to run a release, or this one, page by page in the order of their ids: what is written meanwhile is neither seen twice
 * nor missed.
 */
export async function* pagesWithRelease(db: Queryable, release?: string, pageRows = PAGE_ROWS): AsyncGenerator<DesiredRow[]> {
  const wanted = release === undefined ? isNotNull(desiredStates.release) : eq(desiredStates.release, release);
  for (let after = ''; ; ) {
    const page = await db
      .select()
      .from(desiredStates)
      .where(and(wanted, gt(desiredStates.device, after)))
      .orderBy(asc(desiredStates.device))
      .limit(pageRows);
    if (page.length > 0) yield page;
    if (page.length < pageRows) return;
    after = page.at(-1)?.device ?? after;
  }
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

/** Takes away what devices should run that are going to be deleted. */
export async function forgetDesired(db: Queryable, ids: readonly string[]): Promise<void> {
  await db.delete(desiredStates).where(inArray(desiredStates.device, [...ids]));
}
