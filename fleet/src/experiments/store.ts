import type { ExperimentLook, ExperimentState } from '@starling/shared';
import { and, asc, count, desc, eq, inArray, lt, or, type SQL, sql } from 'drizzle-orm';
import type { Queryable, Transaction } from '../db/index.ts';
import { experimentEvents, experimentLooks, experiments } from '../db/schema/index.ts';
import { activeStates, openStates } from './states.ts';

export type ExperimentRow = typeof experiments.$inferSelect;

/** A line of the timeline before it has a number. */
export interface NewEvent {
  kind: string;
  actor: string;
  text: string;
  detail?: Record<string, unknown>;
}

/** One creation at a time: two that begin together must see each other's devices. Held until the transaction ends. */
export async function lockCreation(tx: Transaction): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtext('starling.experiments.create'))`);
}

export async function insertExperiment(tx: Transaction, row: typeof experiments.$inferInsert): Promise<void> {
  await tx.insert(experiments).values(row);
}

/** By id, else the newest of that name. */
export async function findExperiment(db: Queryable, reference: string): Promise<ExperimentRow | undefined> {
  const [row] = await db
    .select()
    .from(experiments)
    .where(or(eq(experiments.id, reference), eq(experiments.name, reference)))
    .orderBy(desc(eq(experiments.id, reference)), desc(experiments.createdAtMs), desc(experiments.id))
    .limit(1);
  return row;
}

/** Those that the runner looks after. */
export async function activeExperiments(db: Queryable): Promise<ExperimentRow[]> {
  return db
    .select()
    .from(experiments)
    .where(inArray(experiments.state, [...activeStates]))
    .orderBy(asc(experiments.createdAtMs), asc(experiments.id));
}

export async function openNamed(db: Queryable, name: string): Promise<ExperimentRow | undefined> {
  const [row] = await db
    .select()
    .from(experiments)
    .where(and(eq(experiments.name, name), inArray(experiments.state, [...openStates])));
  return row;
}

export interface ExperimentFilter {
  limit: number;
  offset: number;
  state?: ExperimentState | undefined;
  open?: boolean | undefined;
}

export async function listExperiments(db: Queryable, filter: ExperimentFilter): Promise<{ rows: ExperimentRow[]; total: number }> {
  const { state, open } = filter;
  const conditions: (SQL | undefined)[] = [
    state === undefined ? undefined : eq(experiments.state, state),
    open === undefined ? undefined : sql`${inArray(experiments.state, [...openStates])} = ${open}`,
  ];
  const where = and(...conditions);
  const rows = await db
    .select()
    .from(experiments)
    .where(where)
    .orderBy(desc(experiments.createdAtMs), desc(experiments.id))
    .limit(filter.limit)
    .offset(filter.offset);
  const [total] = await db.select({ value: count() }).from(experiments).where(where);
  return { rows, total: total?.value ?? 0 };
}

/** Takes or renews the lease of a runner. @returns the row as it is now; undefined where another runner has it */
export async function takeLease(
  db: Queryable,
  id: string,
  owner: string,
  nowMs: number,
  leaseMs: number,
): Promise<ExperimentRow | undefined> {
  const [row] = await db
    .update(experiments)
    .set({ leaseOwner: owner, leaseUntilMs: nowMs + leaseMs })
    .where(and(eq(experiments.id, id), or(eq(experiments.leaseOwner, owner), lt(experiments.leaseUntilMs, nowMs))))
    .returning();
  return row;
}

export async function releaseLeases(db: Queryable, owner: string): Promise<void> {
  await db.update(experiments).set({ leaseOwner: null, leaseUntilMs: 0 }).where(eq(experiments.leaseOwner, owner));
}

/**
 * Claims the right to change an experiment, until the transaction ends: nobody has changed it since `version` was read.
 * @returns false if somebody has; then nothing may be written
 */
export async function claimVersion(tx: Transaction, { id, version }: Pick<ExperimentRow, 'id' | 'version'>): Promise<boolean> {
  const claimed = await tx
    .update(experiments)
    .set({ version: sql`${experiments.version} + 1` })
    .where(and(eq(experiments.id, id), eq(experiments.version, version)))
    .returning({ id: experiments.id });
  return claimed.length > 0;
}

/** Reads an experiment and keeps it from changing until the transaction ends. */
export async function lockExperiment(tx: Transaction, id: string): Promise<ExperimentRow | undefined> {
  const [row] = await tx.select().from(experiments).where(eq(experiments.id, id)).for('update');
  return row;
}

export async function writeExperiment(tx: Queryable, id: string, change: Partial<typeof experiments.$inferInsert>): Promise<void> {
  await tx.update(experiments).set(change).where(eq(experiments.id, id));
}

/** Adds to the timeline, in the transaction of what it tells. */
export async function appendEvents(tx: Transaction, experiment: string, atMs: number, events: readonly NewEvent[]): Promise<void> {
  if (events.length === 0) return;
  const [counted] = await tx
    .update(experiments)
    .set({ events: sql`${experiments.events} + ${events.length}` })
    .where(eq(experiments.id, experiment))
    .returning({ events: experiments.events });
  const first = (counted?.events ?? events.length) - events.length;
  await tx
    .insert(experimentEvents)
    .values(events.map(({ detail = {}, ...event }, index) => ({ experiment, sequence: first + index + 1, atMs, detail, ...event })));
}

export async function listEvents(db: Queryable, experiment: string, { limit, offset }: { limit: number; offset: number }) {
  const where = eq(experimentEvents.experiment, experiment);
  const items = await db.select().from(experimentEvents).where(where).orderBy(desc(experimentEvents.sequence)).limit(limit).offset(offset);
  const [total] = await db.select({ value: count() }).from(experimentEvents).where(where);
  return { items: items.map(({ experiment: _experiment, ...event }) => event), total: total?.value ?? 0 };
}

export async function insertLook(tx: Queryable, experiment: string, look: ExperimentLook): Promise<void> {
  await tx
    .insert(experimentLooks)
    .values({ experiment, ...look })
    .onConflictDoNothing();
}

export async function listLooks(db: Queryable, experiment: string, { limit, offset }: { limit: number; offset: number }) {
  const where = eq(experimentLooks.experiment, experiment);
  const rows = await db.select().from(experimentLooks).where(where).orderBy(desc(experimentLooks.atMs)).limit(limit).offset(offset);
  const [total] = await db.select({ value: count() }).from(experimentLooks).where(where);
  return { items: rows.map(({ atMs, arms }): ExperimentLook => ({ atMs, arms })), total: total?.value ?? 0 };
}

export async function newestLookMs(db: Queryable, experiment: string): Promise<number | null> {
  const [row] = await db
    .select({ atMs: experimentLooks.atMs })
    .from(experimentLooks)
    .where(eq(experimentLooks.experiment, experiment))
    .orderBy(desc(experimentLooks.atMs))
    .limit(1);
  return row?.atMs ?? null;
}
