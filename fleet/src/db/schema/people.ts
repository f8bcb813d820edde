import { bigint, index, jsonb, pgTable, text } from 'drizzle-orm/pg-core';

/** API tokens: only the SHA-256 of the secret is kept. */
export const apiTokens = pgTable('api_tokens', {
  id: text('id').primaryKey(),
  secretDigest: text('secret_digest').notNull(),
  name: text('name').notNull(),
  role: text('role').$type<'viewer' | 'operator' | 'admin'>().notNull(),
  /** Null: everything that the role may. */
  scopes: jsonb('scopes').$type<string[]>(),
  owner: text('owner').notNull(),
  createdAtMs: bigint('created_at_ms', { mode: 'number' }).notNull(),
  expiresAtMs: bigint('expires_at_ms', { mode: 'number' }),
  lastUsedAtMs: bigint('last_used_at_ms', { mode: 'number' }),
  revokedAtMs: bigint('revoked_at_ms', { mode: 'number' }),
});

/** One line for each change, written in the transaction that makes it. */
export const auditEntries = pgTable(
  'audit_entries',
  {
    id: bigint('id', { mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    atMs: bigint('at_ms', { mode: 'number' }).notNull(),
    actor: text('actor').notNull(),
    action: text('action').notNull(),
    subject: text('subject').notNull(),
    detail: jsonb('detail').$type<Record<string, unknown>>().notNull().default({}),
  },
  (table) => [index('audit_entries_at').on(table.atMs)],
);
