import { randomFillSync } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { systemClock } from '@starling/fleet';
import { api, type Policies, type ReleaseView, StarlingError } from '@starling/shared';
import { z } from 'zod';
import { readOrMakeKeys } from '../demo/kept.ts';
import { demoModels } from '../demo/models.ts';
import { readSigns } from '../demo/read-signs.ts';
import { type Child, startChild } from '../harness/child.ts';
import { createOperator, makeApiToken, type Operator } from '../harness/operator.ts';
import { type AgentProcess, fleetNodeFlags, startAgentProcess } from '../harness/processes.ts';
import { type Measure, median } from './result.ts';

const FILE_BYTES = 100 * 1024 * 1024;
const ROUNDS = 5;
const MANY = 20;
/** A machine that does something else for a moment would decide a single one. */
const MANY_ROUNDS = 3;
const SAMPLE_MS = 25;
const policies: Policies = {
  egress: { outputs: ['readings'], edges: [], sinks: [] },
  ...{ capture: { enabled: false }, retention: { resultDays: 30 }, power: {} },
};

const readySchema = z.object({
  type: z.literal('ready'),
  addresses: z.object({ http: z.string() }),
  firstLogin: z.object({ email: z.string(), password: z.string() }),
  filePort: z.number(),
});
type BenchFleet = Child<z.infer<typeof readySchema>>;
const pulledSchema = z.object({ message: z.literal('pulled'), sizeBytes: z.number(), tookMs: z.number(), time: z.string() });

interface Setup {
  folder: string;
  fleet: BenchFleet;
  operator: Operator;
  /** Without and with the large file. */
  light: ReleaseView;
  heavy: ReleaseView;
}

/** 100 MB over the fleet's broker to real agents, against a streamed HTTPS GET of the same file from the same process. */
export async function measureTransfer(say: (line: string) => void): Promise<Measure[]> {
  const setup = await setUp(say);
  try {
    const pulls: Pull[] = [];
    const gets: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      gets.push(await getOnce(setup));
      pulls.push(...(await pullWith(setup, 1, round)));
      const last = pulls.at(-1) as Pull;
      say(
        `round ${round + 1}: GET ${rate(gets.at(-1) as number).toFixed(0)} MB/s, agent ${rate(last.tookMs).toFixed(0)} MB/s, agent +${mega(last.agentGrowthBytes).toFixed(0)} MB, fleet +${mega(last.fleetGrowthBytes).toFixed(0)} MB`,
      );
    }
    const getMs = median(gets);
    const pullMs = median(pulls.map(({ tookMs }) => tookMs));
    const aggregates: number[] = [];
    for (let round = 0; round < MANY_ROUNDS; round += 1) {
      aggregates.push(aggregateOf(await pullWith(setup, MANY, ROUNDS + round)));
      say(`20 at once, round ${round + 1}: ${aggregates.at(-1)?.toFixed(0)} MB/s`);
    }
    const aggregate = median(aggregates);
    return [
      { name: 'HTTPS GET, 100 MB to disk', value: rate(getMs), unit: 'MB/s' },
      { name: 'one agent, 100 MB verified and on disk', value: rate(pullMs), unit: 'MB/s' },
      { name: 'one agent against HTTPS GET', value: getMs / pullMs, unit: 'x', target: 1, better: 'higher' },
      {
        name: 'memory growth of the agent',
        value: mega(median(pulls.map((each) => each.agentGrowthBytes))),
        unit: 'MB',
        target: 64,
        better: 'lower',
      },
      {
        name: 'memory growth of the fleet',
        value: mega(median(pulls.map((each) => each.fleetGrowthBytes))),
        unit: 'MB',
        target: 96,
        better: 'lower',
      },
      { name: '20 agents at once, aggregate', value: aggregate, unit: 'MB/s' },
      { name: '20 agents at once against one alone', value: aggregate / rate(pullMs), unit: 'x', target: 0.8, better: 'higher' },
    ];
  } finally {
    await setup.fleet.stop();
    await rm(setup.folder, { recursive: true, force: true });
  }
}

/** @returns MB/s of all together, from the first start to the last end */
function aggregateOf(pulls: readonly Pull[]): number {
  const spanMs = Math.max(...pulls.map(({ endMs }) => endMs)) - Math.min(...pulls.map(({ endMs, tookMs }) => endMs - tookMs));
  return (pulls.length * FILE_BYTES) / 1e6 / (spanMs / 1000);
}

async function setUp(say: (line: string) => void): Promise<Setup> {
  const folder = await mkdtemp(join(tmpdir(), 'starling-transfer-'));
  const file = join(folder, 'large.bin');
  await writeFile(file, randomFillSync(Buffer.alloc(FILE_BYTES)));
  const fleet = await startChild({
    program: 'e2e/bench/transfer-fleet.ts',
    nodeFlags: fleetNodeFlags,
    args: ['--file', file, '--data-directory', join(folder, 'fleet'), ...portFlags()],
    ready: readySchema,
  });
  const { addresses, firstLogin } = fleet.ready;
  const token = await makeApiToken(addresses.http, firstLogin, 'bench');
  const operator = createOperator({ baseUrl: addresses.http, token, keys: await readOrMakeKeys(join(folder, 'keys')) });
  await operator.publishRoot({ nowMs: systemClock.nowMs(), lifeMs: 86_400_000, demo: true });
  say('building the models');
  const digests: string[] = [];
  for (const model of demoModels) digests.push((await operator.pushModel(model)).digest);
  await operator.pushPipeline(readSigns);
  for (const digest of digests) await operator.waitForBuilds(digest);
  const light = await operator.createRelease({ name: 'light', pipeline: 'read-signs@1.0.0', policies });
  const [detection] = demoModels;
  if (detection === undefined) throw new StarlingError('no-models', 'there are no demo models');
  const loaded = await operator.pushModel({ ...detection, version: '4.0.1', assets: { large: file } });
  await operator.waitForBuilds(loaded.digest);
  const heavy = await operator.createRelease({ name: 'heavy', pipeline: 'read-signs@1.0.0', policies });
  return { folder, fleet, operator, light, heavy };
}

