import type { RolloutTargetView, TargetState } from '@starling/shared';
import { and, asc, count, eq, ilike, or, sql } from 'drizzle-orm';
import type { Queryable } from '../db/index.ts';
import { devices, rolloutTargets } from '../db/schema/index.ts';

export interface TargetFilter {
  limit: number;
  offset: number;
  state?: TargetState | undefined;
  wave?: number | undefined;
  search?: string | undefined;
}

/** One page of the targets of a rollout, in the order of starting, with what each device says of it. */
export async function listTargets(
  db: Queryable,
  rollout: string,
  filter: TargetFilter,
): Promise<{ items: RolloutTargetView[]; total: number }> {
  const { state, wave, search } = filter;
  const t = rolloutTargets;
  const where = and(
    eq(t.rollout, rollout),
    state === undefined ? undefined : eq(t.state, state),
    wave === undefined ? undefined : eq(t.wave, wave),
    search === undefined ? undefined : or(ilike(devices.name, `%${search}%`), ilike(devices.id, `%${search}%`)),
  );
  // What it says of another desired state is about something else.
  const phase = sql<
    string | null
  >`case when (${devices.reported}->>'generation')::int = ${t.generation} and (${devices.reported}->>'epoch')::int = ${t.epoch} then ${devices.reported}->>'phase' end`;
  const items = await db
    .select({
      ...{ device: t.device, name: devices.name, profile: devices.profile, online: devices.online, state: t.state, wave: t.wave },
      ...{ attempt: t.attempt, phase, previousRelease: t.previousRelease, bytes: t.bytes, failureKind: t.failureKind, code: t.code },
      ...{ message: t.message, startedAtMs: t.startedAtMs, deadlineMs: t.deadlineMs, finishedAtMs: t.finishedAtMs },
    })
    .from(t)
    .innerJoin(devices, eq(devices.id, t.device))
    .where(where)
    .orderBy(asc(t.position), asc(t.device))
    .limit(filter.limit)
    .offset(filter.offset);
  const counted = db.select({ value: count() }).from(t);
  const [total] = await (search === undefined ? counted : counted.innerJoin(devices, eq(devices.id, t.device))).where(where);
  return { items, total: total?.value ?? 0 };
}
