import { glob, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { api, runPageLink, StarlingError } from '@starling/shared';
import type { BrowserContext, Page } from 'playwright-core';
import { launchRunBrowser, openTab, readPicture, untilRuns } from '../browser/run-page.ts';
import { demoModels } from '../demo/models.ts';
import { buildRunPage } from '../demo/pages.ts';
import { readSigns } from '../demo/read-signs.ts';
import { paintSign } from '../harness/picture.ts';
import { findProgram } from '../harness/requires.ts';
import { startRunningFleet } from '../harness/running-fleet.ts';
import { type Measure, median, type Say } from './result.ts';

const built = fileURLToPath(new URL('../../agent/dist/browser', import.meta.url));
const TEXT = 'EXIT 42';
const WEIGHT_KILOBYTES_MAXIMUM = 600;
const WARM_SHARE_MAXIMUM = 0.5;
const ROUNDS = 3;
const READS = 10;

/** What the page weighs, and how long it takes to the first text: for the first time, again, and without a network. */
export async function measureBrowser(say: Say): Promise<Measure[]> {
  const chromium = findProgram('chromium');
  if (chromium === undefined) throw new StarlingError('no-chromium', 'this machine has no Chromium', { hint: 'apt install chromium' });
  await buildRunPage(say);
  const fleet = await startRunningFleet();
  const browser = await launchRunBrowser(chromium);
  try {
    say('building the artefacts');
    for (const files of demoModels) await fleet.operator.waitForBuilds((await fleet.operator.pushModel(files)).digest);
    await fleet.operator.pushPipeline(readSigns);
    const release = await fleet.operator.createRelease({
      name: 'signs',
      pipeline: `${readSigns.name}@${readSigns.version}`,
      policies: { egress: { outputs: ['readings'], edges: [] }, capture: { enabled: false }, retention: { resultDays: 30 }, power: {} },
    });
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
      say(
        `round ${round + 1}: ${Object.entries(times)
          .map(([name, all]) => `${name} ${Math.round(all.at(-1) ?? 0)} ms`)
          .join(', ')}`,
      );
    }
    const [cold, warm, offline] = [median(times.cold), median(times.warm), median(times.offline)];
    return [
      {
        name: 'code and page, compressed, without the engine',
        value: await weightKilobytes(/^(?!.*ort[-.]).*$/),
        unit: 'KB',
        target: WEIGHT_KILOBYTES_MAXIMUM,
        better: 'lower',
      },
      { name: 'engine for WebAssembly, compressed', value: await weightKilobytes(/ort-wasm-simd-threaded-|ort\.wasm/), unit: 'KB' },
      { name: 'engine for WebGPU, compressed', value: await weightKilobytes(/jspi/), unit: 'KB' },
      { name: 'first text, cold', value: cold, unit: 'ms' },
      { name: 'first text, warm', value: warm, unit: 'ms' },
      { name: 'first text, offline', value: offline, unit: 'ms' },
      { name: 'warm against cold', value: warm / cold, unit: 'x', target: WARM_SHARE_MAXIMUM, better: 'lower' },
      { name: 'one picture, as the page says', value: median(readMs), unit: 'ms' },
    ];
  } finally {
    await browser.close();
    await fleet.stop();
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
