import { messageOf } from '@starling/shared';
import { collectGarbage } from './blobs/index.ts';
import type { Modules } from './modules.ts';
import type { Clock, Log } from './ports.ts';

/** Commands for many devices go on this often. */
const BATCH_PASS_MS = 1000;
/** Expiry of commands is looked after this often. */
const HOUSEKEEPING_MS = 30_000;
const GARBAGE_INTERVAL_MS = 6 * 3_600_000;
/** What is old is dropped this often: an embedded database that grows past its budget is seen soon. */
const RETENTION_MS = 300_000;

/** Expires, retains and collects until it is stopped. */
export function startHousekeeping(modules: Modules, directory: string, { clock, log }: { clock: Clock; log: Log }): () => Promise<void> {
  const { batches, blobs, builds, commands, ingest, models, operators, pipelines, releases, retention } = modules;
  const housekeeping = setInterval(() => {
    Promise.all([commands.expire(), operators.relay.expire()]).catch((error: unknown) =>
      log.warn({ error: messageOf(error) }, 'housekeeping'),
    );
  }, HOUSEKEEPING_MS);
  let retentionPass: Promise<void> | undefined;
  const retain = (): void => {
    retentionPass ??= retention
      .pass()
      .catch((error: unknown) => log.warn({ error: messageOf(error) }, 'retention of telemetry'))
      .finally(() => {
        retentionPass = undefined;
      });
  };
  const retentions = setInterval(retain, RETENTION_MS);
  retain();
  const references = async (): Promise<Set<string>> =>
    new Set([
      ...(await models.references()),
      ...(await builds.references()),
      ...(await pipelines.references()),
      ...(await releases.references()),
    ]);
  let passing: Promise<void> | undefined;
  const passes = setInterval(() => {
    passing ??= batches
      .pass()
      .catch((error: unknown) => log.warn({ error: messageOf(error) }, 'commands for many devices'))
      .finally(() => {
        passing = undefined;
      });
  }, BATCH_PASS_MS);
  const garbage = setInterval(() => {
    collectGarbage(blobs, directory, references, clock).catch((error: unknown) =>
      log.warn({ error: messageOf(error) }, 'garbage collection'),
    );
  }, GARBAGE_INTERVAL_MS);
  return async () => {
    clearInterval(housekeeping);
    clearInterval(passes);
    await passing;
    clearInterval(garbage);
    clearInterval(retentions);
    await retentionPass;
    await ingest.idle();
  };
}
