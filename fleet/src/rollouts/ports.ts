import type { DeviceProfile } from '@starling/shared';
import type { SQL } from 'drizzle-orm';
import type { BlobStore } from '../blobs/index.ts';
import type { Database } from '../db/index.ts';
import type { DesiredStates } from '../desired-state/index.ts';
import type { Models } from '../models/index.ts';
import type { Clock, EventBus, Ids, Log } from '../ports.ts';
import type { Releases } from '../releases/index.ts';
import type { RolloutAnalysis } from './analysis-port.ts';

export interface RolloutPorts {
  db: Database;
  clock: Clock;
  ids: Ids;
  /** This process, in leases. */
  owner: string;
  log: Log;
  events: EventBus;
  blobs: BlobStore;
  models: Pick<Models, 'artefacts' | 'find'>;
  releases: Pick<Releases, 'find' | 'plan'>;
  desiredStates: Pick<DesiredStates, 'announce' | 'chooseMany' | 'givenBack' | 'rolesOf' | 'writeMany'>;
  profiles: ReadonlyMap<string, DeviceProfile>;
  analysis: RolloutAnalysis;
  /** A selector as a condition on rows of `devices`. @throws StarlingError that names what is wrong with it */
  matching(selector: string): Promise<SQL>;
  /** Running experiments that devices of a condition take part in. */
  experiments?(where: SQL): Promise<{ name: string; devices: number }[]>;
  /** Devices had this long to come back to a fleet that has started before they count as away. */
  reconnectGraceMs?: number | undefined;
}
