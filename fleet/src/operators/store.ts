import type { OperatorAccount } from '@starling/shared';
import { and, asc, count, desc, eq, gte, inArray, isNotNull, lt, lte, or } from 'drizzle-orm';
import { toApiToken } from '../auth/index.ts';
import type { Queryable } from '../db/index.ts';
import { apiTokens, commandBatches, commandBatchTargets, commands, operatorAccounts, operatorRequests } from '../db/schema/index.ts';

export type AccountRow = typeof operatorAccounts.$inferSelect;
export type RequestRow = typeof operatorRequests.$inferSelect;

/** @returns whether the name was free */
export async function insertAccount(db: Queryable, row: AccountRow): Promise<boolean> {
  return (await db.insert(operatorAccounts).values(row).onConflictDoNothing().returning({ name: operatorAccounts.name })).length > 0;
}

export async function accountByName(db: Queryable, name: string): Promise<AccountRow | undefined> {
  const [row] = await db.select().from(operatorAccounts).where(eq(operatorAccounts.name, name));
  return row;
}

export async function selectAccounts(db: Queryable, { limit, offset }: { limit: number; offset: number }) {
  const rows = await db
    .select()
    .from(operatorAccounts)
    .innerJoin(apiTokens, eq(apiTokens.id, operatorAccounts.token))
    .orderBy(desc(operatorAccounts.createdAtMs), desc(operatorAccounts.name))
    .limit(limit)
    .offset(offset);
  const [total] = await db.select({ value: count() }).from(operatorAccounts);
  const items = rows.map(({ operator_accounts: { name, select }, api_tokens: row }): OperatorAccount => {
    const { id: token, name: _name, ...rest } = toApiToken(row);
    return { ...rest, name, token, select };
  });
  return { items, total: total?.value ?? 0 };
}

/** One whose owner may do nothing for a time is none of them: its password would be good again. */
export async function selectEnded(db: Queryable, names: readonly string[], nowMs: number): Promise<string[]> {
  const rows = await db
    .select({ name: operatorAccounts.name })
    .from(operatorAccounts)
    .innerJoin(apiTokens, eq(apiTokens.id, operatorAccounts.token))
    .where(and(inArray(operatorAccounts.name, [...names]), or(isNotNull(apiTokens.revokedAtMs), lte(apiTokens.expiresAtMs, nowMs))));
  return rows.map(({ name }) => name);
}

/** @returns false if this account has used the id before */
export async function insertRequest(db: Queryable, row: RequestRow): Promise<boolean> {
  return (await db.insert(operatorRequests).values(row).onConflictDoNothing().returning({ request: operatorRequests.request })).length > 0;
}

export async function requestOf(db: Queryable, account: string, request: string): Promise<RequestRow | undefined> {
  const [row] = await db
    .select()
    .from(operatorRequests)
    .where(and(eq(operatorRequests.account, account), eq(operatorRequests.request, request)));
  return row;
}

/** The newest ones, in the order in which they came. */
export async function requestsSince(db: Queryable, atMs: number): Promise<RequestRow[]> {
  return db.select().from(operatorRequests).where(gte(operatorRequests.createdAtMs, atMs)).orderBy(asc(operatorRequests.createdAtMs));
}

/** The request that a command, or a command for many, was made for. */
export async function requestBehind(db: Queryable, id: string): Promise<{ request: RequestRow; isPart: boolean } | undefined> {
  const [single] = await db.select().from(operatorRequests).where(eq(operatorRequests.command, id));
  if (single !== undefined) return { request: single, isPart: false };
  const [whole] = await db.select().from(operatorRequests).where(eq(operatorRequests.batch, id));
  if (whole !== undefined) return { request: whole, isPart: false };
  const [part] = await db
    .select({ request: operatorRequests })
    .from(commandBatchTargets)
    .innerJoin(operatorRequests, eq(operatorRequests.batch, commandBatchTargets.batch))
    .where(eq(commandBatchTargets.command, id));
  return part === undefined ? undefined : { ...part, isPart: true };
}

/** Commands and commands for many of requests that may still be answered. */
export async function openWork(db: Queryable): Promise<{ commands: string[]; batches: string[] }> {
  const single = await db
    .select({ id: commands.id })
    .from(operatorRequests)
    .innerJoin(commands, eq(commands.id, operatorRequests.command))
    .where(inArray(commands.status, ['queued', 'sent', 'accepted', 'progress']));
  const whole = await db
    .select({ id: commandBatches.id })
    .from(operatorRequests)
    .innerJoin(commandBatches, eq(commandBatches.id, operatorRequests.batch))
    .where(and(isNotNull(operatorRequests.batch), eq(commandBatches.state, 'running')));
  return { commands: single.map(({ id }) => id), batches: whole.map(({ id }) => id) };
}

export async function deleteRequestsBefore(db: Queryable, atMs: number): Promise<void> {
  await db.delete(operatorRequests).where(lt(operatorRequests.createdAtMs, atMs));
}
