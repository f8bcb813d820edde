import type { AgentBuild } from '@starling/shared';
import { bigint, jsonb, pgTable, text } from 'drizzle-orm/pg-core';

/** Signed bytes exactly as they were signed, under their SHA-256. */
export const agentBuilds = pgTable('agent_builds', {
  digest: text('digest').primaryKey(),
  version: text('version').notNull().unique(),
  signed: text('signed').notNull(),
  document: jsonb('document').$type<AgentBuild>().notNull(),
  createdAtMs: bigint('created_at_ms', { mode: 'number' }).notNull(),
  createdBy: text('created_by').notNull(),
});
