import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { loadProfiles } from '@starling/device-profiles';
import { type ApiClient, api, nearestName, parseClaimToken } from '@starling/shared';
import type { Command } from 'commander';
import { z } from 'zod';
import {
  type Crowd,
  type CrowdFigures,
  capabilitiesOfProfile,
  defaultBehaviour,
  type ReleaseFacts,
  startCrowd,
} from '../../simulator/index.ts';
import type { Connection, Context } from '../context.ts';
import { cliError } from '../errors.ts';
import { type ContextOf, collect, examples, numberOption, readOptions, wordsSchema } from '../options.ts';
import { formatBytes } from '../printable.ts';
import { readPrivateFile, writePrivateFile } from '../private-files.ts';

const share = (): z.ZodCoercedNumber<unknown> => numberOption().min(0).max(1);

const simulateOptions = z.object({
  devices: numberOption().int().min(1).max(100_000).default(100),
  profile: z.string().default('raspberry-pi-5'),
  sites: numberOption().int().min(1).max(500).default(10),
  release: z.string().optional(),
  seed: numberOption()
    .int()
    .min(0)
    .max(2 ** 31)
    .default(1),
  rate: numberOption().min(0.1).max(5000).default(100),
  processes: numberOption().int().min(1).max(64).optional(),
  telemetrySeconds: numberOption('seconds').min(1).max(3600).default(60),
  latencyMs: numberOption('milliseconds').positive().max(60_000).default(defaultBehaviour.latencyMs),
  itemsPerSecond: numberOption().positive().max(1000).default(defaultBehaviour.itemsPerSecond),
  badRelease: wordsSchema,
  latencyFactor: numberOption().positive().max(100).default(1),
  errorRate: share().default(0),
  failureShare: share().default(0),
  dropsPerHour: numberOption().min(0).max(3600).default(defaultBehaviour.dropsPerHour),
  slowShare: share().default(defaultBehaviour.slowShare),
  pull: z.boolean().default(false),
  timeFactor: numberOption().min(0).max(100).default(1),
  forSeconds: numberOption('seconds').positive().optional(),
  remove: z.boolean().default(false),
  yes: z.boolean().default(false),
});
type SimulateOptions = z.infer<typeof simulateOptions>;

/** Devices that one process has without waiting for its processor. */
const DEVICES_PER_PROCESS = 2500;
const PROCESSES_MAXIMUM = 4;
const TICK_MS = 1000;
const TOKEN_HOURS = 24;

export function defineSimulate(program: Command, contextOf: ContextOf): void {
  program
    .command('simulate')
    .summary('run simulated devices against a fleet')
    .description(
      'Simulated devices enrol with keys of their own, log in, take what they are assigned, report, send telemetry and answer commands\n' +
        'as agents do, but run no models, and pull artefacts with --pull alone. The same seed gives the same devices again. They have the\n' +
        'labels simulated=true, site and area; --remove deletes them.',
    )
    .option('--devices <n>', 'how many (default 100)')
    .option('--profile <name>', 'device profile that they match (default raspberry-pi-5)')
    .option('--sites <n>', 'sites that they are spread over (default 10)')
    .option('--release <name>', 'release that they get when they enrol')
    .option('--seed <n>', 'what everything random follows from (default 1)')
    .option('--rate <n>', 'devices that start in a second (default 100)')
    .option('--processes <n>', 'processes that they run in (default: one for each 2500, at most 4)')
    .option('--telemetry-seconds <n>', 'length of a telemetry window (default 60)')
    .option('--latency-ms <n>', 'median latency of an inference (default 40)')
    .option('--items-per-second <n>', 'inferences of each device (default 2)')
    .option('--bad-release <name>', 'release that is worse than others; may be repeated', collect)
    .option('--latency-factor <n>', 'with a bad release inference takes so many times as long (default 1)')
    .option('--error-rate <share>', 'with a bad release this share of inferences fails (default 0)')
    .option('--failure-share <share>', 'share of devices on which a bad release fails its self-test (default 0)')
    .option('--drops-per-hour <n>', 'times that each device loses its connection (default 0.2)')
    .option('--slow-share <share>', 'share of devices on a slow link (default 0.1)')
    .option('--time-factor <n>', 'installing takes so many times as long (default 1)')
    .option('--pull', 'pull the artefacts of what they are assigned (see --release) over MQTT: verified by digest, counted, kept nowhere')
    .option('--for-seconds <n>', 'stop by itself (default: at Ctrl-C)')
    .option('--remove', 'delete the simulated devices of the fleet, and all that is known of them')
    .option('--yes', 'with --remove: without asking')
    .addHelpText(
      'after',
      examples(
        ['starling simulate --devices 10000 --profile raspberry-pi-5', 'until Ctrl-C'],
        ['starling simulate --devices 500 --bad-release signs-2 --latency-factor 1.2 --error-rate 0.02', 'for gates to find'],
        ['starling simulate --devices 200 --pull --release signs-2 --for-seconds 120', 'what a rollout asks of the network'],
        ['starling simulate --remove', 'clean up'],
      ),
    )
    .action(async (_options, command: Command) => {
      const context = contextOf(command);
      const options = readOptions(command, simulateOptions);
      await (options.remove ? removeAll(context, options) : simulate(context, options));
    });
}

