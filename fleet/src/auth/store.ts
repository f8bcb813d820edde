import { type ApiToken, type Role, roleSchema, type Scope, scopeSchema, type User } from '@starling/shared';
import { and, asc, count, desc, eq, gt, isNull, or } from 'drizzle-orm';
import type { Queryable } from '../db/index.ts';
import * as accountTables from '../db/schema/accounts.ts';
import { apiTokens, session, user } from '../db/schema/index.ts';

/** The tables that better-auth reads and writes itself. */
export { accountTables };

export type TokenRow = typeof apiTokens.$inferSelect;

export async function insertToken(db: Queryable, row: TokenRow): Promise<void> {
  await db.insert(apiTokens).values(row);
}

export interface LiveToken {
  token: TokenRow;
  /** Who made it, as they are now. */
  owner: { role: Role; disabled: boolean } | undefined;
}

export async function liveToken(db: Queryable, id: string, nowMs: number): Promise<LiveToken | undefined> {
  const [row] = await db
    .select()
    .from(apiTokens)
    .leftJoin(user, eq(user.email, apiTokens.owner))
    .where(and(eq(apiTokens.id, id), isNull(apiTokens.revokedAtMs), or(isNull(apiTokens.expiresAtMs), gt(apiTokens.expiresAtMs, nowMs))));
  return row === undefined ? undefined : { token: row.api_tokens, owner: row.user === null ? undefined : toUser(row.user) };
}

/** Whoever made a token by a token answers for both: the person at the start. */
export async function ownerOfToken(db: Queryable, id: string): Promise<string | undefined> {
  const [row] = await db.select({ owner: apiTokens.owner }).from(apiTokens).where(eq(apiTokens.id, id));
  return row?.owner;
}

export async function touchToken(db: Queryable, id: string, nowMs: number): Promise<void> {
  await db.update(apiTokens).set({ lastUsedAtMs: nowMs }).where(eq(apiTokens.id, id));
}

export async function revokeToken(db: Queryable, id: string, nowMs: number): Promise<boolean> {
  const rows = await db
    .update(apiTokens)
    .set({ revokedAtMs: nowMs })
    .where(and(eq(apiTokens.id, id), isNull(apiTokens.revokedAtMs)))
    .returning({ id: apiTokens.id });
  return rows.length > 0;
}

export async function selectTokens(db: Queryable, { limit, offset }: { limit: number; offset: number }) {
  const rows = await db.select().from(apiTokens).orderBy(desc(apiTokens.createdAtMs)).limit(limit).offset(offset);
  const [total] = await db.select({ value: count() }).from(apiTokens);
  return { items: rows.map(toApiToken), total: total?.value ?? 0 };
}

export function toApiToken({ secretDigest: _secret, scopes, ...row }: TokenRow): ApiToken {
  return { ...row, scopes: readScopes(scopes) };
}

/** A scope that this version does not know any more opens nothing. */
export function readScopes(stored: readonly string[] | null): Scope[] | null {
  return stored?.flatMap((text) => scopeSchema.safeParse(text).data ?? []) ?? null;
}

export async function countUsers(db: Queryable): Promise<number> {
  const [row] = await db.select({ value: count() }).from(user);
  return row?.value ?? 0;
}

export async function selectUsers(db: Queryable, { limit, offset }: { limit: number; offset: number }) {
  const rows = await db.select().from(user).orderBy(asc(user.createdAt)).limit(limit).offset(offset);
  return { items: rows.map(toUser), total: await countUsers(db) };
}

export async function userById(db: Queryable, id: string): Promise<User | undefined> {
  const [row] = await db.select().from(user).where(eq(user.id, id));
  return row === undefined ? undefined : toUser(row);
}

export async function setRole(db: Queryable, id: string, role: Role): Promise<void> {
  await db.update(user).set({ role }).where(eq(user.id, id));
}

export async function setDisabled(db: Queryable, id: string, disabled: boolean): Promise<void> {
  await db.update(user).set({ banned: disabled }).where(eq(user.id, id));
  if (disabled) await db.delete(session).where(eq(session.userId, id));
}

export async function activeAdmins(db: Queryable): Promise<number> {
  const rows = await db.select({ role: user.role, banned: user.banned }).from(user).where(eq(user.role, 'admin'));
  return rows.filter((row) => row.banned !== true).length;
}

function toUser(row: typeof user.$inferSelect): User {
  const role = roleSchema.safeParse(row.role).data ?? 'viewer';
  return { id: row.id, email: row.email, name: row.name, role, disabled: row.banned === true, createdAtMs: row.createdAt.getTime() };
}
