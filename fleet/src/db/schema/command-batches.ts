import { bigint, index, integer, jsonb, pgTable, primaryKey, real, text } from 'drizzle-orm/pg-core';
import { commands, devices } from './devices.ts';

/** Commands for many devices. */
export const commandBatches = pgTable(
  'command_batches',
  {
    id: text('id').primaryKey(),
    name: text('name').notNull(),
    arguments: jsonb('arguments').$type<Record<string, unknown>>().notNull(),
    select: text('select').notNull(),
    maxInFlight: integer('max_in_flight').notNull(),
    stopPercent: real('stop_percent').notNull(),
    stopMinimum: integer('stop_minimum').notNull(),
    lifeMinutes: integer('life_minutes').notNull(),
    state: text('state').$type<'running' | 'done' | 'stopped' | 'cancelled'>().notNull(),
    reason: text('reason'),
    total: integer('total').notNull(),
    createdAtMs: bigint('created_at_ms', { mode: 'number' }).notNull(),
    createdBy: text('created_by').notNull(),
    finishedAtMs: bigint('finished_at_ms', { mode: 'number' }),
  },
  (table) => [index('command_batches_created').on(table.createdAtMs)],
);

/** The devices that a selector meant when the batch was made. What became of the command stands with the command. */
export const commandBatchTargets = pgTable(
  'command_batch_targets',
  {
    batch: text('batch')
      .notNull()
      .references(() => commandBatches.id),
    device: text('device')
      .notNull()
      .references(() => devices.id),
    /** Null until it is its turn. */
    command: text('command').references(() => commands.id),
  },
  (table) => [primaryKey({ columns: [table.batch, table.device] }), index('command_batch_targets_command').on(table.command)],
);
