import { glob, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { api, runPageLink, StarlingError } from '@starling/shared';
import type { BrowserContext, Page } from 'playwright-core';
import { openTab, readPicture, untilRuns } from '../browser/run-page.ts';
import { buildRunPage } from '../demo/pages.ts';
import { paintSign } from '../harness/picture.ts';
import { measureChosen } from './browser-chosen.ts';
import { launchFor, requireChromium, type SignsFleet, startSignsFleet } from './browser-fleet.ts';
import { measureFrames } from './browser-frames.ts';
import { measureMemory } from './browser-memory.ts';
import { measureParity } from './browser-parity.ts';
import { type BenchOptions, inParts, once } from './parts.ts';
import { type Findings, type Measure, median, type Say } from './result.ts';

const built = fileURLToPath(new URL('../../agent/dist/browser', import.meta.url));
const TEXT = 'EXIT 42';
const WEIGHT_KILOBYTES_MAXIMUM = 600;
const WARM_SHARE_MAXIMUM = 0.5;
const ROUNDS = 3;
const READS = 10;
/** One artefact of each model, the model as it is; and several, of which each device gets the one that suits it. */
const PINNED = 'source';
const CHOSEN = 'source,weights-int8';

/** The page on which a browser is a device: its weight, its times, its values against those of Node, its memory. */
export async function measureBrowser(say: Say, options: BenchOptions): Promise<Findings> {
  requireChromium();
  await buildRunPage(say);
  const started: SignsFleet[] = [];
  const fleetWith = (methods: string) =>
    once(async () => {
      const signs = await startSignsFleet(methods, say);
      started.push(signs);
      return signs;
    });
  const [pinned, chosen] = [fleetWith(PINNED), fleetWith(CHOSEN)];
  const parts = {
    weight: measureWeight,
    'first-text': async () => measureFirstText(await chosen(), options, say),
    parity: async () => measureParity(await pinned(), options, say),
    chosen: async () => measureChosen(await chosen(), options, say),
    frames: async () => measureFrames(await pinned(), options, say),
    memory: async () => measureMemory(await pinned(), options, say),
  };
  try {
    return await inParts(parts, say, options.parts);
  } finally {
    for (const { fleet } of started) await fleet.stop();
  }
}

/** What a release without scripts lets the browser fetch; the engines and the sandbox are fetched when they are needed. */
async function measureWeight(): Promise<Measure[]> {
  return [
    {
      name: 'code and page, compressed, without the engines',
      value: await weightKilobytes(/^(?!.*(?:ort[-.]|script-worker|emscripten-module|module-|ffi-)).*$/),
      unit: 'KB',
      target: WEIGHT_KILOBYTES_MAXIMUM,
      better: 'lower',
    },
    {
      name: 'engine for scripts (QuickJS), compressed, fetched only for a release that has some',
      value: await weightKilobytes(/script-worker|emscripten-module|module-|ffi-/),
      unit: 'KB',
    },
    { name: 'engine for WebAssembly, compressed', value: await weightKilobytes(/ort-wasm-simd-threaded-|ort\.wasm/), unit: 'KB' },
    { name: 'engine for WebGPU, compressed', value: await weightKilobytes(/jspi/), unit: 'KB' },
  ];
}

/** How long it takes to the first text: for the first time, again, and without a network. */
async function measureFirstText({ fleet, release }: SignsFleet, options: BenchOptions, say: Say): Promise<Measure[]> {
  const browser = await launchFor('wasm', options);
  try {
    const times = { cold: [] as number[], warm: [] as number[], offline: [] as number[] };
    const readMs: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const { text } = await fleet.client.call(api.createClaimToken, { body: { name: 'bench', uses: 1, release: release.digest } });
      const context = await browser.newContext();
      times.cold.push(await firstResultMs(context, runPageLink(fleet.baseUrl, text)));
      times.warm.push(await firstResultMs(context, `${fleet.baseUrl}/run/`));
      await context.setOffline(true);
      times.offline.push(
        await firstResultMs(context, `${fleet.baseUrl}/run/`, async (page) => {
          readMs.push(...(await readAgain(page)));
        }),
      );
      await context.close();
      const shown = Object.entries(times).map(([name, all]) => `${name} ${Math.round(all.at(-1) ?? 0)} ms`);
      say(`round ${round + 1}: ${shown.join(', ')}`);
    }
    const [cold, warm, offline] = [median(times.cold), median(times.warm), median(times.offline)];
    return [
      { name: 'first text, cold', value: cold, unit: 'ms' },
      { name: 'first text, warm', value: warm, unit: 'ms' },
      { name: 'first text, offline', value: offline, unit: 'ms' },
      { name: 'warm against cold', value: warm / cold, unit: 'x', target: WARM_SHARE_MAXIMUM, better: 'lower' },
      { name: 'one picture, as the page says', value: median(readMs), unit: 'ms' },
    ];
  } finally {
    await browser.close();
  }
}

/** From the address to the first text on the page. */
async function firstResultMs(context: BrowserContext, address: string, andThen?: (page: Page) => Promise<void>): Promise<number> {
  const startedMs = performance.now();
  const { page } = await openTab(context, address);
  await untilRuns(page);
  const read = await readPicture(page, 'first.png', await paintSign(TEXT));
  const tookMs = performance.now() - startedMs;
  if (!read.includes(TEXT)) throw new StarlingError('bench-invalid', `it read ${read.join(', ') || 'nothing'}`);
  await andThen?.(page);
  await page.close();
  return tookMs;
}

async function readAgain(page: Page): Promise<number[]> {
  const timesMs: number[] = [];
  for (let count = 0; count < READS; count += 1) {
    await readPicture(page, `again-${count}.png`, await paintSign(TEXT));
    timesMs.push(Number.parseInt((await page.locator('#latency').textContent()) ?? '', 10));
  }
  return timesMs;
}

/** Files as they travel: brotli where the build made it. */
async function weightKilobytes(pattern: RegExp): Promise<number> {
  let bytes = 0;
  for await (const file of glob('**/*.*', { cwd: built })) {
    if (/\.(br|gz)$/.test(file) || !pattern.test(file)) continue;
    const compressed = await stat(join(built, `${file}.br`)).catch(() => stat(join(built, file)));
    bytes += compressed.size;
  }
  return bytes / 1024;
}
