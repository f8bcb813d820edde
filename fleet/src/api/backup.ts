import { Readable } from 'node:stream';
import { StarlingError } from '@starling/shared';
import { z } from 'zod';
import { appendAudit } from '../audit/index.ts';
import { requireRole } from '../auth/index.ts';
import { type BackupHead, openBackup } from '../backup/index.ts';
import type { BlobStore } from '../blobs/index.ts';
import type { Database } from '../db/index.ts';
import type { Clock } from '../ports.ts';
import type { Keyring } from '../trust/index.ts';
import type { ApiApp } from './route.ts';

export interface BackupRoutePorts {
  db: Database;
  blobs: BlobStore;
  clock: Clock;
  keyring: Keyring;
  version: string;
  /** Data directory of the fleet. */
  directory: string;
}

const querySchema = z.object({ telemetry: z.stringbool().default(true) });

/** All that the fleet is, in one stream. It holds the fleet's own keys, so it is for admins, and for tokens that may do everything. */
export function backupRoutes(app: ApiApp, { db, blobs, clock, keyring, version, directory }: BackupRoutePorts): void {
  app.get('/backup', async (context) => {
    const actor = context.get('actor');
    if (actor === undefined) throw new StarlingError('not-signed-in', 'this needs a login', { hint: 'sign in, or send an API token' });
    requireRole(actor, 'admin');
    if (actor.scopes !== null) {
      throw new StarlingError('out-of-scope', 'a backup holds everything, so a token with scopes cannot take one', {
        hint: 'use a token without scopes',
      });
    }
    const query = querySchema.safeParse(context.req.query());
    if (!query.success) throw new StarlingError('invalid-request', 'query.telemetry: write true or false', { field: 'query.telemetry' });
    const head: BackupHead = {
      ...{ kind: 'backup', schemaVersion: 1, fleetId: keyring.fleetId, fleetVersion: version },
      ...{ epoch: keyring.epoch.epoch, createdAtMs: clock.nowMs(), withTelemetry: query.data.telemetry },
    };
    await appendAudit(db, clock, actor, 'fleet.backup', keyring.fleetId, { withTelemetry: head.withTelemetry });
    const stream = Readable.toWeb(openBackup({ db, blobs, directory }, head)) as ReadableStream<Uint8Array>;
    const day = new Date(head.createdAtMs).toISOString().slice(0, 10);
    return context.body(stream, 200, {
      'content-type': 'application/gzip',
      'content-disposition': `attachment; filename="${keyring.fleetId}-${day}.tar.gz"`,
    });
  });
}
