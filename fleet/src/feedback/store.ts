import { type SQL, sql } from 'drizzle-orm';
import type { Queryable, Transaction } from '../db/index.ts';

/** One outcome, with the result that it is of. */
export interface Outcome {
  resultId: string;
  device: string;
  /** First digits of the release that gave the result. */
  release: string;
  itemAtMs: number;
  atMs: number;
  value: number | null;
  label: string | null;
}

const texts = (values: readonly (string | null)[]): SQL => sql`${sql.param([...values])}::text[]`;
const numbers = (values: readonly (number | null)[], type: 'bigint' | 'float8'): SQL =>
  type === 'bigint' ? sql`${sql.param([...values])}::bigint[]` : sql`${sql.param([...values])}::float8[]`;

/** A device may be this far off the clock of the fleet, and end an item this long after it has left. */
const SLACK_MS = 5 * 60_000;

/**
 * Keeps outcomes of results that are not known yet, each with the release that gave it and the experiment that the device was in then.
 * @returns what is new; those whose device or release nobody knows
 */
export async function insertOutcomes(
  tx: Transaction,
  outcomes: readonly Outcome[],
  nowMs: number,
): Promise<{ taken: string[]; unknown: { resultId: string; reason: string }[] }> {
  const given = sql`unnest(${texts(outcomes.map(({ resultId }) => resultId))}, ${texts(outcomes.map(({ device }) => device))},
    ${texts(outcomes.map(({ release }) => release))}, ${numbers(
      outcomes.map(({ itemAtMs }) => itemAtMs),
      'bigint',
    )}, ${numbers(
      outcomes.map(({ atMs }) => atMs),
      'bigint',
    )}, ${numbers(
      outcomes.map(({ value }) => value),
      'float8',
    )}, ${texts(outcomes.map(({ label }) => label))}) as g(result_id, device, release, item_at_ms, at_ms, value, label)`;
  const unknown = await tx.execute<{ resultId: string; reason: string }>(sql`
    select g.result_id as "resultId", case when d.id is null then 'no such device' else 'no such release' end as reason
    from ${given} left join devices d on d.id = g.device
    where d.id is null or not exists (select 1 from releases r where left(r.digest, 16) = g.release)`);
  const taken = await tx.execute<{ result_id: string }>(sql`
    insert into feedback_outcomes (result_id, device, release, experiment, value, label, item_at_ms, at_ms, received_at_ms)
    select g.result_id, g.device, r.digest, (
        select e.id from experiment_devices m join experiments e on e.id = m.experiment
        where m.device = g.device and m.joined_at_ms <= g.item_at_ms + ${SLACK_MS} and (m.left_at_ms is null or m.left_at_ms >= g.item_at_ms - ${SLACK_MS})
          and (e.champion = r.digest or e.challengers @> jsonb_build_array(jsonb_build_object('release', r.digest)))
        order by m.joined_at_ms desc limit 1), g.value, g.label, g.item_at_ms, g.at_ms, ${nowMs}
    from ${given} join devices d on d.id = g.device
      join lateral (select digest from releases where left(digest, 16) = g.release order by digest limit 1) r on true
    on conflict (result_id) do nothing returning result_id`);
  return { taken: taken.map(({ result_id }) => result_id), unknown: [...unknown] };
}

/** Takes away outcomes of devices that are going to be deleted. */
export async function forgetFeedback(db: Queryable, ids: readonly string[]): Promise<void> {
  await db.execute(sql`delete from feedback_outcomes where device = any(${texts(ids)})`);
}
