import { stat } from 'node:fs/promises';
import { type Epoch, signDocument, signerOf } from '@starling/shared';
import type { Command } from 'commander';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { downloadFile } from '../download-file.ts';
import { cliError } from '../errors.ts';
import { readKeyFile } from '../key-files.ts';
import { type ContextOf, examples, readOptions } from '../options.ts';
import { formatTime } from '../printable.ts';

const placeOptions = { dataDirectory: z.string(), databaseUrl: z.string().optional(), blobStore: z.string().optional() };
const backupOptions = z.object({ telemetry: z.boolean().default(true) });
const restoreOptions = z.object({ ...placeOptions, signWith: z.enum(['publisher', 'root']).default('publisher') });
const migrateOptions = z.object({
  ...placeOptions,
  toDataDirectory: z.string(),
  toDatabaseUrl: z.string().optional(),
  toBlobStore: z.string().optional(),
});

/** A fleet as one file, and back. */
export function defineBackupCommands(program: Command, contextOf: ContextOf): void {
  program
    .command('backup')
    .argument('[file]', 'where to write it (default: <fleet>-<day>.tar.gz)')
    .summary('write all that the fleet is into one file, while it runs')
    .option('--no-telemetry', 'leave the records of devices out')
    .addHelpText('after', examples(['starling backup nightly.tar.gz', 'keep it as you keep keys: it holds those of the fleet']))
    .action(async (file: string | undefined, _options, command: Command) => {
      await backup(contextOf(command), file, readOptions(command, backupOptions).telemetry);
    });
  program
    .command('restore')
    .argument('<file>')
    .summary('fill an empty data directory and database from a backup; the fleet is started on them afterwards')
    .requiredOption('--data-directory <folder>', 'data directory of the fleet to be; it must hold no keys yet')
    .option('--database-url <url>', 'an empty Postgres database, instead of the embedded one')
    .option('--blob-store <url>', 'a bucket for the blobs, instead of the data directory: s3://bucket/prefix?endpoint=...')
    .option('--sign-with <key>', 'which of your keys says that a new epoch begins: publisher or root (default publisher)')
    .addHelpText('after', examples(['starling restore nightly.tar.gz --data-directory /var/lib/starling', 'then start the fleet there']))
    .action(async (file: string, _options, command: Command) => {
      await restore(contextOf(command), file, readOptions(command, restoreOptions));
    });
  program
    .command('migrate')
    .summary('carry a fleet that is stopped to another data directory and database')
    .requiredOption('--data-directory <folder>', 'where it lies now')
    .option('--database-url <url>', 'its Postgres database, if it has one')
    .option('--blob-store <url>', 'the bucket of its blobs, if it has one')
    .requiredOption('--to-data-directory <folder>', 'where it is to lie; it must hold no keys yet')
    .option('--to-database-url <url>', 'an empty Postgres database')
    .option('--to-blob-store <url>', 'a bucket for the blobs: s3://bucket/prefix?endpoint=...')
    .addHelpText(
      'after',
      examples([
        'starling migrate --data-directory .starling/fleet --to-data-directory /var/lib/starling --to-database-url postgres://starling@db/starling',
        'from the embedded database to a server',
      ]),
    )
    .action(async (_options, command: Command) => {
      const { output } = contextOf(command);
      const from = readOptions(command, migrateOptions);
      const to = { dataDirectory: from.toDataDirectory, databaseUrl: from.toDatabaseUrl, blobStore: from.toBlobStore };
      const { migrateFleet } = await import('../../restore.ts');
      const progress = output.progress('carrying the fleet over');
      const moved = await migrateFleet(from, to, (done, total) => progress.update(done / total)).catch((error: unknown) => {
        progress.failed();
        throw error;
      });
      const rows = Object.values(moved.end.tables).reduce((sum, count) => sum + count, 0);
      progress.done(`${rows} rows, ${moved.end.chunks} chunks`);
      output.result(
        moved,
        () => `${moved.head.fleetId} lies in ${to.dataDirectory} now; start it there, and keep the old one until it runs`,
      );
    });
}

async function backup(context: Context, file: string | undefined, withTelemetry: boolean): Promise<void> {
  const connection = await context.connect();
  const path = `/backup?telemetry=${withTelemetry}`;
  const written = await downloadFile(context, connection, path, { file, fallback: 'starling-backup.tar.gz' });
  context.output.result(written, () => `written to ${written.file}; it holds the keys of the fleet: keep it as you keep keys`);
}

async function restore(context: Context, file: string, options: z.infer<typeof restoreOptions>): Promise<void> {
  const { settings, output, nowMs } = context;
  // The database is opened by this alone: other commands need not wait for it.
  const [{ readBackupHead }, { restoreFleet }] = await Promise.all([import('../../backup/index.ts'), import('../../restore.ts')]);
  await stat(file).catch(() => {
    throw cliError('bad-file', `there is no file ${file}`, { field: 'file', hint: 'make one with "starling backup"' });
  });
  const head = await readBackupHead(file);
  const [path, flag] = options.signWith === 'root' ? [settings.rootKeyFile, '--root-key'] : [settings.publisherKeyFile, '--publisher-key'];
  const signer = await signerOf(await readKeyFile(path, flag));
  const document: Epoch = {
    ...{ kind: 'epoch', schemaVersion: 1, critical: [], fleetId: head.fleetId, issuedAtMs: Math.round(nowMs()) },
    // Two restores of one backup must not meet in one epoch, so the minute names it.
    epoch: Math.max(head.epoch + 1, Math.floor(nowMs() / 60_000)),
  };
  const progress = output.progress(`restoring ${head.fleetId} as of ${formatTime(head.createdAtMs)}`);
  const { dataDirectory, databaseUrl, blobStore } = options;
  const proof = await signDocument(signer, 'epoch', document);
  const restored = await restoreFleet(file, proof, { dataDirectory, databaseUrl, blobStore }, (done, total) =>
    progress.update(done / total),
  ).catch((error: unknown) => {
    progress.failed();
    throw error;
  });
  progress.done(`epoch ${restored.epoch}, ${restored.devices} desired states`);
  output.result(restored, () =>
    [
      `${head.fleetId} is as it was at ${formatTime(head.createdAtMs)}, in epoch ${restored.epoch}.`,
      `Start it with --data-directory ${dataDirectory}${databaseUrl === undefined ? '' : ' --database-url ...'}${blobStore === undefined ? '' : ' --blob-store ...'}: its devices take what it says from then on.`,
    ].join('\n'),
  );
}
