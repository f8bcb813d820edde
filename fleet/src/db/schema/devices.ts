import type { Capabilities, ExperimentAssignment, Help, ReportedState } from '@starling/shared';
import { sql } from 'drizzle-orm';
import { bigint, boolean, doublePrecision, index, integer, jsonb, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';

export const devices = pgTable(
  'devices',
  {
    id: text('id').primaryKey(),
    /** Raw Ed25519 public key, base64url. */
    publicKey: text('public_key').notNull().unique(),
    machineIdDigest: text('machine_id_digest').notNull(),
    name: text('name').notNull(),
    labels: jsonb('labels').$type<Record<string, string>>().notNull().default({}),
    status: text('status').$type<'pending' | 'active' | 'revoked'>().notNull(),
    capabilities: jsonb('capabilities').$type<Capabilities>().notNull(),
    profile: text('profile').notNull(),
    profileReason: jsonb('profile_reason').$type<unknown>().notNull(),
    agentVersion: text('agent_version').notNull(),
    operatorVersions: jsonb('operator_versions').$type<Record<string, number>>().notNull().default({}),
    claimTokenId: text('claim_token_id'),
    online: boolean('online').notNull().default(false),
    /** A browser whose page was closed in order since it was last online: nobody waits for it. */
    closed: boolean('closed').notNull().default(false),
    bootId: text('boot_id'),
    streamId: text('stream_id'),
    enrolledAtMs: bigint('enrolled_at_ms', { mode: 'number' }).notNull(),
    lastSeenAtMs: bigint('last_seen_at_ms', { mode: 'number' }),
    reported: jsonb('reported').$type<ReportedState>(),
    reportedAtMs: bigint('reported_at_ms', { mode: 'number' }),
    // What the map of the fleet asks, apart, for the same reason as the next ones.
    site: text('site').generatedAlwaysAs(sql`coalesce(labels ->> 'site', '')`).notNull(),
    phase: text('phase').generatedAlwaysAs(sql`coalesce(reported ->> 'phase', '')`).notNull(),
    // What selectors ask of the capabilities, apart: reading the whole document of each of 100,000 devices takes seconds.
    architecture: text('architecture').generatedAlwaysAs(sql`coalesce(capabilities ->> 'architecture', '')`).notNull(),
    cores: doublePrecision('cores').generatedAlwaysAs(sql`coalesce((capabilities -> 'cpu' ->> 'cores')::float8, 0)`).notNull(),
    memoryMebibytes: doublePrecision('memory_mebibytes')
      .generatedAlwaysAs(sql`coalesce(floor((capabilities -> 'memory' ->> 'totalBytes')::float8 / 1048576), 0)`)
      .notNull(),
    providers: jsonb('providers')
      .$type<string[]>()
      .generatedAlwaysAs(sql`jsonb_path_query_array(capabilities, '$.executionProviders[*] ? (@.ran == true).name')`)
      .notNull(),
  },
  (table) => [index('devices_last_seen').on(table.lastSeenAtMs), index('devices_profile').on(table.profile)],
);

export const claimTokens = pgTable('claim_tokens', {
  id: text('id').primaryKey(),
  secretDigest: text('secret_digest').notNull(),
  name: text('name').notNull(),
  usesLeft: integer('uses_left').notNull(),
  usesTotal: integer('uses_total').notNull(),
  requireApproval: boolean('require_approval').notNull(),
  labels: jsonb('labels').$type<Record<string, string>>().notNull().default({}),
  release: text('release'),
  expiresAtMs: bigint('expires_at_ms', { mode: 'number' }).notNull(),
  revokedAtMs: bigint('revoked_at_ms', { mode: 'number' }),
  createdAtMs: bigint('created_at_ms', { mode: 'number' }).notNull(),
  createdBy: text('created_by').notNull(),
});

/** Short-lived broker passwords; the password itself is never kept. */
export const brokerLogins = pgTable(
  'broker_logins',
  {
    device: text('device')
      .notNull()
      .references(() => devices.id),
    passwordDigest: text('password_digest').notNull(),
    expiresAtMs: bigint('expires_at_ms', { mode: 'number' }).notNull(),
  },
  (table) => [primaryKey({ columns: [table.device, table.passwordDigest] })],
);

/** What each device should run, newest row per device; `previous` is what it may go back to. */
export const desiredStates = pgTable(
  'desired_states',
  {
    device: text('device')
      .primaryKey()
      .references(() => devices.id),
    epoch: integer('epoch').notNull(),
    generation: integer('generation').notNull(),
    release: text('release'),
    previousRelease: text('previous_release'),
    artefacts: jsonb('artefacts').$type<Record<string, string>>().notNull().default({}),
    /** It runs the nodes of these places for other devices; null where it runs what belongs to itself. */
    places: jsonb('places').$type<string[]>(),
    /** Place -> the device that runs the nodes of that place for this one. */
    workers: jsonb('workers').$type<Record<string, string>>().notNull().default({}),
    /** Places of its release that nobody runs for it. */
    unserved: jsonb('unserved').$type<string[]>().notNull().default([]),
    /** Releases of which it runs places for others beside its own. */
    helps: jsonb('helps').$type<Help[]>().notNull().default([]),
    /** Why each artefact was chosen, in words, by model. */
    reasons: jsonb('reasons').$type<Record<string, unknown>>().notNull().default({}),
    /** Releases that run beside it, and which items go to them; null where it takes part in no experiment. */
    experiment: jsonb('experiment').$type<ExperimentAssignment>(),
    assignedAtMs: bigint('assigned_at_ms', { mode: 'number' }).notNull(),
    assignedBy: text('assigned_by').notNull(),
  },
  (table) => [index('desired_states_experiment').on(sql`(${table.experiment} ->> 'id')`).where(sql`experiment is not null`)],
);

export const commands = pgTable(
  'commands',
  {
    id: text('id').primaryKey(),
    device: text('device')
      .notNull()
      .references(() => devices.id),
    name: text('name').notNull(),
    arguments: jsonb('arguments').$type<Record<string, unknown>>().notNull(),
    issuer: text('issuer').notNull(),
    status: text('status').$type<'queued' | 'sent' | 'accepted' | 'progress' | 'done' | 'failed' | 'expired' | 'cancelled'>().notNull(),
    result: jsonb('result'),
    error: jsonb('error'),
    /** Blobs that the device may fetch while the command is open. */
    blobs: jsonb('blobs').$type<string[]>().notNull().default([]),
    issuedAtMs: bigint('issued_at_ms', { mode: 'number' }).notNull(),
    notAfterMs: bigint('not_after_ms', { mode: 'number' }).notNull(),
    finishedAtMs: bigint('finished_at_ms', { mode: 'number' }),
  },
  (table) => [index('commands_device').on(table.device, table.issuedAtMs), index('commands_name').on(table.name, table.issuedAtMs)],
);
