import { Readable } from 'node:stream';
import { fileEndpoints } from '@starling/shared';
import { appendAudit } from '../audit/index.ts';
import { type BackupHead, openBackup } from '../backup/index.ts';
import type { BlobStore } from '../blobs/index.ts';
import type { Database } from '../db/index.ts';
import type { Clock } from '../ports.ts';
import type { Keyring } from '../trust/index.ts';
import { type ApiApp, fileRoute } from './route.ts';

export interface BackupRoutePorts {
  db: Database;
  blobs: BlobStore;
  clock: Clock;
  keyring: Keyring;
  version: string;
  /** Data directory of the fleet. */
  directory: string;
}

/** All that the fleet is, in one stream. It holds the fleet's own keys, so it is for admins, and for tokens that may do everything. */
export function backupRoutes(app: ApiApp, { db, blobs, clock, keyring, version, directory }: BackupRoutePorts): void {
  fileRoute(app, fileEndpoints.takeBackup, async ({ query, actor, context }) => {
    const head: BackupHead = {
      ...{ kind: 'backup', schemaVersion: 1, fleetId: keyring.fleetId, fleetVersion: version },
      ...{ epoch: keyring.epoch.epoch, createdAtMs: clock.nowMs(), withTelemetry: query.telemetry },
    };
    await appendAudit(db, clock, actor, 'fleet.backup', keyring.fleetId, { withTelemetry: head.withTelemetry });
    const stream = Readable.toWeb(openBackup({ db, blobs, directory }, head)) as ReadableStream<Uint8Array>;
    const day = new Date(head.createdAtMs).toISOString().slice(0, 10);
    return context.body(stream, 200, {
      'content-type': fileEndpoints.takeBackup.contentType,
      'content-disposition': `attachment; filename="${keyring.fleetId}-${day}.tar.gz"`,
    });
  });
}
