import type { RolloutSpec, RolloutState, RolloutWaiting, TargetState } from '@starling/shared';
import { sql } from 'drizzle-orm';
import { bigint, boolean, index, integer, jsonb, pgTable, primaryKey, text, uniqueIndex } from 'drizzle-orm/pg-core';

const ms = (name: string) => bigint(name, { mode: 'number' });

export const rollouts = pgTable(
  'rollouts',
  {
    id: text('id').primaryKey(),
    name: text('name').notNull(),
    spec: jsonb('spec').$type<RolloutSpec>().notNull(),
    release: text('release').notNull(),
    releaseName: text('release_name').notNull(),
    priority: integer('priority').notNull(),
    state: text('state').$type<RolloutState>().notNull(),
    /** Place in the planned steps; their number once all of them are done. */
    step: integer('step').notNull().default(0),
    stepStartedAtMs: ms('step_started_at_ms').notNull(),
    /** What it waits for, or why it stands still, in words and in a kind. */
    waiting: jsonb('waiting').$type<RolloutWaiting>(),
    /** The state before a pause, to go back to. */
    pausedFrom: text('paused_from').$type<RolloutState>(),
    /** Failures that a person has seen and gone on from: these alone pause it no more. */
    acceptedFailures: integer('accepted_failures').notNull().default(0),
    /** Raised by every change: who decided on an older one has to look again. */
    version: integer('version').notNull().default(0),
    leaseOwner: text('lease_owner'),
    leaseUntilMs: ms('lease_until_ms').notNull().default(0),
    /** Events of the timeline so far. */
    events: integer('events').notNull().default(0),
    joinedAtMs: ms('joined_at_ms').notNull().default(0),
    createdAtMs: ms('created_at_ms').notNull(),
    createdBy: text('created_by').notNull(),
    startedAtMs: ms('started_at_ms'),
    followedSinceMs: ms('followed_since_ms'),
    finishedAtMs: ms('finished_at_ms'),
  },
  (table) => [index('rollouts_created').on(table.createdAtMs)],
);

export const rolloutTargets = pgTable(
  'rollout_targets',
  {
    rollout: text('rollout')
      .notNull()
      .references(() => rollouts.id),
    /** Devices are never deleted, so no foreign key checks 100,000 rows one by one. */
    device: text('device').notNull(),
    /** Order of starting: random, so that no site comes in one piece. */
    position: integer('position').notNull(),
    state: text('state').$type<TargetState>().notNull(),
    /** The step that started it; null until then. */
    wave: integer('wave'),
    attempt: integer('attempt').notNull().default(0),
    /** The desired state that is waited for: reports on any other change nothing. */
    epoch: integer('epoch'),
    generation: integer('generation'),
    /** What it goes back to: what it ran, verified, when it was started. */
    previousRelease: text('previous_release'),
    previousArtefacts: jsonb('previous_artefacts').$type<Record<string, string>>(),
    bytes: ms('bytes').notNull().default(0),
    startedAtMs: ms('started_at_ms'),
    deadlineMs: ms('deadline_ms'),
    notBeforeMs: ms('not_before_ms').notNull().default(0),
    finishedAtMs: ms('finished_at_ms'),
    /** It failed, and its desired state names its previous release again. */
    restored: boolean('restored').notNull().default(false),
    /** `failed`, `refused` or `timed-out`, with what the device said. */
    failureKind: text('failure_kind'),
    code: text('code'),
    message: text('message'),
  },
  (table) => [
    primaryKey({ columns: [table.rollout, table.device] }),
    // A device is on its way in one rollout at a time, whatever else goes wrong.
    uniqueIndex('rollout_targets_in_flight').on(table.device).where(sql`state in ('assigned', 'returning')`),
    index('rollout_targets_under_way').on(table.rollout).where(sql`state in ('assigned', 'returning')`),
    index('rollout_targets_waiting').on(table.rollout, table.position).where(sql`state = 'waiting'`),
    index('rollout_targets_started').on(table.rollout, table.startedAtMs).where(sql`started_at_ms is not null`),
  ],
);

/** What happened, in order. */
export const rolloutEvents = pgTable(
  'rollout_events',
  {
    rollout: text('rollout')
      .notNull()
      .references(() => rollouts.id),
    sequence: integer('sequence').notNull(),
    atMs: ms('at_ms').notNull(),
    kind: text('kind').notNull(),
    actor: text('actor').notNull(),
    text: text('text').notNull(),
    detail: jsonb('detail').$type<Record<string, unknown>>().notNull().default({}),
  },
  (table) => [primaryKey({ columns: [table.rollout, table.sequence] })],
);

export const rolloutApprovals = pgTable(
  'rollout_approvals',
  {
    rollout: text('rollout')
      .notNull()
      .references(() => rollouts.id),
    step: integer('step').notNull(),
    /** Account, not a name: two names of one person are one. */
    person: text('person').notNull(),
    name: text('name').notNull(),
    atMs: ms('at_ms').notNull(),
  },
  (table) => [primaryKey({ columns: [table.rollout, table.step, table.person] })],
);
