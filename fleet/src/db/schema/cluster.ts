import { bigint, index, pgTable, text } from 'drizzle-orm/pg-core';

const ms = (name: string) => bigint(name, { mode: 'number' });

/** Who does what only one process may do, and until when: processes, shards, duties. By the clock of the database, the one that all share. */
export const leases = pgTable('leases', {
  name: text('name').primaryKey(),
  owner: text('owner').notNull(),
  expiresAtMs: ms('expires_at_ms').notNull(),
});

/** Keys that all processes of a fleet share, sealed under its cluster secret. */
export const fleetSecrets = pgTable('fleet_secrets', {
  name: text('name').primaryKey(),
  sealed: text('sealed').notNull(),
  createdAtMs: ms('created_at_ms').notNull(),
});

/** Login nonces that were used, until they end by themselves. */
export const usedNonces = pgTable(
  'used_nonces',
  { nonce: text('nonce').primaryKey(), expiresAtMs: ms('expires_at_ms').notNull() },
  (table) => [index('used_nonces_expires').on(table.expiresAtMs)],
);
