import { type SQL, sql } from 'drizzle-orm';
import type { Database, Queryable } from '../db/index.ts';
import { analysisReadings } from '../db/schema/index.ts';

export type CohortSide = 'candidate' | 'assigned' | 'control';

/** From so many new rows on the planner of the database is told. */
const MANY_DEVICES = 1_000;

/**
 * Reads who is on which side of a rollout now, and keeps what has changed since the reading before: devices that came, and that went. So
 * the cohorts of every look are known, in about as many rows as devices have moved.
 * @returns the number of the reading, for `cohortAt`
 */
export async function readCohorts(db: Database, rollout: string, sides: Readonly<Partial<Record<CohortSide, SQL>>>): Promise<number> {
  return db.transaction(async (tx) => {
    const [row] = await tx
      .insert(analysisReadings)
      .values({ rollout, reading: 1 })
      .onConflictDoUpdate({ target: analysisReadings.rollout, set: { reading: sql`${analysisReadings.reading} + 1` } })
      .returning({ reading: analysisReadings.reading });
    const reading = row?.reading ?? 1;
    let came = 0;
    for (const [side, devices] of Object.entries(sides)) {
      await tx.execute(sql`
        update analysis_cohorts k set until_reading = ${reading}
        where k.rollout = ${rollout} and k.side = ${side} and k.until_reading is null
          and not exists (select 1 from (${devices}) as c(device) where c.device = k.device)`);
      const added = await tx.execute<{ devices: number }>(sql`
        with added as (
          insert into analysis_cohorts (rollout, side, device, from_reading)
          select distinct ${rollout}::text, ${side}::text, c.device, ${reading}::int from (${devices}) as c(device)
          where not exists (
            select 1 from analysis_cohorts k
            where k.rollout = ${rollout} and k.side = ${side} and k.device = c.device and k.until_reading is null)
          returning 1)
        select count(*)::int as devices from added`);
      came += Number(added[0]?.devices ?? 0);
    }
    if (came >= MANY_DEVICES) await tx.execute(sql`analyze analysis_cohorts`);
    return reading;
  });
}

/** Devices that were on a side at a reading, as a subquery that gives the same whenever it is asked. */
export function cohortAt(rollout: string, side: CohortSide, reading: number): SQL {
  return sql`select device from analysis_cohorts where rollout = ${rollout} and side = ${side}
    and from_reading <= ${reading}::int and (until_reading is null or until_reading > ${reading}::int)`;
}

/** Rows of one deletion: few enough that nobody waits for them. */
const DELETED_ROWS = 5_000;

/** Deletes some of the cohorts of rollouts at which nobody has looked since. @returns how many went */
export async function deleteOldCohorts(db: Queryable, beforeMs: number): Promise<number> {
  const rows = await db.execute(sql`
    delete from analysis_cohorts where (rollout, side, device, from_reading) in (
      select k.rollout, k.side, k.device, k.from_reading
      from analysis_readings r join analysis_cohorts k on k.rollout = r.rollout
      where not exists (select 1 from analysis_measurements m where m.rollout = r.rollout and m.at_ms >= ${beforeMs}::bigint)
      limit ${DELETED_ROWS}) returning 1`);
  return rows.length;
}
