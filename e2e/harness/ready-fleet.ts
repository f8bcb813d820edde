import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@starling/fleet';
import { type ApiClient, api, type ClaimToken, generatePrivateKey, parseClaimToken, StarlingError } from '@starling/shared';
import { createOperator, makeApiToken, type Operator } from './operator.ts';
import { type FleetProcess, startFleetProcess } from './processes.ts';

/** A fleet process on free ports and a folder of its own, with a root published and an admin signed in. */
export interface ReadyFleet {
  process: FleetProcess;
  operator: Operator;
  client: ApiClient;
  baseUrl: string;
  /** Address of the plain broker on loopback. */
  broker: string;
  login: { email: string; password: string };
  claim(options?: { uses?: number; expiresInHours?: number; requireApproval?: boolean }): Promise<ClaimToken & { id: string }>;
  stop(): Promise<void>;
}

const ROOT_LIFE_MS = 86_400_000;

export async function startReadyFleet(flags: Readonly<Record<string, string>> = {}): Promise<ReadyFleet> {
  const directory = await mkdtemp(join(tmpdir(), 'starling-fleet-'));
  const started = await startFleetProcess({ dataDirectory: join(directory, 'fleet'), flags: { 'log-level': 'warn', ...flags } });
  const { addresses, firstLogin } = started.ready;
  if (firstLogin === undefined) throw new StarlingError('no-first-login', 'a new fleet has to make a first login');
  const token = await makeApiToken(addresses.http, firstLogin, 'test');
  const [root, publisher] = await Promise.all([generatePrivateKey(), generatePrivateKey()]);
  const operator = createOperator({ baseUrl: addresses.http, token, keys: { root, publisher } });
  await operator.publishRoot({ nowMs: systemClock.nowMs(), lifeMs: ROOT_LIFE_MS, demo: true });
  return {
    process: started,
    operator,
    client: operator.client,
    baseUrl: addresses.http,
    broker: addresses.mqtt,
    login: firstLogin,
    async claim(options = {}) {
      const { text, token: view } = await operator.client.call(api.createClaimToken, { body: { name: 'test', uses: 1, ...options } });
      const parsed = parseClaimToken(text);
      if (parsed === undefined) throw new StarlingError('invalid-token', 'the fleet made a claim token that is none');
      return { ...parsed, id: view.id };
    },
    async stop() {
      await started.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
