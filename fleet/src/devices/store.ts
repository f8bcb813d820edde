import type { Capabilities, Hello, PageQuery, ReportedState, RunningAgent } from '@starling/shared';
import { and, asc, count, desc, eq, getTableColumns, gt, ilike, inArray, isNull, lt, lte, not, or, type SQL, sql } from 'drizzle-orm';
import type { Queryable } from '../db/index.ts';
import { brokerLogins, claimTokens, desiredStates, devices, usedNonces } from '../db/schema/index.ts';

export type DeviceRow = typeof devices.$inferSelect;
export type ClaimTokenRow = typeof claimTokens.$inferSelect;

export interface DeviceFilter {
  limit: number;
  offset: number;
  search?: string | undefined;
  /** `silent`: offline, and neither a page that was closed nor a simulated device that has ended; `failed`: what it should run does not run; `unserved`: nobody runs a part of it that another machine has to run. */
  status?: 'pending' | 'active' | 'revoked' | 'online' | 'offline' | 'silent' | 'failed' | 'unserved' | undefined;
  profile?: string | undefined;
  /** A condition over the table, as `selectorWhere` makes one. */
  where?: SQL | undefined;
  sort: 'name' | 'lastSeen' | 'enrolled' | 'profile';
}

export async function insertDevice(db: Queryable, row: typeof devices.$inferInsert): Promise<void> {
  await db.insert(devices).values(row);
}

export async function deviceById(db: Queryable, id: string): Promise<DeviceRow | undefined> {
  const [row] = await db.select().from(devices).where(eq(devices.id, id));
  return row;
}

/** The device that a key is of. */
export async function deviceByKey(db: Queryable, publicKey: string): Promise<DeviceRow | undefined> {
  const [row] = await db.select().from(devices).where(eq(devices.publicKey, publicKey));
  return row;
}

/** @returns false if its key was another one already */
export async function replaceDeviceKey(db: Queryable, id: string, before: string, publicKey: string): Promise<boolean> {
  const where = and(eq(devices.id, id), eq(devices.publicKey, before));
  return (await db.update(devices).set({ publicKey }).where(where).returning({ id: devices.id })).length > 0;
}

/** Devices by their ids, in any order; those that are not there are left out. */
export async function devicesByIds(db: Queryable, ids: readonly string[]): Promise<DeviceRow[]> {
  return ids.length === 0
    ? []
    : db
        .select()
        .from(devices)
        .where(inArray(devices.id, [...ids]));
}

export async function updateDevice(db: Queryable, id: string, change: Partial<typeof devices.$inferInsert>): Promise<void> {
  await db.update(devices).set(change).where(eq(devices.id, id));
}

export async function selectDevices(db: Queryable, filter: DeviceFilter): Promise<{ rows: DeviceRow[]; total: number }> {
  const order = {
    name: asc(devices.name),
    lastSeen: sql`${devices.lastSeenAtMs} desc nulls last`,
    enrolled: desc(devices.enrolledAtMs),
    profile: asc(devices.profile),
  }[filter.sort];
  const where = and(...conditionsOf(filter));
  const rows = await db.select().from(devices).where(where).orderBy(order, asc(devices.id)).limit(filter.limit).offset(filter.offset);
  const [total] = await db.select({ value: count() }).from(devices).where(where);
  return { rows, total: total?.value ?? 0 };
}

/**
 * Some active devices of each profile, those that are online first.
 * @param seed another one draws other devices
 */
export async function drawDevices(db: Queryable, profiles: readonly string[], perProfile: number, seed: string): Promise<DeviceRow[]> {
  if (profiles.length === 0) return [];
  const { id, online, profile, status } = devices;
  const place = sql<number>`row_number() over (partition by ${profile} order by ${online} desc, md5(${id} || ${seed}::text))`.as('place');
  const placed = db
    .select({ ...getTableColumns(devices), place })
    .from(devices)
    .where(and(eq(status, 'active'), inArray(profile, [...profiles])))
    .as('placed');
  const rows = await db.select().from(placed).where(lte(placed.place, perProfile)).orderBy(placed.profile, placed.place);
  return rows.map(({ place: _place, ...row }) => row);
}

