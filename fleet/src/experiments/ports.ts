import type { Actor, RolloutSpec } from '@starling/shared';
import type { SQL } from 'drizzle-orm';
import type { Analysis } from '../analysis/index.ts';
import type { Database, Transaction } from '../db/index.ts';
import type { DesiredStates } from '../desired-state/index.ts';
import type { Pipelines } from '../pipelines/index.ts';
import type { Clock, EventBus, Ids, Log } from '../ports.ts';
import type { Releases } from '../releases/index.ts';

export interface ExperimentPorts {
  db: Database;
  clock: Clock;
  ids: Ids;
  log: Log;
  events: EventBus;
  releases: Pick<Releases, 'find' | 'plan'>;
  pipelines: Pick<Pipelines, 'show'>;
  desiredStates: Pick<DesiredStates, 'announce' | 'chooseMany'>;
  analysis: Pick<Analysis, 'resolve' | 'judge'>;
  /** A selector as a condition on rows of `devices`. @throws StarlingError that names what is wrong with it */
  matching(selector: string): Promise<SQL>;
  /** The desired states of these devices were raised, and name the same release as before: what waits for them goes on. */
  follow(tx: Transaction, devices: readonly string[]): Promise<void>;
  /** Takes a winner to all devices of the selector. @returns id of the rollout */
  promote(spec: RolloutSpec, actor: Actor): Promise<string>;
}
