import { bigint, pgTable, text } from 'drizzle-orm/pg-core';

/** Saved selectors. Which devices belong to a group is asked anew each time. */
export const deviceGroups = pgTable('device_groups', {
  name: text('name').primaryKey(),
  description: text('description').notNull().default(''),
  selector: text('selector').notNull(),
  createdAtMs: bigint('created_at_ms', { mode: 'number' }).notNull(),
  changedAtMs: bigint('changed_at_ms', { mode: 'number' }).notNull(),
  changedBy: text('changed_by').notNull(),
});