/**
 * A simulated device whose simulation is over: nobody has to look after it. By the label alone, since this is asked of all devices at
 * every glance; what deletes them looks closer.
 */
const hasEnded = sql`(not ${devices.online} and coalesce(${devices.labels} ->> 'simulated', '') = 'true')`;

function conditionsOf({ search, status, profile, where }: DeviceFilter): (SQL | undefined)[] {
  const conditions: (SQL | undefined)[] = [where];
  if (search !== undefined)
    conditions.push(
      or(ilike(devices.name, `%${search}%`), ilike(devices.id, `%${search}%`), ilike(sql`${devices.labels}::text`, `%${search}%`)),
    );
  if (profile !== undefined) conditions.push(eq(devices.profile, profile));
  if (status === 'online' || status === 'offline') conditions.push(eq(devices.online, status === 'online'), eq(devices.status, 'active'));
  else if (status === 'silent')
    conditions.push(eq(devices.online, false), eq(devices.closed, false), eq(devices.status, 'active'), not(hasEnded));
  else if (status === 'failed') conditions.push(eq(devices.status, 'active'), eq(devices.phase, 'failed'), not(hasEnded));
  else if (status === 'unserved') {
    const lacking = sql`exists (select 1 from ${desiredStates} where ${desiredStates.device} = ${devices.id} and ${desiredStates.unserved} <> '[]'::jsonb)`;
    conditions.push(eq(devices.status, 'active'), lacking);
  } else if (status !== undefined) conditions.push(eq(devices.status, status));
  return conditions;
}

/**
 * Rows of devices that a statement is going to change, always taken in the order of their ids: two statements about many devices could
 * otherwise wait for each other.
 */
function inOrder(ids: readonly string[]): SQL {
  return sql`locked as materialized (select id from devices where id = any(${sql.param([...ids])}::text[]) order by id for update)`;
}

export interface Seen {
  atMs: number;
  online: boolean;
  /** It went in order; what was known of that stays until it is back. */
  closed: boolean;
}

/**
 * Presence of many devices in one statement: herds of heartbeats must not become herds of updates. That one was there is not believed
 * where it was heard later of again: a process that stood still, while another heard its devices, tells old news.
 */
export async function writePresence(db: Queryable, seen: ReadonlyMap<string, Seen>): Promise<void> {
  if (seen.size === 0) return;
  const ids = [...seen.keys()];
  const column = (of: (entry: Seen) => unknown): SQL => sql`${sql.param([...seen.values()].map(of))}`;
  await db.execute(sql`
    with ${inOrder(ids)}
    update devices set last_seen_at_ms = seen.at_ms, online = seen.online,
      closed = not seen.online and (devices.closed or (seen.closed and devices.capabilities ->> 'environment' = 'browser'))
    from locked join unnest(${sql.param(ids)}::text[], ${column(({ atMs }) => atMs)}::bigint[],
      ${column(({ online }) => String(online))}::text[]::boolean[], ${column(({ closed }) => String(closed))}::text[]::boolean[])
      as seen(id, at_ms, online, closed) on seen.id = locked.id
    where devices.id = locked.id and devices.status <> 'revoked'
      and (not seen.online or devices.online or seen.at_ms >= coalesce(devices.last_seen_at_ms, 0))`);
}

/** Devices of shards, whose ids begin with these characters, of which the last that was heard is that they are there. */
export async function onlineOfShards(db: Queryable, shards: readonly string[]): Promise<string[]> {
  const rows = await db
    .select({ id: devices.id })
    .from(devices)
    .where(and(eq(devices.online, true), eq(devices.status, 'active'), inShards(shards)));
  return rows.map(({ id }) => id);
}

export async function revokedOfShards(db: Queryable, shards: readonly string[]): Promise<string[]> {
  const rows = await db
    .select({ id: devices.id })
    .from(devices)
    .where(and(eq(devices.status, 'revoked'), inShards(shards)));
  return rows.map(({ id }) => id);
}

function inShards(shards: readonly string[]): SQL {
  return sql`left(${devices.id}, 1) = any(${sql.param([...shards])}::text[])`;
}

/** Nobody is connected to a fleet that has just started. */
export async function markAllOffline(db: Queryable): Promise<void> {
  await db.update(devices).set({ online: false }).where(eq(devices.online, true));
}

