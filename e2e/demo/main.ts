import { readdir, readFile } from 'node:fs/promises';
import { constants, setPriority } from 'node:os';
import { join, resolve } from 'node:path';
import { systemClock } from '@starling/fleet';
import {
  type ApiClient,
  api,
  formatClaimToken,
  isStarlingError,
  messageOf,
  parseClaimToken,
  type ReleaseView,
  readingSchema,
  StarlingError,
} from '@starling/shared';
import { z } from 'zod';
import type { Operator } from '../harness/operator.ts';
import { type AgentProcess, startAgentProcess } from '../harness/processes.ts';
import { writeScenes } from '../scenes/index.ts';
import { type DemoConfig, demoHelp, readDemoConfig } from './config.ts';
import { createDroppedReader } from './dropped.ts';
import { type DemoFleet, firstLoginFile, publishDemoRoot, startDemoFleet } from './fleet.ts';
import { wordsOfGivenRelease } from './given-release.ts';
import { keep, readKept } from './kept.ts';
import { demoModels } from './models.ts';
import { buildDashboard, buildRunPage } from './pages.ts';
import { readSigns } from './read-signs.ts';
import { createSteps, type Steps } from './steps.ts';

const SCENES_AT_FIRST = 24;
const POLL_MS = 300;
const RUNNING_TIMEOUT_MS = 300_000;

/** `npm start`: a fleet, its models, one agent, and the first text that it reads. */
async function main(): Promise<void> {
  if (process.argv.includes('--help')) {
    console.log(demoHelp());
    return;
  }
  const flags = readDemoConfig(process.argv.slice(2));
  const config: DemoConfig = { ...flags, directory: resolve(flags.directory) };
  const steps = createSteps(process.stdout, () => performance.now());
  const fleetLog: string[] = [];

  await steps.run('Build the dashboard', buildDashboard);
  // Mostly one thread that compresses, for most of a minute: whoever waits for the first text does not need it.
  const runPage = startBuildOfRunPage();
  const scenes = join(config.directory, 'scenes');
  await steps.run('Paint the first pictures', (say) => paintFirst(scenes, config, say));
  const fleet = await steps.run('Start the fleet manager, its database and its broker', (say) =>
    startDemoFleet(config, (line) => fleetLog.push(line), say),
  );
  let agent: AgentProcess | undefined;
  const stop = async (): Promise<void> => {
    steps.note('\nStopping …');
    await agent?.stop();
    await fleet.process.stop();
    process.exit(0);
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);

  try {
    const { operator } = fleet;
    await steps.run('Make the keys of the demo and publish the root', async (say) =>
      say((await publishDemoRoot(operator, () => systemClock.nowMs())) ? 'made' : 'there already'),
    );
    const release = await publishRelease(operator, steps);
    agent = await steps.run('Start an agent and enrol it', async (say) => {
      const dropped = createDroppedReader((text) => steps.note(`  Read        ${text}`));
      const started = await startDemoAgent(config, fleet, release, scenes, dropped);
      say(started.ready.device);
      return started;
    });
    const { device } = agent.ready;
    const given = wordsOfGivenRelease(await operator.client.call(api.showDevice, { params: { id: device } }), release.digest);
    if (given === undefined) {
      await steps.run('Pull what fits this machine, test it, run it', (say) => waitUntilRunning(operator.client, device, say));
      await steps.run('Read the first picture', async (say) => say(await readFirst(operator.client, device, scenes)));
    } else steps.note(`  ${given}`);
    const { http } = fleet.process.ready.addresses;
    steps.note(`\n  Dashboard   ${http}   (for other machines: ${await addressElsewhere(config, fleet)})`);
    if (fleet.firstLogin === undefined) steps.note(`  Login       as before; the first one is in ${firstLoginFile(config.directory)}`);
    else steps.note(`  Login       ${fleet.firstLogin.email}   ${fleet.firstLogin.password}   (change it under Settings)`);
    steps.note(`  Pictures    ${scenes}   (drop any photo in: what it says comes here)`);
    steps.note('\n  Ctrl-C stops both; the next npm start goes on from here.');
    await steps.run('Build the page for browsers, begun at the start', runPage);
    if (config.once) await stop();
    await paintRest(scenes, config, steps);
    await Promise.race([fleet.process.exited, agent.exited]);
    throw new StarlingError(
      'child-ended',
      `the fleet or the agent has ended:\n${fleetLog.slice(-5).join('\n')}\n${agent.output().slice(-2000)}`,
    );
  } catch (error) {
    await agent?.stop();
    await fleet.process.stop();
    throw error;
  }
}

