import type { PageQuery, SelectorVocabulary, SiteView } from '@starling/shared';
import { and, asc, count, eq, gt, inArray, type SQL, sql } from 'drizzle-orm';
import type { Queryable } from '../db/index.ts';
import { brokerLogins, desiredStates, devices, releases } from '../db/schema/index.ts';

/** Questions about many devices at once. `where` is a condition over their table, as `selectorWhere` makes one. */

const isOnline = sql`${devices.online} and ${devices.status} = 'active'`;
const hasFailed = sql`${devices.status} = 'active' and ${devices.reported} ->> 'phase' = 'failed'`;

/** How many devices meet each of the conditions, in one look at the table; and how many there are. */
export async function countSelected(
  db: Queryable,
  conditions: readonly SQL[],
): Promise<{ total: number; selected: { devices: number; online: number }[] }> {
  const counts = conditions.flatMap((where) => [
    sql`count(*) filter (where ${where})::int`,
    sql`count(*) filter (where ${where} and ${isOnline})::int`,
  ]);
  const columns = [sql`count(*)::int`, ...counts].map((each, place) => sql`${each} as ${sql.identifier(`c${place}`)}`);
  const [row] = await db.execute<Record<string, number>>(sql`select ${sql.join(columns, sql`, `)} from ${devices}`);
  const at = (place: number): number => row?.[`c${place}`] ?? 0;
  return { total: at(0), selected: conditions.map((_, index) => ({ devices: at(1 + 2 * index), online: at(2 + 2 * index) })) };
}

/** Rows of one reading. */
const PAGE_ROWS = 2000;

export interface NamedDevice {
  id: string;
  name: string;
  labels: Record<string, string>;
}

/** Names and labels of selected devices, page by page in the order of their ids: what changes meanwhile is not seen twice. */
export async function* selectedPages(db: Queryable, where: SQL, pageRows = PAGE_ROWS): AsyncGenerator<NamedDevice[]> {
  for (let after = ''; ; ) {
    const page = await db
      .select({ id: devices.id, name: devices.name, labels: devices.labels })
      .from(devices)
      .where(and(where, gt(devices.id, after)))
      .orderBy(asc(devices.id))
      .limit(pageRows);
    if (page.length > 0) yield page;
    if (page.length < pageRows) return;
    after = page.at(-1)?.id ?? after;
  }
}

/** Names of the labels that selected devices have, in the order of the alphabet. */
export async function labelNamesOf(db: Queryable, where: SQL): Promise<string[]> {
  const rows = await db.execute<{ name: string }>(
    sql`select distinct label.name from ${devices}, jsonb_object_keys(${devices.labels}) as label(name) where ${where} order by 1`,
  );
  return rows.map(({ name }) => name);
}

export async function selectSites(db: Queryable, { area, limit, offset }: PageQuery & { area?: string | undefined }) {
  const areaOf = sql<string>`coalesce(${devices.labels} ->> 'area', '')`;
  const siteOf = sql<string>`coalesce(${devices.labels} ->> 'site', '')`;
  const sites = db
    .select({
      area: areaOf.as('area'),
      site: siteOf.as('site'),
      devices: count().as('devices'),
      online: sql<number>`count(*) filter (where ${isOnline})::int`.as('online'),
      failed: sql<number>`count(*) filter (where ${hasFailed})::int`.as('failed'),
    })
    .from(devices)
    .where(area === undefined ? undefined : eq(areaOf, area))
    .groupBy(areaOf, siteOf)
    .as('sites');
  const items: SiteView[] = await db.select().from(sites).orderBy(sites.area, sites.site).limit(limit).offset(offset);
  const [total] = await db.select({ value: count() }).from(sites);
  return { items, total: total?.value ?? 0 };
}

/** What is offered of one kind: the most frequent, since nobody reads more. */
const VALUES_MAXIMUM = 100;
const LABELS_MAXIMUM = 100;

/** Names and values that occur, the most frequent first. */
export async function selectVocabulary(db: Queryable): Promise<Omit<SelectorVocabulary, 'groups'>> {
  const valuesOf = async (value: SQL, from: SQL = sql`${devices}`): Promise<string[]> => {
    const rows = await db.execute<{ value: string }>(
      sql`select ${value} as value from ${from} group by 1 order by count(*) desc, 1 limit ${VALUES_MAXIMUM}`,
    );
    return rows.map((row) => row.value);
  };
  return {
    labels: await labelValues(db),
    profiles: await valuesOf(sql`${devices.profile}`),
    releases: await valuesOf(
      sql`${releases.name}`,
      sql`${releases} left join ${desiredStates} on ${desiredStates.release} = ${releases.digest}`,
    ),
    agentVersions: await valuesOf(sql`${devices.agentVersion}`),
    architectures: await valuesOf(sql`${devices.architecture}`),
    providers: await valuesOf(sql`provider.name`, sql`${devices}, jsonb_array_elements_text(${devices.providers}) as provider(name)`),
  };
}

