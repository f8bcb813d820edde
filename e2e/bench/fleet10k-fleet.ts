import { type ChildProcess, fork } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeRandomId, StarlingError } from '@starling/shared';
import postgres, { type Sql } from 'postgres';
import { startPostgres } from '../harness/postgres.ts';
import { type ReadyFleet, startReadyFleet } from '../harness/ready-fleet.ts';
import { findProgram } from '../harness/requires.ts';
import type { FromLoad, ToLoad } from './fleet10k-messages.ts';

/** A fleet over Postgres that knows ten thousand devices, and processes that are these devices. */
export interface CrowdedFleet {
  fleet: ReadyFleet;
  sql: Sql;
  load: Load;
  stop(): Promise<void>;
}

export interface Load {
  /** Tells every process, and waits until all are done. */
  tell(message: ToLoad): Promise<FromLoad[]>;
  stop(): void;
}

const PROCESSES = 2;
/** As many as make a desired state of some 4 KB with their digests. */
const MODELS = 28;

export async function startCrowdedFleet(devices: number, options: { tls?: boolean } = {}): Promise<CrowdedFleet> {
  const program = findProgram('postgres');
  if (program === undefined) throw new StarlingError('no-postgres', 'this bench needs Postgres', { hint: 'apt-get install postgresql' });
  const server = await startPostgres(program);
  const fleet = await startReadyFleet({ 'database-url': server.url }).catch(async (error: unknown) => {
    await server.stop();
    throw error;
  });
  const sql = postgres(server.url, { max: 2, onnotice: () => undefined });
  const ids = Array.from({ length: devices }, () => ({ id: makeRandomId(randomBytes), password: randomBytes(18).toString('base64url') }));
  await addDevices(sql, ids);
  const load = startLoad();
  const { addresses } = fleet.process.ready;
  const broker = options.tls === true ? addresses.mqtts.replace(/\/\/[^:]+/, '//localhost') : addresses.mqtt;
  const authority = options.tls === true ? await authorityOf(fleet) : undefined;
  await load.spread(ids.map((device) => ({ device, broker, authority })));
  return {
    fleet,
    sql,
    load,
    async stop() {
      load.stop();
      await sql.end({ timeout: 2 });
      await fleet.stop();
      await server.stop();
    },
  };
}

async function authorityOf(fleet: ReadyFleet): Promise<string> {
  return (await fetch(`${fleet.baseUrl}/api/v1/trust/ca.pem`)).text();
}

/** Straight into the tables: enrolling ten thousand devices is measured nowhere, and takes minutes. */
async function addDevices(sql: Sql, devices: readonly { id: string; password: string }[]): Promise<void> {
  const capabilities = {
    ...{ schemaVersion: 1, environment: 'node', os: 'linux', architecture: 'arm64', agentVersion: '0.1.0', cpu: { cores: 4 } },
    ...{ executionProviders: [{ name: 'cpu', ran: true }], memory: { totalBytes: 2 ** 33, availableBytes: 2 ** 32 } },
    disk: { totalBytes: 2 ** 36, freeBytes: 2 ** 35 },
  };
  const hex = (text: string): string => createHash('sha256').update(text).digest('hex');
  const artefacts = Object.fromEntries(Array.from({ length: MODELS }, (_, at) => [`model-${at}`, hex(`artefact ${at}`)]));
  const ids = devices.map(({ id }) => id);
  await sql`insert into devices (id, public_key, machine_id_digest, name, labels, status, capabilities, profile, profile_reason, agent_version,
      enrolled_at_ms)
    select id, id, '', 'bench-' || place, jsonb_build_object('site', 'site-' || (place % 50)), 'active', ${sql.json(capabilities)},
      'raspberry-pi-5', '{"score":1,"reasons":[]}', '0.1.0', 0
    from unnest(${ids}::text[]) with ordinality as device(id, place)`;
  await sql`insert into broker_logins (device, password_digest, expires_at_ms)
    select * from unnest(${ids}::text[], ${devices.map(({ password }) => hex(password))}::text[],
      ${devices.map(() => Date.now() + 86_400_000)}::bigint[])`;
  await sql`insert into desired_states (device, epoch, generation, release, artefacts, assigned_at_ms, assigned_by)
    select id, 1, 1, ${hex('release')}, ${sql.json(artefacts)}, 0, 'bench' from unnest(${ids}::text[]) as device(id)`;
  await sql`analyze`;
}

interface SpreadLoad extends Load {
  spread(devices: readonly { device: { id: string; password: string }; broker: string; authority: string | undefined }[]): Promise<void>;
}

function startLoad(): SpreadLoad {
  const file = fileURLToPath(new URL('./fleet10k-load.ts', import.meta.url));
  const children: ChildProcess[] = Array.from({ length: PROCESSES }, () => fork(file, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }));
  const ask = (child: ChildProcess, message: ToLoad): Promise<FromLoad> =>
    new Promise((resolve, reject) => {
      const ended = (): void => reject(new StarlingError('load-ended', 'a process with devices ended'));
      child.once('exit', ended);
      child.once('message', (answer: FromLoad) => {
        child.off('exit', ended);
        resolve(answer);
      });
      child.send(message);
    });
  return {
    tell: (message) => Promise.all(children.map((child) => ask(child, message))),
    async spread(devices) {
      const [{ broker, authority } = { broker: '', authority: undefined }] = devices;
      await Promise.all(
        children.map((child, place) => {
          const own = devices.filter((_, index) => index % children.length === place).map(({ device }) => device);
          return ask(child, { type: 'devices', broker, authority, devices: own });
        }),
      );
    },
    stop() {
      for (const child of children) child.kill('SIGKILL');
    },
  };
}

/** Bytes that a process has resident. */
export async function residentBytes(pid: number): Promise<number> {
  const pages = (await readFile(join('/proc', `${pid}`, 'statm'), 'utf8')).split(' ')[1];
  return Number(pages) * 4096;
}