/** @returns what waits for its end */
function startBuildOfRunPage(): (say: (progress: string) => void) => Promise<void> {
  let state = '';
  const built = buildRunPage((progress) => {
    state = progress;
  });
  built.catch(() => undefined);
  return async (say) => {
    await built;
    if (state !== '') say(state);
  };
}

/** Enough to start with; the rest is painted when everything runs. */
async function paintFirst(folder: string, { scenes, seed }: DemoConfig, say: (progress: string) => void): Promise<void> {
  const count = Math.min(scenes, SCENES_AT_FIRST);
  if ((await countScenes(folder)) >= count) return say('there already');
  await writeScenes({ folder, count, seed, onProgress: (done) => say(`${done} of ${count}`) });
}

async function paintRest(folder: string, { scenes, seed }: DemoConfig, steps: Steps): Promise<void> {
  if ((await countScenes(folder)) >= scenes) return;
  // Fleet and agent were started before and keep their priority.
  setPriority(constants.priority.PRIORITY_LOW);
  steps.note('');
  await steps.run('Paint the other pictures in the background', (say) =>
    writeScenes({ folder, count: scenes, seed, onProgress: (done) => say(`${done} of ${scenes}`) }),
  );
}

async function countScenes(folder: string): Promise<number> {
  return (await readdir(folder).catch(() => [])).filter((name) => /^scene-\d+\.jpg$/.test(name)).length;
}

/** Registers models, pipeline and release, unless an earlier start has. */
async function publishRelease(operator: Operator, steps: Steps): Promise<ReleaseView> {
  const { client } = operator;
  const models = (await client.call(api.listModels, { query: { limit: 100, offset: 0 } })).items;
  for (const files of demoModels) {
    await steps.run(`Register ${files.name} and build its artefacts`, async (say) => {
      const known = models.find(({ name, version }) => name === files.name && version === files.version);
      const model = known ?? (await operator.pushModel(files));
      // Enough to run; the other artefacts are built while the agent starts.
      const { artefacts } = await operator.waitForBuilds(model.digest, {
        onProgress: (step, percent) => say(`${step} ${percent} %`),
        methods: ['source', 'weights-int8'],
      });
      say(artefacts.map(({ precision, sizeBytes }) => `${precision} ${(sizeBytes / 1e6).toFixed(1)} MB`).join(', '));
    });
  }
  return steps.run('Sign the pipeline and the release', async (say) => {
    const [known] = (await client.call(api.listReleases, { query: { limit: 100, offset: 0 } })).items.filter(
      ({ name }) => name === 'read-signs-1',
    );
    const pipelines = (await client.call(api.listPipelines, { query: { limit: 100, offset: 0 } })).items;
    if (!pipelines.some(({ name, version }) => name === readSigns.name && version === readSigns.version))
      await operator.pushPipeline(readSigns);
    const release =
      known ??
      (await operator.createRelease({
        name: 'read-signs-1',
        pipeline: `${readSigns.name}@${readSigns.version}`,
        // Texts may leave the device; pictures stay on it.
        policies: {
          egress: { outputs: ['readings'], edges: [], sinks: [] },
          ...{ capture: { enabled: false }, retention: { resultDays: 30 }, power: {} },
        },
      }));
    say(`${release.name}, ${release.digest.slice(0, 12)}`);
    return release;
  });
}

