import { readFile } from 'node:fs/promises';
import { type ApiClient, createApiClient, type FetchLike, isStarlingError, messageOf, StarlingError } from '@starling/shared';
import { isLoopback, readSettings, type Settings } from './config.ts';
import { cliError } from './errors.ts';
import { type Credential, createLoginStore, type LoginStore } from './login-store.ts';
import { createOutput, type Output, type Sink } from './output.ts';
import { createPrompt, type Prompt, type Typed } from './prompt.ts';
import { createTransport, type Transport } from './transport.ts';

/** What the process is given from outside. */
export interface CliPorts {
  stdin: Typed;
  stdout: Sink;
  stderr: Sink;
  nowMs(): number;
  /** Fires at Ctrl-C. */
  signal: AbortSignal;
}

/** Everything that a command may use. */
export interface Context {
  settings: Settings;
  output: Output;
  prompt: Prompt;
  logins: LoginStore;
  signal: AbortSignal;
  nowMs(): number;
  /** Waits, unless Ctrl-C comes first. */
  sleep(ms: number): Promise<void>;
  /** The fleet of this command, signed in. @throws StarlingError `not-signed-in` */
  connect(): Promise<Connection>;
  close(): void;
}

export interface Connection {
  /** Origin of the fleet. */
  fleet: string;
  credential: Credential;
  /** PEM of the authority that was pinned for it. */
  authority: string | undefined;
  client: ApiClient;
  transport: Transport;
  /** A client whose calls send something else than it says, such as a file. */
  clientOver(fetch: FetchLike): ApiClient;
}

export function createContext(options: Record<string, unknown>, ports: CliPorts): Context {
  const settings = readSettings(options);
  const { signal } = ports;
  const output = createOutput({ ...ports, ...settings });
  const logins = createLoginStore(settings.directory);
  const transports: Transport[] = [];
  return {
    settings,
    output,
    logins,
    signal,
    nowMs: ports.nowMs,
    prompt: createPrompt(ports.stdin, ports.stderr, signal),
    sleep: (ms) =>
      new Promise((resolve, reject) => {
        const stop = (): void => {
          clearTimeout(timer);
          reject(cliError('interrupted', 'interrupted'));
        };
        const timer = setTimeout(() => {
          signal.removeEventListener('abort', stop);
          resolve();
        }, ms);
        signal.addEventListener('abort', stop, { once: true });
      }),
    async connect() {
      const connection = await connect(settings, logins, signal);
      transports.push(connection.transport);
      return connection;
    },
    close() {
      for (const transport of transports) transport.close();
    },
  };
}

async function connect(settings: Settings, logins: LoginStore, signal: AbortSignal): Promise<Connection> {
  const fleet = settings.fleet ?? (await logins.current());
  if (fleet === undefined) {
    throw new StarlingError('not-signed-in', 'no fleet is known yet', {
      field: '--fleet',
      hint: 'run "starling login --fleet https://..."',
    });
  }
  const login = await logins.find(fleet);
  const credential: Credential | undefined =
    settings.token === undefined ? login?.credential : { kind: 'token', token: settings.token, madeAtLogin: false };
  if (credential === undefined) {
    throw new StarlingError('not-signed-in', `you are not signed in at ${fleet}`, {
      field: '--token',
      hint: `run "starling login --fleet ${fleet}", or set STARLING_TOKEN`,
    });
  }
  requireSafe(fleet, settings);
  const authority = (await readAuthority(settings)) ?? login?.authority;
  return openConnection({ fleet, credential, authority, signal });
}

/** A connection with this very credential, whatever is stored. */
export function openConnection(options: {
  fleet: string;
  credential: Credential;
  authority?: string | undefined;
  signal: AbortSignal;
}): Connection {
  const { fleet, credential, authority, signal } = options;
  const headers: Record<string, string> = credential.kind === 'session' ? { cookie: credential.cookie } : {};
  const token = credential.kind === 'token' ? credential.token : undefined;
  const transport = createTransport({ authority, headers, signal });
  const clientOver = (fetch: FetchLike): ApiClient => explainRefusal(createApiClient({ baseUrl: fleet, fetch, token }), options);
  return { fleet, credential, authority, client: clientOver(transport.fetch), transport, clientOver };
}

/** The fleet says only that a login is needed: it does not tell strangers whether a token exists. We know that we sent one. */
function explainRefusal(client: ApiClient, { fleet, credential }: { fleet: string; credential: Credential }): ApiClient {
  return {
    call: (endpoint, options) =>
      client.call(endpoint, options).catch((error: unknown) => {
        if (!isStarlingError(error) || error.code !== 'not-signed-in') throw error;
        const what = credential.kind === 'token' ? 'token' : 'session';
        throw new StarlingError('not-signed-in', `${fleet} does not accept this ${what}: it is wrong, revoked or over`, {
          field: '--token',
          hint:
            credential.kind === 'token' && !credential.madeAtLogin
              ? 'it was given by --token or STARLING_TOKEN, which win over a login: give another, or none'
              : `sign in again with "starling login --fleet ${fleet}"`,
          cause: error,
        });
      }),
  };
}

/** Attack: anybody on the way reads the token. */
export function requireSafe(fleet: string, { insecure }: Settings): void {
  if (insecure || fleet.startsWith('https:') || isLoopback(fleet)) return;
  throw cliError('insecure-address', `${fleet} is plain HTTP to another machine: your token could be read on the way`, {
    field: '--fleet',
    hint: 'use the https:// address, or --insecure if the network is yours alone',
  });
}

export async function readAuthority({ authorityFile }: Settings): Promise<string | undefined> {
  if (authorityFile === undefined) return undefined;
  try {
    const pem = await readFile(authorityFile, 'utf8');
    if (pem.includes('-----BEGIN CERTIFICATE-----')) return pem;
  } catch (cause) {
    throw cliError('bad-file', `${authorityFile} cannot be read: ${messageOf(cause)}`, { field: '--ca', cause });
  }
  throw cliError('bad-file', `${authorityFile} is no certificate in PEM form`, {
    field: '--ca',
    hint: 'fetch it from /api/v1/trust/ca.pem of the fleet, or leave --ca out and compare the fingerprint at login',
  });
}
