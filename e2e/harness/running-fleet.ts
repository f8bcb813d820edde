/** A folder -> a fleet on fixed ports with a root published and an operator signed in, and agents that reach it through a tap. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ApiClient, api, type DeviceView, type PrivateKey, type ReleaseView, type TelemetryRow } from '@starling/shared';
import { freePorts } from './free-ports.ts';
import { type FleetContents, startKnownFleet, TAP_HOST } from './known-fleet.ts';
import { createOperator, type Login, type Operator } from './operator.ts';
import { type AgentProcess, type FleetProcess, startAgentProcess, startFleetProcess } from './processes.ts';
import { openTap, type Tap } from './tap.ts';

const WAIT_MS = 60_000;

export interface RunningFleet {
  folder: string;
  readonly process: FleetProcess;
  baseUrl: string;
  /** Of the first admin. */
  login: Login;
  /** API token of an admin. */
  token: string;
  /** Of the operator. */
  keys: { root: PrivateKey; publisher: PrivateKey };
  /** Settings that it was started with. */
  flags: Readonly<Record<string, string>>;
  operator: Operator;
  client: ApiClient;
  tap: Tap;
  /** Starts the fleet again on the same folder and ports, after it has ended. @param flags settings that are others from now on */
  start(flags?: Readonly<Record<string, string>>): Promise<void>;
  /** Enrols an agent in a folder of its own, or starts it there again. */
  startAgent(name: string, options?: AgentOptions): Promise<AgentProcess>;
  agentFolder(name: string): string;
  device(id: string): Promise<DeviceView>;
  assign(id: string, release: ReleaseView | null): Promise<void>;
  /** Waits until the device runs the release and has verified it. @throws with what the device reported, after a minute */
  untilRunning(id: string, release: ReleaseView, timeoutMs?: number): Promise<DeviceView>;
  /** All records of a device, oldest first. */
  telemetry(id: string, kind?: TelemetryRow['kind']): Promise<TelemetryRow[]>;
  stop(): Promise<void>;
}

export interface AgentOptions {
  /** Assigned as soon as it enrols. */
  release?: ReleaseView;
  flags?: Readonly<Record<string, string>>;
  environment?: Readonly<Record<string, string | undefined>>;
}

/** @param contents what is there from the start beside the root */
export async function startRunningFleet(
  flags: Readonly<Record<string, string>> = {},
  contents: FleetContents = 'root',
): Promise<RunningFleet> {
  const folder = await mkdtemp(join(tmpdir(), 'starling-fault-'));
  const dataDirectory = join(folder, 'fleet');
  const [http = 0, https = 0, mqtt = 0, mqtts = 0] = await freePorts(4);
  let allFlags: Record<string, string> = {
    ...{ 'http-port': `${http}`, 'https-port': `${https}`, 'mqtt-port': `${mqtt}`, 'mqtts-port': `${mqtts}` },
    ...{ host: '127.0.0.1', names: TAP_HOST, 'public-url': `https://${TAP_HOST}:${https}`, 'telemetry-window-ms': '1000' },
    ...{ 'log-level': 'warn', ...flags },
  };
  const launch = (): Promise<FleetProcess> => startFleetProcess({ dataDirectory, flags: allFlags });
  const isElsewhere = 'database-url' in flags;
  const known = await startKnownFleet({ contents, launch, dataDirectory, isElsewhere });
  let fleet = known.process;
  const { login, token, keys } = known;
  const baseUrl = `http://127.0.0.1:${http}`;
  const operator = createOperator({ baseUrl, token, keys });
  const tap = await openTap({ host: TAP_HOST, ports: { mqtt, mqtts, https }, fleetDirectory: dataDirectory });
  const agents = new Map<string, AgentProcess>();
  const enrolled = new Set<string>();
  const { client } = operator;
  const device = (id: string): Promise<DeviceView> => client.call(api.showDevice, { params: { id } });

  return {
    ...{ folder, baseUrl, login, token, keys, operator, client, tap, device },
    get flags() {
      return allFlags;
    },
    get process() {
      return fleet;
    },
    async start(changed = {}) {
      allFlags = { ...allFlags, ...changed };
      fleet = await launch();
    },
    agentFolder: (name) => join(folder, name),
    async startAgent(name, { release, ...options } = {}) {
      const claim = enrolled.has(name)
        ? undefined
        : await client.call(api.createClaimToken, {
            body: { name, uses: 1, ...(release === undefined ? {} : { release: release.digest }) },
          });
      const agent = await startAgentProcess({
        dataDirectory: join(folder, name),
        ...options,
        ...(claim === undefined ? {} : { token: claim.text }),
      });
      agents.set(name, agent);
      enrolled.add(name);
      return agent;
    },
    async assign(id, release) {
      await client.call(api.assignDevice, { params: { id }, body: { release: release?.digest ?? null } });
    },
    untilRunning: (id, release, timeoutMs = WAIT_MS) =>
      until(
        `device ${id} runs ${release.name}`,
        async () => {
          const view = await device(id);
          const { reported, desired } = view;
          const runs = reported?.running?.release === release.digest && reported.running.verified && reported.phase === 'running';
          return runs && reported.generation === desired?.generation ? view : undefined;
        },
        timeoutMs,
        async () => JSON.stringify((await device(id)).reported),
      ),
    async telemetry(id, kind) {
      const rows: TelemetryRow[] = [];
      const known = new Set<string>();
      for (let offset = 0; ; offset += 100) {
        const query = { limit: 100, offset, ...(kind === undefined ? {} : { kind }) };
        const { items, total } = await client.call(api.listTelemetry, { params: { id }, query });
        // What comes meanwhile moves the others to later pages.
        for (const row of items) {
          const name = `${row.kind} ${row.streamId} ${row.sequence}`;
          if (!known.has(name)) rows.push(row);
          known.add(name);
        }
        if (rows.length >= total || items.length === 0) return rows.reverse();
      }
    },
    async stop() {
      await Promise.all([...agents.values()].map((agent) => agent.kill()));
      await tap.close();
      await fleet.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/**
 * Asks again until there is an answer.
 * @throws with `what` and, where given, the state at the end
 */
export async function until<Answer>(
  what: string,
  ask: () => Promise<Answer | undefined | false> | Answer | undefined | false,
  timeoutMs: number = WAIT_MS,
  state: () => Promise<string> | string = () => '',
): Promise<Answer> {
  const endMs = performance.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > endMs) throw new Error(`not within ${timeoutMs} ms: ${what} ${await state()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
