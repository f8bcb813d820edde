import type { RolloutSpec } from '@starling/shared';
import { type SQL, sql } from 'drizzle-orm';
import type { Queryable } from '../db/index.ts';

const texts = (values: readonly string[]): SQL => sql`${sql.param([...values])}::text[]`;

export interface Matched {
  [key: string]: unknown;
  active: number;
  matched: number;
  online: number;
  unchanged: number;
}

/** How many devices a condition matches. */
export async function countMatches(db: Queryable, where: SQL, release: string): Promise<Matched> {
  const [row] = await db.execute<Matched>(sql`
    select (select count(*)::int from devices where status = 'active') as active, count(*)::int as matched,
      (count(*) filter (where devices.online))::int as online,
      (count(*) filter (where d.release = ${release} and (devices.reported->>'generation')::int = d.generation
        and devices.reported->'running'->>'release' = ${release} and devices.reported->'running'->>'verified' = 'true'))::int as unchanged
    from devices left join desired_states d on d.device = devices.id where devices.status = 'active' and (${where})`);
  return row ?? { active: 0, matched: 0, online: 0, unchanged: 0 };
}

export interface Sampled {
  [key: string]: unknown;
  device: string;
  name: string;
  profile: string;
  /** Devices of the same profile that run the same release, of which some were drawn. */
  group_devices: number;
  drawn: number;
}

/** Devices of each profile and present release, drawn at random, the same each time. Those that run the release already are left out. */
export async function drawSample(db: Queryable, where: SQL, release: string, perGroup: number): Promise<Sampled[]> {
  const rows = await db.execute<Sampled>(sql`
    with matched as (
      select devices.id as device, devices.name, devices.profile,
        row_number() over (partition by devices.profile, d.release order by hashtextextended(devices.id, 1)) as place,
        (count(*) over (partition by devices.profile, d.release))::int as group_devices
      from devices left join desired_states d on d.device = devices.id
      where devices.status = 'active' and (${where}) and d.release is distinct from ${release}
    )
    select device, name, profile, group_devices, least(group_devices, ${perGroup})::int as drawn from matched
    where place <= ${perGroup} order by profile, device`);
  return [...rows];
}

/** What stands in the way beside the choice of artefacts, each with a few of the devices. */
export async function obstaclesIn(
  db: Queryable,
  where: SQL,
  { requires, windows }: RolloutSpec,
): Promise<{ code: string; devices: number; examples: string[] }[]> {
  const { agentVersion, profiles } = requires;
  const conditions: [string, SQL][] = [
    ['offline', sql`not devices.online`],
    ...(profiles === undefined ? [] : [['other-profile', sql`not (devices.profile = any(${texts(profiles)}))`] as [string, SQL]]),
    ...(agentVersion === undefined
      ? []
      : [
          [
            'agent-too-old',
            sql`not coalesce(case when devices.agent_version ~ '^[0-9]+[.][0-9]+[.][0-9]+' then
              string_to_array(substring(devices.agent_version from '^[0-9]+[.][0-9]+[.][0-9]+'), '.')::int[] >= string_to_array(${agentVersion}, '.')::int[] end, false)`,
          ] as [string, SQL],
        ]),
    ...(windows === undefined
      ? []
      : [
          [
            'unknown-time-zone',
            sql`devices.labels->>'timezone' is not null and not exists (select 1 from pg_timezone_names z where z.name = devices.labels->>'timezone')`,
          ] as [string, SQL],
        ]),
  ];
  const found: { code: string; devices: number; examples: string[] }[] = [];
  for (const [code, condition] of conditions) {
    const [row] = await db.execute<{ devices: number; examples: string[] | null }>(sql`
      select count(*)::int as devices, (array_agg(devices.name order by devices.name))[1:5] as examples
      from devices where devices.status = 'active' and (${where}) and ${condition}`);
    if (row !== undefined && row.devices > 0) found.push({ code, devices: row.devices, examples: row.examples ?? [] });
  }
  return found;
}
