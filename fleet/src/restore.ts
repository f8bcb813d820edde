import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { openBackup, type Restored, restoreBackup } from './backup/index.ts';
import { type BlobStore, openBlobStore } from './blobs/index.ts';
import { systemClock } from './clock.ts';
import { storeEnvironment } from './config.ts';
import { claimDataDirectory } from './data-directory.ts';
import { openDatabase } from './db/index.ts';
import { systemIds } from './ids.ts';
import { createKeyring } from './trust/index.ts';
import { FLEET_VERSION } from './version.ts';

/** Where a fleet lies that does not run. */
export interface FleetPlace {
  dataDirectory: string;
  /** Of a Postgres server; without it the embedded database in the data directory. */
  databaseUrl?: string | undefined;
  /** `s3://...`; without it in the data directory. */
  blobStore?: string | undefined;
}

export type Progress = (doneBytes: number, totalBytes: number) => void;

/**
 * Fills an empty place from a backup.
 * @param proof the next epoch, signed; undefined where nothing is set back
 * @throws StarlingError `data-directory-in-use`, `database-unreachable`, and what `restoreBackup` throws
 */
export function restoreFleet(file: string, proof: string | undefined, place: FleetPlace, onProgress?: Progress): Promise<Restored> {
  return atPlace(place, ({ path, db, blobs }) =>
    restoreBackup(file, proof, { db, blobs, directory: path, nowMs: systemClock.nowMs(), onProgress }),
  );
}

/** Carries a fleet that does not run to another place. Nothing is set back, so no device sees a difference. */
export async function migrateFleet(from: FleetPlace, to: FleetPlace, onProgress?: Progress): Promise<Restored> {
  await mkdir(to.dataDirectory, { recursive: true, mode: 0o700 });
  const file = join(to.dataDirectory, 'migration.tar.gz');
  try {
    await atPlace(from, async ({ path, db, blobs }) => {
      const keyring = await createKeyring({ db, clock: systemClock, ids: systemIds, directory: join(path, 'keys') });
      const head = {
        ...{ kind: 'backup' as const, schemaVersion: 1 as const, fleetId: keyring.fleetId, fleetVersion: FLEET_VERSION },
        ...{ epoch: keyring.epoch.epoch, createdAtMs: systemClock.nowMs(), withTelemetry: true },
      };
      await pipeline(openBackup({ db, blobs, directory: path }, head), createWriteStream(file, { mode: 0o600 }));
    });
    return await restoreFleet(file, undefined, to, onProgress);
  } finally {
    await rm(file, { force: true });
  }
}

interface OpenPlace {
  path: string;
  db: Awaited<ReturnType<typeof openDatabase>>['db'];
  blobs: BlobStore;
}

async function atPlace<Result>(
  { dataDirectory, databaseUrl, blobStore }: FleetPlace,
  work: (place: OpenPlace) => Promise<Result>,
): Promise<Result> {
  const claim = await claimDataDirectory(dataDirectory);
  try {
    const database = await openDatabase({ url: databaseUrl, directory: join(claim.path, 'database') });
    try {
      const place = { directory: claim.path, address: blobStore, environment: storeEnvironment() };
      const blobs = await openBlobStore(place, { clock: systemClock, ids: systemIds });
      return await work({ path: claim.path, db: database.db, blobs });
    } finally {
      await database.close();
    }
  } finally {
    await claim.release();
  }
}
