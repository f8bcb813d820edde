import type { ExperimentAssignment } from '@starling/shared';
import { sql } from 'drizzle-orm';
import type { Transaction } from '../db/index.ts';

/**
 * Has devices take part in an experiment: each gets a new generation, with challengers beside what it is to run.
 * @param devices with what they get, which is sent to the database once for all that share it
 * @returns those that still were to run the champion, for themselves and in no other experiment
 */
export async function joinExperiment(
  tx: Transaction,
  champion: string,
  parts: readonly ExperimentAssignment[],
  devices: readonly { device: string; part: number }[],
): Promise<string[]> {
  if (devices.length === 0) return [];
  const rows = await tx.execute<{ device: string }>(sql`
    update desired_states s set experiment = chosen.experiment::jsonb, generation = s.generation + 1
    from unnest(${sql.param(devices.map(({ device }) => device))}::text[], ${sql.param(devices.map(({ part }) => part))}::int[]) as given(device, part)
      join unnest(${sql.param(parts.map((_, index) => index))}::int[], ${sql.param(parts.map((part) => JSON.stringify(part)))}::text[])
        as chosen(part, experiment) on chosen.part = given.part
    where s.device = given.device and s.release = ${champion} and s.experiment is null and s.places is null and s.workers = '{}'::jsonb
    returning s.device`);
  return rows.map(({ device }) => device);
}

/** Gives the challengers of an experiment other shares, on every device. @returns the devices */
export async function shareExperiment(tx: Transaction, experiment: string, shares: readonly number[]): Promise<string[]> {
  const changed = shares.reduce(
    (inner, share, arm) => sql`jsonb_set(${inner}, ${`{arms,${arm},share}`}::text[], ${JSON.stringify(share)}::jsonb)`,
    sql`experiment`,
  );
  const rows = await tx.execute<{ device: string }>(sql`
    update desired_states set experiment = ${changed}, generation = generation + 1
    where experiment is not null and experiment->>'id' = ${experiment} returning device`);
  return rows.map(({ device }) => device);
}

/** Devices run what they are to run, alone. @returns those that took part */
export async function leaveExperiment(tx: Transaction, experiment: string): Promise<string[]> {
  const rows = await tx.execute<{ device: string }>(sql`
    update desired_states set experiment = null, generation = generation + 1
    where experiment is not null and experiment->>'id' = ${experiment} returning device`);
  return rows.map(({ device }) => device);
}