async function labelValues(db: Queryable): Promise<Record<string, string[]>> {
  const rows = await db.execute<{ name: string; value: string }>(sql`
    with occurring as (
      select label.name, label.value, count(*) as devices from ${devices}, jsonb_each_text(${devices.labels}) as label(name, value) group by 1, 2
    ), placed as (
      select name, value, row_number() over (partition by name order by devices desc, value) as place,
        sum(devices) over (partition by name) as frequency from occurring
    ), named as (
      select name, value, place, dense_rank() over (order by frequency desc, name) as name_place from placed
    )
    select name, value from named where place <= ${VALUES_MAXIMUM} and name_place <= ${LABELS_MAXIMUM} order by name_place, place`);
  const labels: Record<string, string[]> = {};
  for (const { name, value } of rows) {
    if (!Object.hasOwn(labels, name)) labels[name] = [];
    labels[name]?.push(value);
  }
  return labels;
}

/** What a bulk change makes of the labels: null takes one away. */
export type LabelPatch = Readonly<Record<string, string | null>>;

const patched = (patch: SQL): SQL => sql`jsonb_strip_nulls(${devices.labels} || ${patch})`;

/** Selected devices, and those among them that a patch changes. */
export async function countPatched(db: Queryable, where: SQL, patch: LabelPatch): Promise<{ selected: number; changing: number }> {
  const labels = patched(sql`${JSON.stringify(patch)}::text::jsonb`);
  const [row] = await db
    .select({ selected: count(), changing: sql<number>`count(*) filter (where ${labels} <> ${devices.labels})::int` })
    .from(devices)
    .where(where);
  return row ?? { selected: 0, changing: 0 };
}

/** Some of the devices that a patch changes. */
export async function examplesOfPatched(db: Queryable, where: SQL, patch: LabelPatch, limit: number) {
  const labels = patched(sql`${JSON.stringify(patch)}::text::jsonb`);
  return db
    .select({ id: devices.id, name: devices.name })
    .from(devices)
    .where(and(where, sql`${labels} <> ${devices.labels}`))
    .orderBy(asc(devices.name), asc(devices.id))
    .limit(limit);
}

/** @returns ids of the devices that have other labels now */
export async function patchLabels(db: Queryable, where: SQL, patch: LabelPatch): Promise<string[]> {
  const labels = patched(sql`${JSON.stringify(patch)}::text::jsonb`);
  const rows = await db
    .update(devices)
    .set({ labels: labels as never })
    .where(and(where, sql`${labels} <> ${devices.labels}`))
    .returning({ id: devices.id });
  return rows.map(({ id }) => id);
}

export interface DeviceChange {
  id: string;
  /** Left out: it keeps its own. */
  name?: string;
  labels: LabelPatch;
}

/** @returns which of the ids are devices */
export async function knownIds(db: Queryable, ids: readonly string[]): Promise<Set<string>> {
  const rows = await db
    .select({ id: devices.id })
    .from(devices)
    .where(sql`${devices.id} = any(${sql.param([...ids])}::text[])`);
  return new Set(rows.map(({ id }) => id));
}

/** Changes each device in its own way, in one statement. @returns ids of those that are other now, or with `dryRun` would be */
export async function changeDevices(db: Queryable, changes: readonly DeviceChange[], dryRun: boolean): Promise<string[]> {
  if (changes.length === 0) return [];
  const wanted = sql`unnest(${sql.param(changes.map(({ id }) => id))}::text[], ${sql.param(changes.map(({ name }) => name ?? null))}::text[],
    ${sql.param(changes.map(({ labels }) => JSON.stringify(labels)))}::text[]::jsonb[]) as wanted(id, name, patch)`;
  const name = sql`coalesce(wanted.name, ${devices.name})`;
  const labels = patched(sql`wanted.patch`);
  const differs = sql`${devices.id} = wanted.id and (${name} <> ${devices.name} or ${labels} <> ${devices.labels})`;
  const rows = await db.execute<{ id: string }>(
    dryRun
      ? sql`select ${devices.id} as id from ${devices}, ${wanted} where ${differs}`
      : sql`update ${devices} set name = ${name}, labels = ${labels} from ${wanted} where ${differs} returning ${devices.id} as id`,
  );
  return rows.map(({ id }) => id);
}

/** Both by the label, and by what they said of themselves when they enrolled: a label alone can be put on any device. */
const isSimulated = and(
  sql`${devices.labels} ->> 'simulated' = 'true'`,
  sql`jsonb_exists(${devices.capabilities} -> 'runtimeVersions', 'simulator')`,
);

export async function simulatedIds(db: Queryable): Promise<string[]> {
  const rows = await db.select({ id: devices.id }).from(devices).where(isSimulated);
  return rows.map(({ id }) => id);
}

/** Their rows, and their ways in. What other modules keep of them has to be gone before. */
export async function deleteDevices(db: Queryable, ids: readonly string[]): Promise<void> {
  await db.delete(brokerLogins).where(inArray(brokerLogins.device, [...ids]));
  await db.delete(devices).where(inArray(devices.id, [...ids]));
}