interface Pull {
  tookMs: number;
  endMs: number;
  agentGrowthBytes: number;
  fleetGrowthBytes: number;
}

/** Fresh agents reach the light release, then get the heavy one at once. */
async function pullWith({ folder, fleet, operator, light, heavy }: Setup, count: number, round: number): Promise<Pull[]> {
  const { text } = await operator.client.call(api.createClaimToken, { body: { name: 'bench', uses: count, release: light.digest } });
  const pulled = Array.from({ length: count }, () => Promise.withResolvers<z.infer<typeof pulledSchema>>());
  const agents: AgentProcess[] = [];
  const dataOf = (index: number): string => join(folder, `agent-${round}-${index}`);
  try {
    for (let index = 0; index < count; index += 1) {
      const onLine = (line: string): void => {
        const parsed = pulledSchema.safeParse(parse(line)).data;
        if (parsed !== undefined && parsed.sizeBytes === FILE_BYTES) pulled[index]?.resolve(parsed);
      };
      agents.push(await startAgentProcess({ dataDirectory: dataOf(index), token: text, onLine }));
    }
    for (const agent of agents) await untilRunning(operator, agent.ready.device, light.digest);
    const [alone, others] = agents;
    // Reading the memory of many processes forty times a second would take a good part of what is measured.
    const memory = await watchMemory([fleet.pid, ...(alone === undefined || others !== undefined ? [] : [alone.pid])]);
    await Promise.all(
      agents.map((agent) =>
        operator.client.call(api.assignDevice, { params: { id: agent.ready.device }, body: { release: heavy.digest } }),
      ),
    );
    const ends = await Promise.all(pulled.map(({ promise }) => promise));
    const growth = memory.stop();
    return ends.map(({ tookMs, time }, index) => ({
      tookMs,
      endMs: Date.parse(time),
      agentGrowthBytes: growth.get(agents[index]?.pid ?? 0) ?? 0,
      fleetGrowthBytes: growth.get(fleet.pid) ?? 0,
    }));
  } finally {
    await Promise.all(agents.map((agent) => agent.stop()));
    for (let index = 0; index < count; index += 1) await rm(dataOf(index), { recursive: true, force: true });
  }
}

async function untilRunning(operator: Operator, id: string, release: string): Promise<void> {
  for (;;) {
    const { reported } = await operator.client.call(api.showDevice, { params: { id } });
    if (reported?.phase === 'running' && reported.running?.release === release) return;
    if (reported?.phase === 'failed') throw new StarlingError('device-failed', reported.error?.message ?? 'the release did not run');
    await sleep(200);
  }
}

/** Watches resident memory until it is stopped. @returns growth of each process over its first sample, largest seen */
async function watchMemory(pids: readonly number[]): Promise<{ stop(): Map<number, number> }> {
  const first = new Map<number, number>();
  const largest = new Map<number, number>();
  const sample = async (): Promise<void> => {
    for (const pid of pids) {
      const bytes = await residentBytes(pid);
      if (!first.has(pid)) first.set(pid, bytes);
      largest.set(pid, Math.max(bytes, largest.get(pid) ?? 0));
    }
  };
  await sample();
  const timer = setInterval(() => void sample().catch(() => undefined), SAMPLE_MS);
  return {
    stop() {
      clearInterval(timer);
      return new Map(pids.map((pid) => [pid, (largest.get(pid) ?? 0) - (first.get(pid) ?? 0)]));
    },
  };
}

async function residentBytes(pid: number): Promise<number> {
  const match = /VmRSS:\s+(\d+) kB/.exec(await readFile(`/proc/${pid}/status`, 'utf8'));
  return Number(match?.[1] ?? 0) * 1024;
}

async function getOnce({ folder, fleet }: Setup): Promise<number> {
  const into = join(folder, 'got.bin');
  const startedMs = performance.now();
  await new Promise<void>((resolve, reject) => {
    request({ host: '127.0.0.1', port: fleet.ready.filePort, rejectUnauthorized: false }, (response) => {
      pipeline(response, createWriteStream(into)).then(resolve, reject);
    })
      .once('error', reject)
      .end();
  });
  const file = await open(into, 'r+');
  await file.datasync();
  await file.close();
  return performance.now() - startedMs;
}

function portFlags(): string[] {
  return ['http-port', 'https-port', 'mqtt-port', 'mqtts-port'].flatMap((name) => [`--${name}`, '0']);
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function rate(tookMs: number): number {
  return FILE_BYTES / 1e6 / (tookMs / 1000);
}

function mega(bytes: number): number {
  return bytes / 1e6;
}

function sleep(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}
