import type { BuildMethod } from '@starling/shared';
import type { Builder } from '../artefacts/index.ts';
import type { BlobStore } from '../blobs/index.ts';
import type { Database } from '../db/index.ts';
import type { Clock, EventBus, Ids, Log } from '../ports.ts';
import type { Keyring } from '../trust/index.ts';

export interface BuildPorts {
  db: Database;
  blobs: BlobStore;
  builder: Builder;
  keyring: Keyring;
  clock: Clock;
  ids: Ids;
  events: EventBus;
  log: Log;
  /** The data directory of this fleet. */
  directory: string;
  /** Workers at once: each takes all cores that it finds. */
  concurrency: number;
  /** Those of the default recipes that every version gets. */
  methods: readonly BuildMethod[];
  /** Called when all builds of a model version are over: devices may deserve another artefact now. */
  onBuilt: (modelDigest: string) => Promise<void>;
}
