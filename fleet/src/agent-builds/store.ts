import { count, desc, eq } from 'drizzle-orm';
import type { Queryable } from '../db/index.ts';
import { agentBuilds } from '../db/schema/index.ts';

export type AgentBuildRow = typeof agentBuilds.$inferSelect;

/** @returns false if there is one of this version, or the very same */
export async function insertAgentBuild(db: Queryable, row: AgentBuildRow): Promise<boolean> {
  return (await db.insert(agentBuilds).values(row).onConflictDoNothing().returning({ digest: agentBuilds.digest })).length > 0;
}

export async function agentBuildByDigest(db: Queryable, digest: string): Promise<AgentBuildRow | undefined> {
  const [row] = await db.select().from(agentBuilds).where(eq(agentBuilds.digest, digest));
  return row;
}

export async function allAgentBuilds(db: Queryable): Promise<AgentBuildRow[]> {
  return db.select().from(agentBuilds);
}

export async function selectAgentBuilds(db: Queryable, { limit, offset }: { limit: number; offset: number }) {
  const rows = await db
    .select()
    .from(agentBuilds)
    .orderBy(desc(agentBuilds.createdAtMs), desc(agentBuilds.digest))
    .limit(limit)
    .offset(offset);
  const [total] = await db.select({ value: count() }).from(agentBuilds);
  return { rows, total: total?.value ?? 0 };
}
