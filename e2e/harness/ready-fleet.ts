import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ApiClient, api, type ClaimToken, parseClaimToken, StarlingError } from '@starling/shared';
import { startKnownFleet } from './known-fleet.ts';
import type { Login, Operator } from './operator.ts';
import { type FleetProcess, startFleetProcess } from './processes.ts';

/** A fleet process on free ports and a folder of its own, with a root published and an admin signed in. */
export interface ReadyFleet {
  process: FleetProcess;
  dataDirectory: string;
  operator: Operator;
  client: ApiClient;
  baseUrl: string;
  /** Address of the plain broker on loopback. */
  broker: string;
  login: Login;
  claim(options?: { uses?: number; expiresInHours?: number; requireApproval?: boolean }): Promise<ClaimToken & { id: string }>;
  stop(): Promise<void>;
}

/** @param environment beside that of this process: what is not given by flags */
export async function startReadyFleet(
  flags: Readonly<Record<string, string>> = {},
  environment: Readonly<Record<string, string>> = {},
): Promise<ReadyFleet> {
  const directory = await mkdtemp(join(tmpdir(), 'starling-fleet-'));
  const dataDirectory = join(directory, 'fleet');
  const launch = (): Promise<FleetProcess> => startFleetProcess({ dataDirectory, flags: { 'log-level': 'warn', ...flags }, environment });
  const known = await startKnownFleet({ launch, dataDirectory, isElsewhere: 'database-url' in flags });
  const { process: started, operator, login } = known;
  const { addresses } = started.ready;
  return {
    process: started,
    dataDirectory,
    operator,
    client: operator.client,
    baseUrl: addresses.http,
    broker: addresses.mqtt,
    login,
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