/** Devices by the agent that they run. */
export async function countByAgent(db: Queryable, { limit, offset }: PageQuery): Promise<{ items: RunningAgent[]; total: number }> {
  const build = sql<string | null>`${devices.capabilities} -> 'runtimeVersions' ->> 'agent'`;
  const active = eq(devices.status, 'active');
  const items = await db
    .select({
      version: devices.agentVersion,
      build,
      devices: count(),
      online: sql<number>`(count(*) filter (where ${devices.online}))::int`,
    })
    .from(devices)
    .where(active)
    .groupBy(devices.agentVersion, build)
    .orderBy(desc(count()), devices.agentVersion, build)
    .limit(limit)
    .offset(offset);
  const [total] = await db
    .select({ value: sql<number>`count(distinct (${devices.agentVersion}, ${build}))::int` })
    .from(devices)
    .where(active);
  return { items, total: total?.value ?? 0 };
}

export async function countByStatus(db: Queryable) {
  const { status, online, closed, phase } = devices;
  const ended = sql<boolean>`${hasEnded}`.as('ended');
  return db.select({ status, online, closed, phase, ended, value: count() }).from(devices).groupBy(status, online, closed, phase, ended);
}

export async function insertClaimToken(db: Queryable, row: ClaimTokenRow): Promise<void> {
  await db.insert(claimTokens).values(row);
}

export async function claimTokenById(db: Queryable, id: string): Promise<ClaimTokenRow | undefined> {
  const [row] = await db.select().from(claimTokens).where(eq(claimTokens.id, id));
  return row;
}

/** Takes one use, if one is left: a single statement, so that two devices cannot share the last. */
export async function takeClaimTokenUse(db: Queryable, id: string, nowMs: number): Promise<boolean> {
  const taken = await db
    .update(claimTokens)
    .set({ usesLeft: sql`${claimTokens.usesLeft} - 1` })
    .where(and(eq(claimTokens.id, id), gt(claimTokens.usesLeft, 0), gt(claimTokens.expiresAtMs, nowMs), isNull(claimTokens.revokedAtMs)))
    .returning({ id: claimTokens.id });
  return taken.length > 0;
}

export async function revokeClaimToken(db: Queryable, id: string, nowMs: number): Promise<boolean> {
  const revoked = await db
    .update(claimTokens)
    .set({ revokedAtMs: nowMs })
    .where(and(eq(claimTokens.id, id), isNull(claimTokens.revokedAtMs)))
    .returning({ id: claimTokens.id });
  return revoked.length > 0;
}

export async function selectClaimTokens(db: Queryable, { limit, offset }: { limit: number; offset: number }) {
  const rows = await db.select().from(claimTokens).orderBy(desc(claimTokens.createdAtMs)).limit(limit).offset(offset);
  const [total] = await db.select({ value: count() }).from(claimTokens);
  return { rows, total: total?.value ?? 0 };
}

/**
 * @param publicKey that the device has shown
 * @returns false if the device was revoked, or has got another key, since that was looked at: of the two, one sees the other
 */
export async function insertBrokerLogin(db: Queryable, row: typeof brokerLogins.$inferInsert, publicKey: string): Promise<boolean> {
  const { device, passwordDigest, expiresAtMs } = row;
  await db.delete(brokerLogins).where(and(eq(brokerLogins.device, device), lt(brokerLogins.expiresAtMs, expiresAtMs - 2 * 3_600_000)));
  const made = await db.execute(sql`
    insert into broker_logins (device, password_digest, expires_at_ms)
    select id, ${passwordDigest}, ${expiresAtMs}::bigint from devices
    where id = ${device} and status = 'active' and public_key = ${publicKey} for share
    returning device`);
  return made.length > 0;
}

export async function deleteBrokerLogins(db: Queryable, device: string): Promise<void> {
  await db.delete(brokerLogins).where(eq(brokerLogins.device, device));
}

