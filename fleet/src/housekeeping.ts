import { messageOf } from '@starling/shared';
import { collectGarbage } from './blobs/index.ts';
import { type LoginKeeper, takeEndedLoginsAway } from './ended-logins.ts';
import type { Modules } from './modules.ts';
import type { Clock, Log } from './ports.ts';

/** Commands for many devices go on this often. */
const BATCH_PASS_MS = 1000;
/** Expiry of commands is looked after this often. */
const HOUSEKEEPING_MS = 30_000;
const GARBAGE_INTERVAL_MS = 6 * 3_600_000;
/** What is old is dropped this often: an embedded database that grows past its budget is seen soon. */
const RETENTION_MS = 300_000;

export interface HousekeepingPorts {
  directory: string;
  clock: Clock;
  log: Log;
  /** One process of a fleet does it. */
  isMine(): boolean;
  /** Undefined where the broker asks at each login. */
  keeper: LoginKeeper | undefined;
}

/** Expires, retains and collects until it is stopped. */
export function startHousekeeping(modules: Modules, { directory, clock, log, isMine, keeper }: HousekeepingPorts): () => Promise<void> {
  const { agentBuilds, batches, blobs, builds, captures, commands, devices, ingest, models, operators, pipelines, releases, retention } =
    modules;
  const endLogins = async (): Promise<void> => {
    await devices.forgetLogins();
    const judge = { shutOutDevices: devices.shutOut, shutOutOperators: operators.accounts.ended };
    if (keeper !== undefined) await takeEndedLoginsAway(keeper, judge, log);
  };
  const references = async (): Promise<Set<string>> =>
    new Set([
      ...(await models.references()),
      ...(await builds.references()),
      ...(await pipelines.references()),
      ...(await releases.references()),
      ...(await agentBuilds.references()),
      ...(await captures.references()),
    ]);
  /** One run at a time, however long it takes. */
  const every = (intervalMs: number, what: string, work: () => Promise<unknown>): { stop(): Promise<void>; run(): void } => {
    let running: Promise<unknown> | undefined;
    const run = (): void => {
      if (!isMine()) return;
      running ??= work()
        .catch((error: unknown) => log.warn({ error: messageOf(error) }, what))
        .finally(() => {
          running = undefined;
        });
    };
    const timer = setInterval(run, intervalMs);
    return {
      run,
      async stop() {
        clearInterval(timer);
        await running;
      },
    };
  };
  const retaining = every(RETENTION_MS, 'retention of telemetry', () => retention.pass());
  retaining.run();
  const works = [
    retaining,
    every(HOUSEKEEPING_MS, 'housekeeping', () => commands.expire()),
    every(HOUSEKEEPING_MS, 'commands of operators', () => operators.relay.expire()),
    every(HOUSEKEEPING_MS, 'logins that have ended', endLogins),
    every(HOUSEKEEPING_MS, 'nonces that were used', () => devices.forgetNonces()),
    every(BATCH_PASS_MS, 'commands for many devices', () => batches.pass()),
    every(GARBAGE_INTERVAL_MS, 'garbage collection', () => collectGarbage(blobs, directory, references, clock)),
  ];
  return async () => {
    for (const work of works) await work.stop();
    await ingest.idle();
  };
}
