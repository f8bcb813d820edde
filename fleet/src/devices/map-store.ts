import { type FleetMap, fleetMapSchema, type MapMeasure, type PageQuery } from '@starling/shared';
import { type SQL, sql } from 'drizzle-orm';
import type { Queryable } from '../db/index.ts';
import { desiredStates, devices, releases, telemetryHours } from '../db/schema/index.ts';
import { EVERY_PROFILE } from '../telemetry/index.ts';

export interface MapQuestion extends PageQuery {
  measure: MapMeasure;
  sort: 'worst' | 'devices' | 'site';
  search?: string | undefined;
}

/** Releases of one cell that are named. */
const RELEASES_NAMED = 5;

/** By site: the worst value of the measure first; those of which nothing is known last. */
const worst: Record<MapMeasure, SQL> = {
  connected: sql`connected / nullif(devices - closed, 0) asc nulls last`,
  failing: sql`failing / devices desc`,
  latency: sql`latency / nullif(done, 0) desc nulls last`,
  release: sql`on_leading / devices asc`,
};

/**
 * The fleet by site and profile, in one look at its devices: they are counted by site, profile and release once, and all else is made of
 * those counts, of which there are few.
 * @param sinceMs start of the first hour whose inferences count
 */
export async function selectMap(db: Queryable, question: MapQuestion, sinceMs: number): Promise<FleetMap> {
  const { measure, sort, search, limit, offset } = question;
  const order: Record<MapQuestion['sort'], SQL> = {
    worst: sql`${worst[measure]}, devices desc, site`,
    devices: sql`devices desc, site`,
    site: sql`site`,
  };
  const figures = sql.raw(
    ['devices', 'connected', 'closed', 'failing', 'on_leading'].map((name) => `coalesce(sum(${name}), 0)::float8 as ${name}`).join(', '),
  );
  const worked = sql`coalesce(sum(items), 0) as items, coalesce(sum(failures), 0) as failures, coalesce(sum(latency), 0) as latency,
    coalesce(sum(items - failures), 0) as done`;
  const [row] = await db.execute(sql`
    with counted as materialized (
      select d.site, d.profile, s.release, count(*)::float8 as devices, count(*) filter (where d.online)::float8 as connected,
        count(*) filter (where d.closed and not d.online)::float8 as closed, count(*) filter (where d.phase = 'failed')::float8 as failing
      from ${devices} d left join ${desiredStates} s on s.device = d.id where d.status = 'active' group by 1, 2, 3
    ), foremost as (
      select release from counted where release is not null group by release order by sum(devices) desc, release limit 1
    ), parts as materialized (
      select c.*, case when c.release = (select release from foremost) then devices else 0 end as on_leading from counted c
    ), inferences as materialized (
      select site, profile, sum(count)::float8 as items, sum(hits)::float8 as failures, sum(total)::float8 as latency from ${telemetryHours}
      where at_ms >= ${sinceMs}::bigint and kind = 'inference' and profile <> ${EVERY_PROFILE} group by 1, 2
    ), cells as materialized (
      select site, profile, ${figures}, coalesce(max(i.items), 0) as items, coalesce(max(i.failures), 0) as failures,
        coalesce(max(i.latency), 0) as latency
      from parts left join inferences i using (site, profile) group by 1, 2
    ), sites as materialized (
      select site, ${figures}, ${worked} from cells
      where ${search === undefined ? sql`true` : sql`strpos(lower(site), lower(${search}::text)) > 0`} group by 1
    ), page as (
      select *, row_number() over (order by ${order[sort]}) as place from sites order by place limit ${limit} offset ${offset}
    ), mixes as (
      select site, profile, json_agg(json_build_object('digest', release, 'name', r.name, 'devices', devices) order by place) as releases
      from (select *, row_number() over (partition by site, profile order by devices desc, release) as place
        from parts where site in (select site from page)) as p
      left join ${releases} r on r.digest = p.release where place <= ${RELEASES_NAMED} group by 1, 2
    ), page_cells as (
      select site, json_agg(${asJson(sql`'profile', profile, 'releases', m.releases,`, sql`c`)} order by profile) as cells
      from cells c join mixes m using (site, profile) group by 1
    )
    select json_build_object(
      'sinceMs', ${sinceMs}::float8, 'limit', ${limit}::int, 'offset', ${offset}::int, 'total', (select count(*) from sites),
      'fleet', (select ${asJson(sql``, sql`f`)} from (select ${figures}, ${worked} from cells) as f),
      'leading', (select json_build_object('digest', l.release, 'name', r.name) from foremost l left join ${releases} r on r.digest = l.release),
      'profiles', (select coalesce(json_agg(json_build_object('profile', profile, 'devices', devices) order by devices desc, profile), '[]')
        from (select profile, sum(devices) as devices from cells group by 1) as p),
      'items', (select coalesce(json_agg(${asJson(sql`'site', site, 'cells', cells,`, sql`p`)} order by place), '[]')
        from page p join page_cells using (site))) as map`);
  return fleetMapSchema.parse(row?.['map']);
}

/** @param more further pairs of name and value */
function asJson(more: SQL, from: SQL): SQL {
  return sql`json_build_object(${more} 'devices', ${from}.devices, 'connected', ${from}.connected, 'closed', ${from}.closed,
    'failing', ${from}.failing, 'onLeading', ${from}.on_leading, 'items', ${from}.items, 'failures', ${from}.failures,
    'latencyMsMean', ${from}.latency / nullif(${from}.items - ${from}.failures, 0))`;
}
