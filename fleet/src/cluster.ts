import { messageOf } from '@starling/shared';
import type { Database, OpenDatabase } from './db/index.ts';
import type { DeviceLink } from './device-link.ts';
import { shareEvents } from './events.ts';
import { createHearing, type Hearing } from './hearing.ts';
import type { Modules } from './modules.ts';
import type { Log } from './ports.ts';
import { createSharing, type Duty, liveLeases, type ProcessShares, processShares, type Sharing, sharesAlone } from './shards/index.ts';

/** This process among those of its fleet; alone, with the embedded broker, it does everything. */
export interface Cluster {
  has(duty: Duty): boolean;
  /** All processes of the fleet, as of now. */
  shares(): Promise<ProcessShares>;
  /** The connection to the broker was away and is back. */
  resumed(shards: readonly string[], missed: readonly string[]): void;
  /** Takes its share of devices and duties. @returns a function that lets go of them */
  join(parts: ClusterParts): Promise<() => Promise<void>>;
}

interface ClusterParts {
  link: Extract<DeviceLink, { kind: 'external' }>;
  modules: Modules;
  database: OpenDatabase;
}

/** What another process has published is known here after this long. */
const ROOTS_MS = 2_000;

export interface ClusterPorts {
  db: Database;
  log: Log;
  processId: string;
  /** Digest of the authority that has signed what it shows. */
  authority: string | undefined;
  /** Devices connect to this process itself. */
  isAlone: boolean;
}

export function createCluster({ db, log, processId, authority, isAlone }: ClusterPorts): Cluster {
  let sharing: Sharing | undefined;
  let hearing: Hearing | undefined;
  return {
    has: (duty) => isAlone || (sharing?.has(duty) ?? false),
    shares: async () => (isAlone ? sharesAlone(processId, authority) : processShares(processId, await liveLeases(db))),
    resumed: (shards, missed) => hearing?.resumed(shards, missed),
    async join({ link, modules, database: { channel } }) {
      const hears = createHearing(link, modules.devices);
      hearing = hears;
      const ignore = followOthers(modules);
      const stopSharing =
        channel === undefined ? async () => undefined : await shareEvents({ events: modules.events, channel, id: processId, log });
      const shares = createSharing({ db, log, id: processId, authority, hear: hears.hear, gone: (id) => modules.rollouts.ended(id) });
      sharing = shares;
      // What was signed by the key of before may have been refused meanwhile: devices are asked for a new hello, and get all of it again.
      const takeRoots = async (): Promise<void> => {
        if (await modules.keyring.refresh()) hears.again();
      };
      const roots = setInterval(() => {
        takeRoots().catch((error: unknown) => log.debug({ error: messageOf(error) }, 'roots were not read'));
      }, ROOTS_MS);
      await shares.start();
      return async () => {
        clearInterval(roots);
        await shares.close();
        hears.close();
        ignore();
        await stopSharing();
      };
    },
  };
}

/** What happens in other processes and concerns what this one keeps in memory. */
function followOthers({ events, releases, devices, commands, taps }: Modules): () => void {
  return events.subscribe(({ type, id, detail }, isElsewhere) => {
    if (!isElsewhere) return;
    if (type === 'build' && detail.state === 'done') releases.forgetReachable();
    if (type === 'command') commands.progressElsewhere(id, detail.progress);
    if (type !== 'device') return;
    if (detail.online === false) taps.deviceGone(id);
    if (detail.status === 'revoked') devices.revokedElsewhere(id);
  });
}
