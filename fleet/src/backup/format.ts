import { z } from 'zod';

/**
 * A backup is a gzipped tar:
 *
 *   backup.json               what it is of
 *   files/keys/..., files/tls/...   secrets of the data directory
 *   tables/NAME/000001.ndjson rows as JSON, some thousand in a file, all as of one moment
 *   chunks/DIGEST             each chunk of the blob store, raw
 *   end.json                  how much there is: a backup without it was cut off
 */
export const backupHeadSchema = z.object({
  kind: z.literal('backup'),
  schemaVersion: z.literal(1),
  fleetId: z.string(),
  fleetVersion: z.string(),
  epoch: z.number().int().positive(),
  createdAtMs: z.number(),
  withTelemetry: z.boolean(),
});
export type BackupHead = z.infer<typeof backupHeadSchema>;

export const backupEndSchema = z.object({
  tables: z.record(z.string(), z.number().int().nonnegative()).meta({ description: 'Rows of each table' }),
  chunks: z.number().int().nonnegative(),
});
export type BackupEnd = z.infer<typeof backupEndSchema>;

export const HEAD_FILE = 'backup.json';
export const END_FILE = 'end.json';
/** Folders of the data directory that a fleet cannot make again. */
export const KEPT_FOLDERS = ['keys', 'tls'] as const;
/** One file of a backup, at most: a chunk, or some rows. */
export const ENTRY_BYTES_MAXIMUM = 64 * 1024 * 1024;
