import type { Actor, AuditEntry } from '@starling/shared';
import { count, desc, ilike, or } from 'drizzle-orm';
import type { Queryable } from '../db/index.ts';
import { auditEntries } from '../db/schema/index.ts';
import type { Clock } from '../ports.ts';

/** Writes an entry with the change itself: pass the transaction, so that neither exists without the other. */
export async function appendAudit(
  db: Queryable,
  clock: Clock,
  actor: Pick<Actor, 'name'>,
  action: string,
  subject: string,
  detail: Record<string, unknown> = {},
): Promise<void> {
  await db.insert(auditEntries).values({ atMs: clock.nowMs(), actor: actor.name, action, subject, detail });
}

export async function listAudit(
  db: Queryable,
  { limit, offset, search }: { limit: number; offset: number; search?: string | undefined },
): Promise<{ items: AuditEntry[]; total: number }> {
  const pattern = `%${search ?? ''}%`;
  const where =
    search === undefined
      ? undefined
      : or(ilike(auditEntries.action, pattern), ilike(auditEntries.subject, pattern), ilike(auditEntries.actor, pattern));
  const items = await db.select().from(auditEntries).where(where).orderBy(desc(auditEntries.id)).limit(limit).offset(offset);
  const [total] = await db.select({ value: count() }).from(auditEntries).where(where);
  return { items, total: total?.value ?? 0 };
}
