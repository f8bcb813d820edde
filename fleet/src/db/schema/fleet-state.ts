import { bigint, integer, jsonb, pgTable, text } from 'drizzle-orm/pg-core';

/** Facts of which there is one: fleet id, epoch, versions. Key -> value. */
export const fleetState = pgTable('fleet_state', {
  key: text('key').primaryKey(),
  value: jsonb('value').notNull(),
  updatedAtMs: bigint('updated_at_ms', { mode: 'number' }).notNull(),
});

/** Signed root documents, oldest first; devices walk from the pinned one to the newest. */
export const trustRoots = pgTable('trust_roots', {
  version: integer('version').primaryKey(),
  digest: text('digest').notNull().unique(),
  signed: text('signed').notNull(),
  createdAtMs: bigint('created_at_ms', { mode: 'number' }).notNull(),
});
