import type { CommandView, NamedCommandView } from '@starling/shared';
import { and, asc, count, desc, eq, gte, inArray, isNotNull, lt, not, type SQL, sql } from 'drizzle-orm';
import type { Queryable } from '../db/index.ts';
import { commandBatchTargets, commands, devices } from '../db/schema/index.ts';

export type CommandRow = typeof commands.$inferSelect;

const open: CommandRow['status'][] = ['queued', 'sent', 'accepted', 'progress'];

export async function insertCommand(db: Queryable, row: typeof commands.$inferInsert): Promise<void> {
  await db.insert(commands).values(row);
}

export async function commandById(db: Queryable, id: string): Promise<CommandRow | undefined> {
  const [row] = await db.select().from(commands).where(eq(commands.id, id));
  return row;
}

/** Fields of a result, beside those that it has. */
export function withResult(fields: Record<string, unknown>): SQL {
  return sql`coalesce(${commands.result}, '{}'::jsonb) || ${JSON.stringify(fields)}::jsonb`;
}

/** Changes an open command; one that has ended stays as it is. */
export async function updateOpenCommand(
  db: Queryable,
  id: string,
  device: string,
  change: Partial<Omit<CommandRow, 'result'>> & { result?: SQL },
): Promise<CommandRow | undefined> {
  const [row] = await db
    .update(commands)
    .set(change)
    .where(and(eq(commands.id, id), eq(commands.device, device), inArray(commands.status, open)))
    .returning();
  return row;
}

/** It went out: of one that was answered meanwhile nothing changes. */
export async function markSent(db: Queryable, id: string, device: string): Promise<void> {
  await db
    .update(commands)
    .set({ status: 'sent' })
    .where(and(eq(commands.id, id), eq(commands.device, device), eq(commands.status, 'queued')));
}

/** The same of many devices. */
export async function openCommandsOf(db: Queryable, ids: readonly string[]): Promise<Map<string, CommandRow[]>> {
  const rows = await db
    .select()
    .from(commands)
    .where(and(inArray(commands.device, [...ids]), inArray(commands.status, open)))
    .orderBy(asc(commands.issuedAtMs));
  return Map.groupBy(rows, ({ device }) => device);
}

export async function openCommands(db: Queryable, device: string): Promise<CommandRow[]> {
  return db
    .select()
    .from(commands)
    .where(and(eq(commands.device, device), inArray(commands.status, open)))
    .orderBy(asc(commands.issuedAtMs));
}

export async function expireCommands(db: Queryable, nowMs: number): Promise<CommandRow[]> {
  return db
    .update(commands)
    .set({ status: 'expired', finishedAtMs: nowMs })
    .where(and(inArray(commands.status, open), lt(commands.notAfterMs, nowMs)))
    .returning();
}

export type MeasuringCommand = Pick<CommandRow, 'device' | 'name' | 'arguments' | 'status' | 'result' | 'error' | 'issuedAtMs'> & {
  isOpen: boolean;
  profile: string;
  deviceName: string;
};

/** Commands since a moment that have devices measure, with the profile of each device. */
export async function measuringCommands(db: Queryable, sinceMs: number): Promise<MeasuringCommand[]> {
  const rows = await db
    .select({
      device: commands.device,
      name: commands.name,
      arguments: commands.arguments,
      status: commands.status,
      result: commands.result,
      error: commands.error,
      issuedAtMs: commands.issuedAtMs,
      profile: devices.profile,
      deviceName: devices.name,
    })
    .from(commands)
    .innerJoin(devices, eq(devices.id, commands.device))
    .where(and(inArray(commands.name, ['benchmark', 'tune']), gte(commands.issuedAtMs, sinceMs)))
    .orderBy(asc(commands.issuedAtMs), asc(commands.id));
  return rows.map((row) => ({ ...row, isOpen: open.includes(row.status) }));
}

/** Captures that have arrived. */
export async function capturesKept(db: Queryable): Promise<{ manifest: string; release: string; finishedAtMs: number }[]> {
  const manifest = sql<string>`${commands.result} -> 'upload' ->> 'manifest'`;
  return db
    .select({
      manifest,
      release: sql<string>`${commands.result} ->> 'release'`,
      finishedAtMs: sql<number>`${commands.finishedAtMs}`.mapWith(Number),
    })
    .from(commands)
    .where(and(eq(commands.name, 'capture'), eq(commands.status, 'done'), isNotNull(manifest)));
}

export async function selectCommands(db: Queryable, device: string, { limit, offset }: { limit: number; offset: number }) {
  const where = eq(commands.device, device);
  const rows = await db.select().from(commands).where(where).orderBy(desc(commands.issuedAtMs)).limit(limit).offset(offset);
  const [total] = await db.select({ value: count() }).from(commands).where(where);
  return { items: rows.map(toCommandView), total: total?.value ?? 0 };
}

/** What became of one command on all devices. */
export async function selectNamedCommands(
  db: Queryable,
  {
    name,
    status,
    newest,
    limit,
    offset,
  }: { name: string; status?: CommandRow['status'] | undefined; newest: boolean; limit: number; offset: number },
): Promise<{ items: NamedCommandView[]; total: number }> {
  const later = sql`exists (select 1 from commands later where later.device = ${commands.device} and later.name = ${commands.name}
    and (later.issued_at_ms, later.id) > (${commands.issuedAtMs}, ${commands.id}))`;
  const where = and(
    eq(commands.name, name),
    status === undefined ? undefined : eq(commands.status, status),
    newest ? not(later) : undefined,
  );
  const rows = await db
    .select({ command: commands, deviceName: devices.name, online: devices.online })
    .from(commands)
    .innerJoin(devices, eq(devices.id, commands.device))
    .where(where)
    .orderBy(desc(commands.issuedAtMs), desc(commands.id))
    .limit(limit)
    .offset(offset);
  const [total] = await db.select({ value: count() }).from(commands).where(where);
  return { items: rows.map(({ command, ...rest }) => ({ ...toCommandView(command), ...rest })), total: total?.value ?? 0 };
}

export function toCommandView({ blobs: _blobs, ...row }: CommandRow): CommandView {
  return row as CommandView;
}

/** Takes away all commands of devices that are going to be deleted. */
export async function forgetCommands(db: Queryable, ids: readonly string[]): Promise<void> {
  await db.delete(commandBatchTargets).where(inArray(commandBatchTargets.device, [...ids]));
  await db.delete(commands).where(inArray(commands.device, [...ids]));
}
