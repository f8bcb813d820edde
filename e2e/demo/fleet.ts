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
export async function startDemoFleet(
  config: DemoConfig,
  onLine: (line: string) => void,
  say: (text: string) => void = () => undefined,
): Promise<DemoFleet> {
  const kept = join(config.directory, 'demo');
  const started = await startOnPorts(config, onLine, say);
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

/**
 * Ports are kept, for devices remember all but the one for people. One that nobody has asked for and that no device remembers gives way to
 * a free one, and that is said.
 */
async function startOnPorts(config: DemoConfig, onLine: (line: string) => void, say: (text: string) => void): Promise<FleetProcess> {
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
  const isFixed = (name: keyof Ports): boolean => (name === 'http' ? config.httpPort !== undefined : known !== undefined);
  const startSomewhere = async (ports: Ports): Promise<FleetProcess> => {
    try {
      return await start(ports);
    } catch (error) {
      const taken = takenPort(error);
      if (taken === undefined || ports[taken] === 0) throw error;
      if (isFixed(taken)) throw portTaken(taken, ports[taken], error);
      return startSomewhere({ ...ports, [taken]: 0 });
    }
  };
  const started = await startSomewhere(wanted);
  const { addresses } = started.ready;
  const portOf = (address: string): number => Number(new URL(address).port);
  const used: Ports = {
    ...{ http: portOf(addresses.http), https: portOf(addresses.https) },
    ...{ mqtt: portOf(addresses.mqtt), mqtts: portOf(addresses.mqtts) },
  };
  await keep(file, used);
  const moved = (Object.keys(used) as (keyof Ports)[]).filter((name) => wanted[name] !== 0 && used[name] !== wanted[name]);
  if (moved.length > 0) say(moved.map((name) => `port ${wanted[name]} is taken, so ${spoken[name]} is at ${used[name]}`).join('; '));
  return started;
}

const spoken: Readonly<Record<keyof Ports, string>> = { http: 'HTTP', https: 'HTTPS', mqtt: 'MQTT', mqtts: 'MQTT over TLS' };

/** Which port a fleet could not have, by the setting that its error names. */
function takenPort(error: unknown): keyof Ports | undefined {
  if (!isStarlingError(error) || error.code !== 'port-taken') return undefined;
  return (Object.keys(spoken) as (keyof Ports)[]).find((name) => error.field === `${name}Port`);
}

function portTaken(name: keyof Ports, port: number, cause: unknown): StarlingError {
  const [field, hint] =
    name === 'http'
      ? (['--http-port', 'end what listens there, or give another port; 0 takes any that is free'] as const)
      : ([
          '--directory',
          'devices of this fleet remember its ports: end what listens there, or start another fleet with --directory',
        ] as const);
  return new StarlingError('port-taken', `port ${port} for ${spoken[name]} is taken (${field})`, { field, hint, cause });
}