async function removeAll({ connect, prompt, output }: Context, { yes }: SimulateOptions): Promise<void> {
  const { client } = await connect();
  const { devices } = await client.call(api.removeSimulated, { body: { dryRun: true } });
  if (devices > 0) await prompt.confirm(`delete ${devices} simulated devices and all that is known of them?`, { yes });
  const removed = devices === 0 ? { devices } : await client.call(api.removeSimulated, { body: { dryRun: false } });
  output.result(
    removed,
    () => `${removed.devices} simulated devices were deleted`,
    () => [`${removed.devices}`],
  );
}

async function simulate(context: Context, options: SimulateOptions): Promise<void> {
  const profile = loadProfiles().find(({ name }) => name === options.profile);
  if (profile === undefined) {
    const known = loadProfiles().map(({ name }) => name);
    const near = nearestName(options.profile, known);
    throw cliError('usage', `there is no device profile "${options.profile}"`, {
      field: '--profile',
      hint: near === undefined ? `use ${known.join(', ')}` : `did you mean ${near}?`,
    });
  }
  const capabilities = capabilitiesOfProfile(profile, '');
  const connection = await context.connect();
  const { client, fleet } = connection;
  const secret = await secretOf(context, connection);
  if (options.pull && options.release === undefined) await warnOfNothing(context, client);
  const tokens = await claimTokens(client, options);
  const authority = connection.authority ?? (await pinnedAuthority(client, tokens[0]));
  const devices = Array.from({ length: options.devices }, (_, place) => ({
    place: options.seed * 1_000_000 + place,
    name: `sim-${options.seed}-${`${place + 1}`.padStart(5, '0')}`,
    claimToken: tokens[place % tokens.length] ?? '',
  }));
  const { seed, latencyMs, itemsPerSecond, badRelease: badReleases = [], latencyFactor, errorRate } = options;
  const { failureShare, dropsPerHour, slowShare, timeFactor } = options;
  const crowd = startCrowd({
    ...{ baseUrl: fleet, authority, capabilities, secret, devices, startsPerSecond: options.rate },
    behaviour: {
      ...{ seed, latencyMs, itemsPerSecond, badReleases, latencyFactor, errorRate, failureShare, dropsPerHour, slowShare, timeFactor },
    },
    telemetryMs: options.telemetrySeconds * 1000,
    pull: options.pull,
    processes: options.processes ?? Math.min(PROCESSES_MAXIMUM, Math.ceil(options.devices / DEVICES_PER_PROCESS)),
    facts: (digest) => factsOf(client, digest),
  });
  await watch(context, crowd, options);
}

/** Devices that nobody gave a release pull nothing, which looks as if they were broken. */
async function warnOfNothing({ output }: Context, client: ApiClient): Promise<void> {
  const { items } = await client.call(api.listReleases, { query: { limit: 1 } });
  const example = items[0]?.name ?? 'NAME';
  output.warn(
    `new devices get no release when they enrol, and pull nothing until a rollout or an operator gives them one; --release ${example} gives them one at once`,
  );
}

/** Shows how the devices are until Ctrl-C, the end of the time, or that of a process. */
async function watch({ output, signal, nowMs }: Context, crowd: Crowd, { devices, forSeconds, pull }: SimulateOptions): Promise<void> {
  const progress = output.progress(`${devices} simulated devices`);
  const untilMs = nowMs() + (forSeconds ?? Number.POSITIVE_INFINITY) * 1000;
  let ended = false;
  let before = { bytes: 0, atMs: nowMs() };
  void crowd.ended.then(() => {
    ended = true;
  });
  while (!signal.aborted && !ended && nowMs() < untilMs) {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        signal.removeEventListener('abort', stop);
        resolve();
      }, TICK_MS);
      const stop = (): void => {
        clearTimeout(timer);
        resolve();
      };
      signal.addEventListener('abort', stop, { once: true });
    });
    const figures = crowd.figures();
    const tickedMs = nowMs();
    const bytesPerSecond = ((figures.pulledBytes - before.bytes) * 1000) / Math.max(1, tickedMs - before.atMs);
    before = { bytes: figures.pulledBytes, atMs: tickedMs };
    const speed = figures.pulling > 0 ? `, ${formatBytes(bytesPerSecond)}/s` : '';
    progress.update(figures.connected / devices, `${describe(figures, pull)}${speed}`);
  }
  const endedByItself = ended;
  await crowd.stop();
  const figures = crowd.figures();
  if (endedByItself) {
    progress.failed();
    throw cliError('items-failed', 'a process with devices ended', { hint: 'its last words stand above; fewer devices may help' });
  }
  progress.done('all have left');
  output.result(figures, () => describe({ ...figures, connected: 0 }, pull));
}

