/** Nothing -> a fleet with the demo's models and pipeline, a device with Node, and tabs of real browsers that are devices as well. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { api, type PipelineInput, type Reading, type ReleaseView, readingSchema, runPageLink, StarlingError } from '@starling/shared';
import type { Browser, BrowserContext } from 'playwright-core';
import { z } from 'zod';
import { factOf, launchRunBrowser, openTab, type RunPage, SOFTWARE_GPU, untilRuns } from '../browser/run-page.ts';
import { demoModels } from '../demo/models.ts';
import { readSigns } from '../demo/read-signs.ts';
import { findProgram } from '../harness/requires.ts';
import { type RunningFleet, startRunningFleet } from '../harness/running-fleet.ts';
import { type BenchOptions, once } from './parts.ts';
import type { Say } from './result.ts';

/** A software adapter may compute for minutes on one picture: nothing is taken for hung. */
const RUN_TIMEOUT_MS = 1_800_000;
const WAIT_MS = 3_600_000;

/** WebGPU by the driver of the machine, without a screen. */
const NATIVE_GPU = [
  ...['--enable-unsafe-webgpu', '--ignore-gpu-blocklist', '--disable-gpu-watchdog'],
  ...['--enable-features=Vulkan', '--use-angle=vulkan', '--disable-vulkan-surface'],
];

/** What runs the models of a tab. */
export type TabProvider = 'wasm' | 'webgpu';

export interface BrowserDevice extends RunPage {
  device: string;
  provider: TabProvider;
}

export interface SignsFleet {
  fleet: RunningFleet;
  /** `read-signs` as the demo has it. */
  release: ReleaseView;
  /** The same, but every value of an edge leaves the runtime. */
  open: ReleaseView;
  /** Starts the one agent with Node where no part has yet, on `release`. @returns its device */
  node(): Promise<string>;
}

/** Pipeline `read-signs` whose outputs are all of its edges, each under the name of the port that it starts at. */
export const openSigns: PipelineInput = openEdgesOf(readSigns);

function openEdgesOf(pipeline: PipelineInput): PipelineInput {
  const inner = pipeline.edges.filter(({ to }) => !to.startsWith('output.'));
  const ports = [...new Set(pipeline.edges.map(({ from }) => from).filter((from) => !from.startsWith('input.')))];
  return {
    ...pipeline,
    name: `${pipeline.name}-open`,
    outputs: Object.fromEntries(ports.map((port) => [port, 'any'])),
    edges: [...inner, ...ports.map((port) => ({ from: port, to: `output.${port}` }))],
  };
}

/** @param methods builds of each model, so the artefacts from which one is chosen */
export async function startSignsFleet(methods: string, say: Say): Promise<SignsFleet> {
  // What the fleet has by itself: tests ask for telemetry each second, and every record is a write and a message beside what is measured.
  const fleet = await startRunningFleet({ 'build-methods': methods, 'telemetry-window-ms': '10000' });
  say(`building the artefacts: ${methods}`);
  for (const files of demoModels) await fleet.operator.waitForBuilds((await fleet.operator.pushModel(files)).digest);
  const publish = async (pipeline: PipelineInput): Promise<ReleaseView> => {
    await fleet.operator.pushPipeline(pipeline);
    return fleet.operator.createRelease({
      name: pipeline.name,
      pipeline: `${pipeline.name}@${pipeline.version}`,
      policies: {
        egress: { outputs: Object.keys(pipeline.outputs ?? {}), edges: [], sinks: [] },
        ...{ capture: { enabled: false }, retention: { resultDays: 30 }, power: {} },
      },
    });
  };
  const release = await publish(readSigns);
  const node = once(async () => {
    const { ready } = await fleet.startAgent('node', { release });
    await fleet.untilRunning(ready.device, release);
    return ready.device;
  });
  return { fleet, release, open: await publish(openSigns), node };
}

