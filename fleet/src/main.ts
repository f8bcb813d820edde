#!/usr/bin/env node
import process from 'node:process';
import { isStarlingError, messageOf } from '@starling/shared';
import pino from 'pino';
import { startFleet } from './app.ts';
import { systemClock } from './clock.ts';
import { configHelp, readConfig } from './config.ts';
import { letHeapGrow } from './heap-growth.ts';
import { systemIds } from './ids.ts';

/** The fleet as a process of its own. */
async function main(): Promise<void> {
  const argv = process.argv.slice(2);
  if (argv.includes('--help') || argv.includes('-h')) {
    console.log(configHelp());
    return;
  }
  const config = readConfig(argv);
  letHeapGrow();
  const log = pino({ level: config.logLevel });
  log.info({ dataDirectory: config.dataDirectory }, 'the fleet starts');
  const fleet = await startFleet(config, { clock: systemClock, ids: systemIds, log });
  log.info({ ...fleet.addresses, dataDirectory: fleet.dataDirectory }, 'the fleet is up');
  if (fleet.firstLogin !== undefined) console.log(`first login: ${fleet.firstLogin.email} ${fleet.firstLogin.password}`);
  if (!fleet.hasRoot()) console.log('no root document yet: run "starling login", then "starling key create --root"');
  // With an IPC channel the starter is told, so that it need not read the log.
  const { addresses, publicUrl, firstLogin } = fleet;
  process.send?.({ type: 'ready', addresses, publicUrl, firstLogin });
  const stop = (): void => {
    fleet.close().then(() => process.exit(0));
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}

main().catch((error: unknown) => {
  const problem = isStarlingError(error) ? { code: error.code, field: error.field, hint: error.hint } : {};
  console.error(`starling-fleet: ${messageOf(error)}`);
  if (isStarlingError(error) && error.hint !== undefined) console.error(`  ${error.hint}`);
  process.send?.({ type: 'failed', message: messageOf(error), ...problem });
  process.exit(isStarlingError(error) && error.code === 'database-unreachable' ? 5 : 1);
});