function describe(figures: CrowdFigures, pulls: boolean): string {
  const { enrolled, connected, running, failed, recordsSent, recordsAcknowledged, commands, problems, reasons } = figures;
  const parts = [`${connected} connected`, `${enrolled} enrolled`, `${running} running`];
  if (failed > 0) parts.push(`${failed} failed`);
  parts.push(...pullWords(figures, pulls), `${recordsAcknowledged} of ${recordsSent} records acknowledged`);
  if (commands > 0) parts.push(`${commands} commands`);
  for (const [code, count] of Object.entries(problems)) parts.push(`${code} ${count} times${reasonWords(reasons[code])}`);
  return parts.join(', ');
}

/** What was said last, and what to do about a certificate that nobody vouches for. */
function reasonWords(reason: string | undefined): string {
  if (reason === undefined) return '';
  const hint = /certificate/i.test(reason) ? '; give the PEM file of the authority that signed it with --ca' : '';
  return ` (${reason}${hint})`;
}

function pullWords(figures: CrowdFigures, pulls: boolean): string[] {
  const { pulling, pulled, pullsRetried, pullsGivenUp, pulledChunks, pulledBytes, verifiedBytes, wantedBytes, refusedChunks } = figures;
  if (pulling + pulledChunks + pullsRetried + pullsGivenUp === 0) return pulls ? ['nothing pulled yet'] : [];
  const files = wantedBytes === 0 ? '' : `, ${formatBytes(verifiedBytes)} of ${formatBytes(wantedBytes)} verified`;
  const words = [`${pulled} pulls done`, `${pulledChunks} chunks in ${formatBytes(pulledBytes)}${files}`];
  if (pulling > 0) words.unshift(`${pulling} pulling`);
  if (refusedChunks > 0) words.push(`${refusedChunks} chunks refused`);
  if (pullsRetried > 0) words.push(`${pullsRetried} pulls tried again`);
  if (pullsGivenUp > 0) words.push(`${pullsGivenUp} pulls given up`);
  return words;
}

/** One claim token for each site: the labels of a token are those of its devices. */
async function claimTokens(client: ApiClient, { devices, sites, release }: SimulateOptions): Promise<string[]> {
  const tokens: string[] = [];
  for (let site = 0; site < Math.min(sites, devices); site += 1) {
    const labels = { simulated: 'true', site: `sim-${`${site + 1}`.padStart(3, '0')}`, area: `sim-${site % 2 === 0 ? 'east' : 'west'}` };
    const { text } = await client.call(api.createClaimToken, {
      body: {
        ...{ name: 'simulate', uses: Math.ceil(devices / sites), expiresInHours: TOKEN_HOURS, labels },
        ...(release === undefined ? {} : { release }),
      },
    });
    tokens.push(text);
  }
  return tokens;
}

/**
 * Whom devices believe at the broker: as agents do, the authority that their claim token pins. A login over plain HTTP knows none, while
 * the broker of the same fleet speaks TLS.
 */
async function pinnedAuthority(client: ApiClient, claimToken: string | undefined): Promise<string | undefined> {
  const pinned = parseClaimToken(claimToken ?? '')?.certificateDigest;
  if (pinned === undefined) return undefined;
  const { authorities } = await client.call(api.listAuthorities, {});
  return authorities.find(({ digest }) => digest === pinned)?.certificate;
}

async function factsOf(client: ApiClient, digest: string): Promise<ReleaseFacts> {
  const { name, document } = await client.call(api.showRelease, { params: { digest } });
  return { name, pipelines: [document.pipeline, ...document.alongside].map((each) => each.name), models: document.models.length };
}

/** From which the keys of simulated devices are made: of this person and this fleet alone. */
async function secretOf({ logins }: Context, { fleet }: Connection): Promise<string> {
  const path = join(logins.path, '..', 'simulate', `${Buffer.from(fleet).toString('base64url')}.key`);
  const known = await readPrivateFile(path, 'key of simulated devices');
  if (known !== undefined && /^[0-9a-f]{64}$/.test(known.trim())) return known.trim();
  const made = randomBytes(32).toString('hex');
  await writePrivateFile(path, `${made}\n`, { replace: true, field: 'key of simulated devices' });
  return made;
}