export function requireChromium(): string {
  const chromium = findProgram('chromium');
  if (chromium !== undefined) return chromium;
  throw new StarlingError('no-chromium', 'this machine has no Chromium', { hint: 'apt install chromium' });
}

/** A browser whose tabs may use a provider. */
export function launchFor(provider: TabProvider, { gpu = 'software' }: BenchOptions): Promise<Browser> {
  if (provider === 'wasm') return launchRunBrowser(requireChromium());
  return launchRunBrowser(requireChromium(), gpu === 'native' ? NATIVE_GPU : SOFTWARE_GPU);
}

/**
 * Opens the page of the fleet as a new device that runs a release on one provider.
 * @throws StarlingError `bench-invalid` if a model runs on another
 */
export async function openDevice(
  { fleet }: SignsFleet,
  release: ReleaseView,
  { browser, provider }: { browser: Browser; provider: TabProvider },
): Promise<BrowserDevice> {
  const context = await browser.newContext();
  context.setDefaultTimeout(WAIT_MS);
  await context.addInitScript(keepLastResult);
  const { text } = await fleet.client.call(api.createClaimToken, { body: { name: provider, uses: 1, release: release.digest } });
  const settings = `&providers=${provider}&runTimeoutMs=${RUN_TIMEOUT_MS}`;
  const tab = await openTab(context, `${runPageLink(fleet.baseUrl, text)}${settings}`);
  await untilRuns(tab.page, WAIT_MS);
  const device = await factOf(tab.page, 'Device');
  const { reported } = await fleet.untilRunning(device, release);
  const others = Object.values(reported?.running?.providers ?? {}).filter((name) => name !== provider);
  if (others.length > 0) throw new StarlingError('bench-invalid', `a model runs on ${others.join(', ')}, not on ${provider}`);
  return { ...tab, context, device, provider, close: () => closeContext(context) };
}

async function closeContext(context: BrowserContext): Promise<void> {
  await context.close();
}

/** In the page: keeps the last result as the agent hands it to the page, with all that is in it. */
function keepLastResult(): void {
  const kept = globalThis as unknown as { lastResult?: unknown; Worker: typeof Worker };
  kept.Worker = class extends kept.Worker {
    constructor(...given: ConstructorParameters<typeof Worker>) {
      super(...given);
      this.addEventListener('message', ({ data }: MessageEvent<{ type?: string; value?: { outputs?: unknown } } | null>) => {
        if (data?.type === 'answer' && data.value?.outputs !== undefined) kept.lastResult = data.value;
      });
    }
  };
}

/** Reads a picture on a device, by a command over the broker. */
export async function readOn({ fleet }: SignsFleet, device: string, picture: Uint8Array): Promise<Reading[]> {
  const { result } = await fleet.client.call(api.inferOnDevice, { params: { id: device }, raw: picture });
  return z.array(readingSchema).parse(result.outputs['readings']);
}

/** Files of the models that the device with Node has pulled and runs: model -> path. */
export async function pulledFiles({ fleet }: SignsFleet, device: string): Promise<ReadonlyMap<string, string>> {
  const { reported } = await fleet.device(device);
  const folder = fleet.agentFolder('node');
  const files = new Map<string, string>();
  for (const [model, artefact] of Object.entries(reported?.running?.artefacts ?? {})) {
    const [, payload = ''] = (await readFile(join(folder, 'documents', artefact), 'utf8')).split('.');
    const { blob } = artefactSchema.parse(JSON.parse(Buffer.from(payload, 'base64url').toString()));
    files.set(model, join(folder, 'blobs', blob.digest));
  }
  return files;
}

const artefactSchema = z.object({ blob: z.object({ digest: z.string() }) });

/** Artefacts that a device runs, by model. */
export async function artefactsOf({ fleet }: SignsFleet, device: string): Promise<Readonly<Record<string, string>>> {
  return (await fleet.device(device)).reported?.running?.artefacts ?? {};
}
