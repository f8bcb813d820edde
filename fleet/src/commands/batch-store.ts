import { type BatchFailure, type BatchTargetState, type BatchTargetView, type PageQuery, StarlingError } from '@starling/shared';
import { and, asc, count, desc, eq, inArray, isNull, type SQL, sql } from 'drizzle-orm';
import type { Queryable } from '../db/index.ts';
import { commandBatches, commandBatchTargets, commands, devices } from '../db/schema/index.ts';

export type BatchRow = typeof commandBatches.$inferSelect;

/** @returns devices that it is for */
export async function insertBatch(db: Queryable, row: Omit<BatchRow, 'total'>, where: SQL): Promise<number> {
  await db.insert(commandBatches).values({ ...row, total: 0 });
  const inserted = await db.execute<{ total: number }>(sql`
    with taken as (
      insert into ${commandBatchTargets} (batch, device)
      select ${row.id}, ${devices.id} from ${devices} where ${devices.status} = 'active' and ${where} returning 1)
    select count(*)::int as total from taken`);
  const total = inserted[0]?.total ?? 0;
  await db.update(commandBatches).set({ total }).where(eq(commandBatches.id, row.id));
  return total;
}

export async function batchById(db: Queryable, id: string): Promise<BatchRow | undefined> {
  const [row] = await db.select().from(commandBatches).where(eq(commandBatches.id, id));
  return row;
}

export async function runningBatches(db: Queryable): Promise<BatchRow[]> {
  return db.select().from(commandBatches).where(eq(commandBatches.state, 'running')).orderBy(asc(commandBatches.createdAtMs));
}

export async function selectBatches(
  db: Queryable,
  { limit, offset, name }: PageQuery & { name?: string | undefined },
): Promise<{ rows: BatchRow[]; total: number }> {
  const where = name === undefined ? undefined : eq(commandBatches.name, name);
  const rows = await db.select().from(commandBatches).where(where).orderBy(desc(commandBatches.createdAtMs)).limit(limit).offset(offset);
  const [total] = await db.select({ value: count() }).from(commandBatches).where(where);
  return { rows, total: total?.value ?? 0 };
}

/** @returns the row if it was running: what has ended stays as it is */
export async function endBatch(
  db: Queryable,
  id: string,
  end: Pick<BatchRow, 'state' | 'reason' | 'finishedAtMs'>,
): Promise<BatchRow | undefined> {
  const [row] = await db
    .update(commandBatches)
    .set(end)
    .where(and(eq(commandBatches.id, id), eq(commandBatches.state, 'running')))
    .returning();
  return row;
}

export interface Tally {
  counts: Partial<Record<BatchTargetState, number>>;
  /** Sent to devices that are connected, and not answered. */
  inFlight: number;
}

/** Where the devices of batches are. */
export async function talliesOf(db: Queryable, ids: readonly string[]): Promise<Map<string, Tally>> {
  if (ids.length === 0) return new Map();
  const rows = await db
    .select({
      batch: commandBatchTargets.batch,
      state: sql<BatchTargetState>`coalesce(${commands.status}, 'waiting')`,
      online: devices.online,
      value: count(),
    })
    .from(commandBatchTargets)
    .innerJoin(devices, eq(devices.id, commandBatchTargets.device))
    .leftJoin(commands, eq(commands.id, commandBatchTargets.command))
    .where(inArray(commandBatchTargets.batch, [...ids]))
    .groupBy(commandBatchTargets.batch, commands.status, devices.online);
  const tallies = new Map<string, Tally>(ids.map((id) => [id, { counts: {}, inFlight: 0 }]));
  for (const { batch, state, online, value } of rows) {
    const tally = tallies.get(batch) as Tally;
    tally.counts[state] = (tally.counts[state] ?? 0) + value;
    if (online && (['queued', 'sent', 'accepted', 'progress'] as BatchTargetState[]).includes(state)) tally.inFlight += value;
  }
  return tallies;
}

