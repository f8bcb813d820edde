import type { RolloutState } from '@starling/shared';
import { and, asc, count, desc, eq, inArray, lt, or, type SQL, sql } from 'drizzle-orm';
import type { Queryable, Transaction } from '../db/index.ts';
import { rolloutApprovals, rolloutEvents, rollouts, rolloutTargets } from '../db/schema/index.ts';
import { openStates } from './states.ts';

export type RolloutRow = typeof rollouts.$inferSelect;
export type EventRow = typeof rolloutEvents.$inferSelect;
export type ApprovalRow = typeof rolloutApprovals.$inferSelect;

/** A line of the timeline before it has a number. */
export interface NewEvent {
  kind: string;
  actor: string;
  text: string;
  detail?: Record<string, unknown>;
}

export async function insertRollout(tx: Transaction, row: typeof rollouts.$inferInsert): Promise<void> {
  await tx.insert(rollouts).values(row);
}

/** One creation at a time: two that begin together must see each other's devices. Held until the transaction ends. */
export async function lockCreation(tx: Transaction): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtext('starling.rollouts.create'))`);
}

/** By id, else the newest of that name. */
export async function findRollout(db: Queryable, reference: string): Promise<RolloutRow | undefined> {
  const [row] = await db
    .select()
    .from(rollouts)
    .where(or(eq(rollouts.id, reference), eq(rollouts.name, reference)))
    .orderBy(desc(eq(rollouts.id, reference)), desc(rollouts.createdAtMs), desc(rollouts.id))
    .limit(1);
  return row;
}

/** Those that the runner looks after, the most urgent first. */
export async function openRollouts(db: Queryable): Promise<RolloutRow[]> {
  return db
    .select()
    .from(rollouts)
    .where(inArray(rollouts.state, [...openStates]))
    .orderBy(desc(rollouts.priority), asc(rollouts.createdAtMs), asc(rollouts.id));
}

export interface RolloutFilter {
  limit: number;
  offset: number;
  state?: RolloutState | undefined;
  open?: boolean | undefined;
  device?: string | undefined;
}

export async function listRollouts(db: Queryable, filter: RolloutFilter): Promise<{ rows: RolloutRow[]; total: number }> {
  const { state, open, device } = filter;
  const conditions: (SQL | undefined)[] = [
    state === undefined ? undefined : eq(rollouts.state, state),
    open === undefined ? undefined : sql`${inArray(rollouts.state, [...openStates])} = ${open}`,
    device === undefined
      ? undefined
      : sql`exists (select 1 from ${rolloutTargets} where ${rolloutTargets.rollout} = ${rollouts.id} and ${rolloutTargets.device} = ${device})`,
  ];
  const where = and(...conditions);
  const rows = await db
    .select()
    .from(rollouts)
    .where(where)
    .orderBy(desc(rollouts.createdAtMs), desc(rollouts.id))
    .limit(filter.limit)
    .offset(filter.offset);
  const [total] = await db.select({ value: count() }).from(rollouts).where(where);
  return { rows, total: total?.value ?? 0 };
}

/** Takes or renews the lease of a runner. @returns the row as it is now; undefined where another runner has it */
export async function takeLease(db: Queryable, id: string, owner: string, nowMs: number, leaseMs: number): Promise<RolloutRow | undefined> {
  const [row] = await db
    .update(rollouts)
    .set({ leaseOwner: owner, leaseUntilMs: nowMs + leaseMs })
    .where(and(eq(rollouts.id, id), or(eq(rollouts.leaseOwner, owner), lt(rollouts.leaseUntilMs, nowMs))))
    .returning();
  return row;
}

/** What a process held that has ended is free at once. */
export async function releaseLeases(db: Queryable, owner: string): Promise<void> {
  await db.update(rollouts).set({ leaseOwner: null, leaseUntilMs: 0 }).where(eq(rollouts.leaseOwner, owner));
}

/**
 * Claims the right to change a rollout, until the transaction ends: nobody has changed it since `version` was read.
 * @returns false if somebody has; then nothing may be written
 */
export async function claimVersion(tx: Transaction, { id, version }: Pick<RolloutRow, 'id' | 'version'>): Promise<boolean> {
  const claimed = await tx
    .update(rollouts)
    .set({ version: sql`${rollouts.version} + 1` })
    .where(and(eq(rollouts.id, id), eq(rollouts.version, version)))
    .returning({ id: rollouts.id });
  return claimed.length > 0;
}

/** Reads a rollout and keeps it from changing until the transaction ends. */
export async function lockRollout(tx: Transaction, id: string): Promise<RolloutRow | undefined> {
  const [row] = await tx.select().from(rollouts).where(eq(rollouts.id, id)).for('update');
  return row;
}

export async function writeRollout(tx: Transaction, id: string, change: Partial<typeof rollouts.$inferInsert>): Promise<void> {
  await tx.update(rollouts).set(change).where(eq(rollouts.id, id));
}

/** Adds to the timeline, in the transaction of what it tells. */
export async function appendEvents(tx: Transaction, rollout: string, atMs: number, events: readonly NewEvent[]): Promise<void> {
  if (events.length === 0) return;
  const [counted] = await tx
    .update(rollouts)
    .set({ events: sql`${rollouts.events} + ${events.length}` })
    .where(eq(rollouts.id, rollout))
    .returning({ events: rollouts.events });
  const first = (counted?.events ?? events.length) - events.length;
  await tx
    .insert(rolloutEvents)
    .values(events.map(({ detail = {}, ...event }, index) => ({ rollout, sequence: first + index + 1, atMs, detail, ...event })));
}

/** What ended rollouts before they were done, in the words of the timeline, with who did it where that was a person. */
export async function endingsOf(db: Queryable, ids: readonly string[]): Promise<Map<string, string>> {
  if (ids.length === 0) return new Map();
  const endings = ['abort', 'stop', 'rollback'];
  const rows = await db
    .select({ rollout: rolloutEvents.rollout, actor: rolloutEvents.actor, text: rolloutEvents.text })
    .from(rolloutEvents)
    .where(and(inArray(rolloutEvents.rollout, [...ids]), inArray(rolloutEvents.kind, endings)))
    .orderBy(asc(rolloutEvents.rollout), asc(rolloutEvents.sequence));
  const told = Map.groupBy(rows, ({ rollout }) => rollout);
  const words = ({ actor, text }: (typeof rows)[number]): string => (actor === 'fleet' ? text : `${text}, by ${actor}`);
  return new Map([...told].map(([rollout, events]) => [rollout, events.map(words).join('; then ')]));
}

export async function listEvents(db: Queryable, rollout: string, { limit, offset }: { limit: number; offset: number }) {
  const where = eq(rolloutEvents.rollout, rollout);
  const items = await db.select().from(rolloutEvents).where(where).orderBy(desc(rolloutEvents.sequence)).limit(limit).offset(offset);
  const [total] = await db.select({ value: count() }).from(rolloutEvents).where(where);
  return { items: items.map(({ rollout: _rollout, ...event }) => event), total: total?.value ?? 0 };
}

/** @returns false if this person has approved the step before */
export async function insertApproval(tx: Transaction, row: ApprovalRow): Promise<boolean> {
  const added = await tx.insert(rolloutApprovals).values(row).onConflictDoNothing().returning({ person: rolloutApprovals.person });
  return added.length > 0;
}

export async function approvalsOf(db: Queryable, rollout: string): Promise<ApprovalRow[]> {
  return db.select().from(rolloutApprovals).where(eq(rolloutApprovals.rollout, rollout)).orderBy(asc(rolloutApprovals.atMs));
}
