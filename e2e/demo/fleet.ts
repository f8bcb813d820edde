import { join } from 'node:path';
import { isStarlingError, StarlingError } from '@starling/shared';
import { z } from 'zod';
import { createOperator, makeApiToken, type Operator } from '../harness/operator.ts';
import { type FleetProcess, startFleetProcess } from '../harness/processes.ts';
import type { DemoConfig } from './config.ts';
import { keep, type Ports, portsSchema, readKept, readOrMakeKeys } from './kept.ts';

export interface DemoFleet {
  process: FleetProcess;
  operator: Operator;
  /** Of the first admin, at the first start only. */
  firstLogin: { email: string; password: string } | undefined;
}

const ROOT_LIFE_MS = 10 * 365 * 86_400_000;
const DEFAULT_PORTS: Ports = { http: 8080, https: 8443, mqtt: 1883, mqtts: 8883 };
const loginSchema = z.object({ email: z.string(), password: z.string() });

/** Starts the fleet of the demo where the last start left it. */
export async function startDemoFleet(config: DemoConfig, onLine: (line: string) => void): Promise<DemoFleet> {
  const kept = join(config.directory, 'demo');
  const started = await startOnPorts(config, onLine);
  const { addresses, firstLogin } = started.ready;
  const loginFile = firstLoginFile(config.directory);
  // Kept before anything else: the fleet says it once, and this start may be cut off.
  if (firstLogin !== undefined) await keep(loginFile, firstLogin);
  const tokenFile = join(kept, 'api-token.json');
  const token = (await readKept(tokenFile, z.string())) ?? (await makeToken(addresses.http, loginFile));
  await keep(tokenFile, token);
  const operator = createOperator({ baseUrl: addresses.http, token, keys: await readOrMakeKeys(kept) });
  return { process: started, operator, firstLogin };
}

export function firstLoginFile(directory: string): string {
  return join(directory, 'demo', 'first-login.json');
}

async function makeToken(address: string, loginFile: string): Promise<string> {
  const login = await readKept(loginFile, loginSchema);
  if (login === undefined)
    throw new StarlingError('demo-incomplete', `${loginFile} is gone, and with it the way into the fleet of the demo`, {
      hint: 'delete the folder of the demo and start again',
    });
  return makeApiToken(address, login, 'demo');
}

/** Publishes the root of the demo keys, unless an earlier start has. */
export async function publishDemoRoot(operator: Operator, nowMs: () => number): Promise<boolean> {
  const known = await operator.hasRoot();
  if (!known) await operator.publishRoot({ nowMs: nowMs(), lifeMs: ROOT_LIFE_MS, demo: true });
  return !known;
}

/** Ports are kept, for devices remember all but the one for people. At the first start a taken one gives way to a free one. */
async function startOnPorts(config: DemoConfig, onLine: (line: string) => void): Promise<FleetProcess> {
  const file = join(config.directory, 'demo', 'ports.json');
  const known = await readKept(file, portsSchema);
  const wanted = { ...(known ?? DEFAULT_PORTS), ...(config.httpPort === undefined ? {} : { http: config.httpPort }) };
  const start = (ports: Ports): Promise<FleetProcess> =>
    startFleetProcess({
      dataDirectory: join(config.directory, 'fleet'),
      flags: {
        'http-port': `${ports.http}`,
        'https-port': `${ports.https}`,
        'mqtt-port': `${ports.mqtt}`,
        'mqtts-port': `${ports.mqtts}`,
        // As a fleet does by itself.
        'measure-devices-per-profile': '',
        ...(config.address === '' ? {} : { names: config.address }),
        'browser-origins': config.browserOrigins,
      },
      onLine,
    });
  const started = await start(wanted).catch((error: unknown) => {
    if (!isStarlingError(error) || error.code !== 'port-taken') throw error;
    if (known !== undefined)
      throw new StarlingError(error.code, error.message, {
        hint: 'devices of this fleet remember its ports: end what listens there, or start another fleet with --directory',
        cause: error,
      });
    return start({ http: 0, https: 0, mqtt: 0, mqtts: 0 });
  });
  const { addresses } = started.ready;
  const portOf = (address: string): number => Number(new URL(address).port);
  await keep(file, {
    http: portOf(addresses.http),
    https: portOf(addresses.https),
    mqtt: portOf(addresses.mqtt),
    mqtts: portOf(addresses.mqtts),
  } satisfies Ports);
  return started;
}
