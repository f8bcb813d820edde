import { bigint, index, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';
import { apiTokens } from './people.ts';

/** Accounts of people's own MQTT tools. The password is the text of the token. */
export const operatorAccounts = pgTable('operator_accounts', {
  name: text('name').primaryKey(),
  token: text('token')
    .notNull()
    .references(() => apiTokens.id),
  /** Null: all devices. */
  select: text('select'),
  createdAtMs: bigint('created_at_ms', { mode: 'number' }).notNull(),
});

/** What they asked for, so that the same request does nothing twice and its answers find their way. */
export const operatorRequests = pgTable(
  'operator_requests',
  {
    account: text('account').notNull(),
    request: text('request').notNull(),
    /** Of name and payload: another request under a known id is a mistake. */
    digest: text('digest').notNull(),
    name: text('name').notNull(),
    /** One of the two, written in the transaction that makes it. */
    command: text('command'),
    batch: text('batch'),
    createdAtMs: bigint('created_at_ms', { mode: 'number' }).notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.account, table.request] }),
    index('operator_requests_command').on(table.command),
    index('operator_requests_batch').on(table.batch),
    index('operator_requests_created').on(table.createdAtMs),
  ],
);