/** Digests of the passwords of an active device that are still good. */
export async function validPasswordDigests(db: Queryable, ids: readonly string[], nowMs: number): Promise<Map<string, string[]>> {
  const rows = await db
    .select({ device: brokerLogins.device, digest: brokerLogins.passwordDigest })
    .from(brokerLogins)
    .innerJoin(devices, eq(devices.id, brokerLogins.device))
    .where(
      and(
        sql`${brokerLogins.device} = any(${sql.param([...ids])}::text[])`,
        gt(brokerLogins.expiresAtMs, nowMs),
        eq(devices.status, 'active'),
      ),
    );
  const digests = Map.groupBy(rows, ({ device }) => device);
  return new Map([...digests].map(([device, each]) => [device, each.map(({ digest }) => digest)]));
}

/** @returns false if it was there already */
export async function insertUsedNonce(db: Queryable, nonce: string, expiresAtMs: number): Promise<boolean> {
  const rows = await db.insert(usedNonces).values({ nonce, expiresAtMs }).onConflictDoNothing().returning({ nonce: usedNonces.nonce });
  return rows.length > 0;
}

export async function deleteOldNonces(db: Queryable, beforeMs: number): Promise<void> {
  await db.delete(usedNonces).where(lt(usedNonces.expiresAtMs, beforeMs));
}

export async function deleteEndedLogins(db: Queryable, nowMs: number): Promise<void> {
  await db.delete(brokerLogins).where(lt(brokerLogins.expiresAtMs, nowMs));
}

/** Those of the ids that are of a device, and of one without a password that is good. */
export async function devicesWithoutLogin(db: Queryable, ids: readonly string[], nowMs: number): Promise<string[]> {
  const known = await db
    .select({ id: devices.id })
    .from(devices)
    .where(sql`${devices.id} = any(${sql.param([...ids])}::text[])`);
  const good = await validPasswordDigests(db, ids, nowMs);
  return known.flatMap(({ id }) => (good.has(id) ? [] : [id]));
}

/** What a device says of itself when a session starts. */
export type Greeting = Pick<Hello, 'agentVersion' | 'operatorVersions' | 'bootId' | 'streamId'> & { atMs: number };

/** Sessions of many devices that have started, in one statement. */
export async function writeHellos(db: Queryable, hellos: ReadonlyMap<string, Greeting>): Promise<Map<string, undefined>> {
  const ids = [...hellos.keys()];
  const told = [...hellos.values()];
  const column = (values: readonly unknown[]): SQL => sql`${sql.param([...values])}`;
  await db.execute(sql`
    with ${inOrder(ids)}
    update devices set agent_version = told.agent_version, operator_versions = told.operator_versions::jsonb, boot_id = told.boot_id,
      stream_id = told.stream_id, online = true, closed = false, last_seen_at_ms = told.at_ms
    from locked join unnest(${column(ids)}::text[], ${column(told.map(({ agentVersion }) => agentVersion))}::text[],
      ${column(told.map(({ operatorVersions }) => JSON.stringify(operatorVersions)))}::text[], ${column(told.map(({ bootId }) => bootId))}::text[],
      ${column(told.map(({ streamId }) => streamId))}::text[], ${column(told.map(({ atMs }) => atMs))}::bigint[])
      as told(id, agent_version, operator_versions, boot_id, stream_id, at_ms) on told.id = locked.id
    where devices.id = locked.id and devices.status <> 'revoked'`);
  return new Map();
}

export interface Report {
  reported: ReportedState;
  atMs: number;
}

/** What many devices have reported, in one statement. */
export async function writeReported(db: Queryable, reports: ReadonlyMap<string, Report>): Promise<Map<string, undefined>> {
  const ids = [...reports.keys()];
  const states = [...reports.values()].map(({ reported }) => JSON.stringify(reported));
  const times = [...reports.values()].map(({ atMs }) => atMs);
  await db.execute(sql`
    with ${inOrder(ids)}
    update devices set reported = told.reported::jsonb, reported_at_ms = told.at_ms
    from locked join unnest(${sql.param(ids)}::text[], ${sql.param(states)}::text[], ${sql.param(times)}::bigint[])
      as told(id, reported, at_ms) on told.id = locked.id
    where devices.id = locked.id`);
  return new Map();
}

export async function writeCapabilities(
  db: Queryable,
  id: string,
  capabilities: Capabilities,
  profile: string,
  profileReason: unknown,
): Promise<void> {
  const { agentVersion } = capabilities;
  await db.update(devices).set({ capabilities, profile, profileReason, agentVersion }).where(eq(devices.id, id));
}
