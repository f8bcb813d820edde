import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { api, type Policies, type ReleaseView, StarlingError } from '@starling/shared';
import { z } from 'zod';
import { demoModels } from '../demo/models.ts';
import { readSigns } from '../demo/read-signs.ts';
import type { Operator } from '../harness/operator.ts';
import { type AgentProcess, startAgentProcess } from '../harness/processes.ts';
import { startReadyFleet } from '../harness/ready-fleet.ts';
import { writeScenes } from '../scenes/index.ts';
import type { Measure, Say } from './result.ts';
import { inParallel, withFolder } from './runtime.ts';

const SCENES = 24;
const SEED = 1;
const IDLE_MS = 10_000;
const BUSY_MS = 30_000;
/** More than the runtime works on at once, so that it never waits for the next picture. */
const IN_FLIGHT = 4;
const P99_MAXIMUM_MS = 20;
const POLL_MS = 100;
const RUNNING_TIMEOUT_MS = 300_000;

const reportSchema = z.object({
  report: z.number(),
  count: z.number(),
  p50Ms: z.number(),
  p99Ms: z.number(),
  p999Ms: z.number(),
  maximumMs: z.number(),
});
type Report = z.infer<typeof reportSchema>;

/** A real agent of a real fleet, fed with pictures over its local HTTP server as fast as it takes them. */
export function measureEventLoop(say: Say): Promise<Measure[]> {
  return withFolder(async (folder) => {
    const { scenes } = await writeScenes({ folder: join(folder, 'scenes'), count: SCENES, seed: SEED });
    const images = await Promise.all(scenes.map(({ file }) => readFile(join(folder, 'scenes', file))));
    say('starting a fleet and publishing the demo release');
    const fleet = await startReadyFleet();
    let agent: AgentProcess | undefined;
    try {
      const release = await publishRelease(fleet.operator);
      const { text } = await fleet.client.call(api.createClaimToken, { body: { name: 'bench', uses: 1, release: release.digest } });
      const out = join(folder, 'delays.json');
      const probe = pathToFileURL(join(import.meta.dirname, 'eventloop-probe.ts'));
      probe.searchParams.set('out', out);
      agent = await startAgentProcess({
        dataDirectory: join(folder, 'agent'),
        token: text,
        environment: { NODE_OPTIONS: `--import=${probe.href}` },
      });
      await untilRunning(fleet.operator, agent.ready.device);
      const { httpPort } = agent.ready;
      await infer(httpPort, images, images.length);
      const report = reporter(agent.pid, out);
      await report();
      say(`idle for ${IDLE_MS / 1000} s`);
      await sleep(IDLE_MS);
      const idle = await report();
      say(`inferring flat out for ${BUSY_MS / 1000} s`);
      const startedMs = performance.now();
      const read = await inferUntil(httpPort, images, startedMs + BUSY_MS);
      const tookMs = performance.now() - startedMs;
      return measuresOf(idle, await report(), read / (tookMs / 1000));
    } finally {
      await agent?.stop();
      await fleet.stop();
    }
  });
}

/** Values are intervals of a timer of 1 ms, so 1 ms of each is no delay. */
function measuresOf(idle: Report, busy: Report, framesPerSecond: number): Measure[] {
  return [
    { name: 'delay while inferring flat out, p99', value: busy.p99Ms, unit: 'ms', target: P99_MAXIMUM_MS, better: 'lower' },
    { name: 'delay while inferring flat out, median', value: busy.p50Ms, unit: 'ms' },
    { name: 'delay while inferring flat out, p99.9', value: busy.p999Ms, unit: 'ms' },
    { name: 'delay while inferring flat out, longest', value: busy.maximumMs, unit: 'ms' },
    { name: 'delay of the idle agent, p99', value: idle.p99Ms, unit: 'ms' },
    { name: 'frames read meanwhile', value: framesPerSecond, unit: 'frames/s' },
  ];
}

async function publishRelease(operator: Operator): Promise<ReleaseView> {
  const policies: Policies = {
    egress: { outputs: ['readings'], edges: [], sinks: [] },
    ...{ capture: { enabled: false }, retention: { resultDays: 30 }, power: {} },
  };
  for (const files of demoModels) await operator.waitForBuilds((await operator.pushModel(files)).digest);
  await operator.pushPipeline(readSigns);
  return operator.createRelease({ name: 'read-signs-bench', pipeline: `${readSigns.name}@${readSigns.version}`, policies });
}

async function untilRunning(operator: Operator, id: string): Promise<void> {
  const until = performance.now() + RUNNING_TIMEOUT_MS;
  for (;;) {
    const { reported } = await operator.client.call(api.showDevice, { params: { id } });
    if (reported?.phase === 'running') return;
    if (reported?.phase === 'failed') throw new StarlingError('device-failed', reported.error?.message ?? 'the release did not run');
    if (performance.now() > until) throw new StarlingError('timed-out', 'the device does not run after five minutes');
    await sleep(POLL_MS);
  }
}

async function infer(httpPort: number, images: readonly Uint8Array[], count: number): Promise<void> {
  const chosen = Array.from({ length: count }, (_, place) => images[place % images.length] as Uint8Array);
  await inParallel(chosen, IN_FLIGHT, (image) => inferOne(httpPort, image));
}

async function inferUntil(httpPort: number, images: readonly Uint8Array[], untilMs: number): Promise<number> {
  let read = 0;
  await inParallel(Array.from({ length: IN_FLIGHT }), IN_FLIGHT, async (_, place) => {
    for (let at = place; performance.now() < untilMs; at += IN_FLIGHT) {
      await inferOne(httpPort, images[at % images.length] as Uint8Array);
      read += 1;
    }
  });
  return read;
}

async function inferOne(httpPort: number, image: Uint8Array): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${httpPort}/v1/infer`, { method: 'POST', body: image as Uint8Array<ArrayBuffer> });
  const answer = await response.text();
  if (!response.ok) throw new StarlingError('bench-failed', `the agent answered ${response.status}: ${answer}`);
}

/** Asks the probe for what it has seen since it was asked last. */
function reporter(pid: number, out: string): () => Promise<Report> {
  let asked = 0;
  return async () => {
    asked += 1;
    process.kill(pid, 'SIGUSR2');
    for (;;) {
      const text = await readFile(out, 'utf8').catch(() => '');
      const report = parse(text);
      if (report?.report === asked) return report;
      await sleep(POLL_MS);
    }
  };
}

function parse(text: string): Report | undefined {
  // The file may be half written, or not there yet.
  if (!text.endsWith('}')) return undefined;
  return reportSchema.parse(JSON.parse(text));
}

function sleep(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}