/** The next devices whose turn it is: those that are connected, and then those that are away, which hold nobody up. */
export async function nextDevices(db: Queryable, batch: string, isOnline: boolean, limit: number): Promise<string[]> {
  const rows = await db
    .select({ device: commandBatchTargets.device })
    .from(commandBatchTargets)
    .innerJoin(devices, eq(devices.id, commandBatchTargets.device))
    .where(and(eq(commandBatchTargets.batch, batch), isNull(commandBatchTargets.command), eq(devices.online, isOnline)))
    .orderBy(asc(commandBatchTargets.device))
    .limit(limit);
  return rows.map(({ device }) => device);
}

/** @throws StarlingError `turn-taken` */
export async function takeTurn(db: Queryable, batch: string, device: string, command: string): Promise<void> {
  const taken = await db
    .update(commandBatchTargets)
    .set({ command })
    .where(and(eq(commandBatchTargets.batch, batch), eq(commandBatchTargets.device, device), isNull(commandBatchTargets.command)))
    .returning({ device: commandBatchTargets.device });
  // Attack on exactly once: two processes that both think they are the one that sends.
  if (taken.length === 0) throw new StarlingError('turn-taken', `${device} has had its command`);
}

/** Commands of a batch that are open. */
export async function openOfBatch(db: Queryable, batch: string): Promise<string[]> {
  const rows = await db
    .select({ id: commands.id })
    .from(commandBatchTargets)
    .innerJoin(commands, eq(commands.id, commandBatchTargets.command))
    .where(and(eq(commandBatchTargets.batch, batch), inArray(commands.status, ['queued', 'sent', 'accepted', 'progress'])));
  return rows.map(({ id }) => id);
}

export async function selectTargets(
  db: Queryable,
  batch: string,
  { limit, offset, state }: PageQuery & { state?: BatchTargetState | undefined },
): Promise<{ items: BatchTargetView[]; total: number }> {
  const status = sql<BatchTargetState>`coalesce(${commands.status}, 'waiting')`;
  const where = and(eq(commandBatchTargets.batch, batch), state === undefined ? undefined : sql`${status} = ${state}`);
  const joined = () =>
    db
      .select({
        device: devices.id,
        name: devices.name,
        online: devices.online,
        state: status,
        command: commandBatchTargets.command,
        result: commands.result,
        error: commands.error,
        finishedAtMs: commands.finishedAtMs,
      })
      .from(commandBatchTargets)
      .innerJoin(devices, eq(devices.id, commandBatchTargets.device))
      .leftJoin(commands, eq(commands.id, commandBatchTargets.command))
      .where(where);
  const items = await joined().orderBy(sql`${commands.finishedAtMs} desc nulls last`, asc(devices.id)).limit(limit).offset(offset);
  const [total] = await db.select({ value: count() }).from(joined().as('joined'));
  return { items: items as BatchTargetView[], total: total?.value ?? 0 };
}

/** What devices answered that failed, by its code. Those that never answered have none, and are told by their state. */
export async function selectFailures(
  db: Queryable,
  batch: string,
  { limit, offset }: PageQuery,
): Promise<{ items: BatchFailure[]; total: number }> {
  const grouped = () =>
    db
      .select({
        code: sql<string>`coalesce(${commands.error} ->> 'code', '')`.as('code'),
        devices: count().as('devices'),
        example: sql<string>`coalesce(min(${commands.error} ->> 'message'), '')`.as('example'),
      })
      .from(commandBatchTargets)
      .innerJoin(commands, eq(commands.id, commandBatchTargets.command))
      .where(and(eq(commandBatchTargets.batch, batch), eq(commands.status, 'failed')))
      .groupBy(sql`1`);
  const items = await grouped().orderBy(sql`2 desc, 1`).limit(limit).offset(offset);
  const [total] = await db.select({ value: count() }).from(grouped().as('grouped'));
  return { items, total: total?.value ?? 0 };
}