async function startDemoAgent(
  config: DemoConfig,
  fleet: DemoFleet,
  release: ReleaseView,
  scenes: string,
  onLine: (line: string) => void,
): Promise<AgentProcess> {
  const dataDirectory = join(config.directory, 'agent');
  const enrolled = await readKept(join(config.directory, 'demo', 'device.json'), z.string());
  const claim = enrolled === undefined ? await makeLocalClaim(fleet, release.digest) : undefined;
  const agent = await startAgentProcess({
    dataDirectory,
    flags: { watch: scenes },
    onLine,
    ...(claim === undefined ? {} : { token: claim }),
  });
  if (enrolled === undefined) await keep(join(config.directory, 'demo', 'device.json'), agent.ready.device);
  return agent;
}

/** A claim token by which the agent beside the fleet finds it whatever this machine is called tomorrow, or which network it is in. */
async function makeLocalClaim({ operator, process: { ready } }: DemoFleet, release: string): Promise<string> {
  const { text } = await operator.client.call(api.createClaimToken, {
    body: { name: 'demo', uses: 1, expiresInHours: 1, labels: { site: 'here' }, release },
  });
  const claim = parseClaimToken(text);
  if (claim === undefined) throw new StarlingError('invalid-token', 'the fleet made a claim token that is none');
  return formatClaimToken({ ...claim, url: `https://localhost:${new URL(ready.addresses.https).port}` });
}

/** Where other machines reach the fleet: as somebody said, else the address that its codes for phones lead to. */
async function addressElsewhere({ address }: DemoConfig, { operator, process: { ready } }: DemoFleet): Promise<string> {
  const { https } = ready.addresses;
  if (address !== '') return https;
  const { reachableUrls } = await operator.client.call(api.settings, {});
  return reachableUrls[0] ?? https;
}

async function waitUntilRunning(client: ApiClient, device: string, say: (progress: string) => void): Promise<void> {
  const until = performance.now() + RUNNING_TIMEOUT_MS;
  for (;;) {
    const { online, reported, desired } = await client.call(api.showDevice, { params: { id: device } });
    if (reported?.phase === 'failed')
      throw new StarlingError('device-failed', reported.error?.message ?? 'the device could not run the release');
    if (online && reported?.phase === 'running' && reported.generation === desired?.generation) {
      const chosen = Object.entries(desired.choices).map(([model, { precision }]) => `${model} ${precision}`);
      return say(chosen.join(', '));
    }
    const step = reported?.steps.find(({ state }) => state === 'running');
    if (step !== undefined) {
      const percent = step.totalBytes === undefined ? '' : ` ${Math.round((100 * (step.doneBytes ?? 0)) / Math.max(1, step.totalBytes))} %`;
      say(`${step.step} ${step.subject}${percent}`);
    }
    if (performance.now() > until) throw new StarlingError('timed-out', `the device is ${reported?.phase ?? 'silent'} after five minutes`);
    await new Promise((done) => setTimeout(done, POLL_MS));
  }
}

async function readFirst(client: ApiClient, device: string, scenes: string): Promise<string> {
  const [first] = (await readdir(scenes)).filter((name) => /\.(jpe?g|png)$/.test(name)).sort();
  if (first === undefined) return 'there is no picture';
  const { result } = await client.call(api.inferOnDevice, { params: { id: device }, raw: await readFile(join(scenes, first)) });
  const readings = z.array(readingSchema).parse(result.outputs.readings ?? []);
  return `${first}: ${readings.map(({ text }) => `"${text}"`).join(' ')} in ${Math.round(result.latencyMs)} ms`;
}

main().catch((error: unknown) => {
  console.error(`\n${messageOf(error)}`);
  if (isStarlingError(error) && error.hint !== undefined) console.error(`  ${error.hint}`);
  process.exit(1);
});
