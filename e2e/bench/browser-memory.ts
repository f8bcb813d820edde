/** Hundreds of pictures through the page of a fleet -> the memory of its browser early and late. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { launchFor, openDevice, type SignsFleet } from './browser-fleet.ts';
import { paintFiles, readAllMs } from './browser-pages.ts';
import type { BenchOptions } from './parts.ts';
import { type Measure, median, type Say } from './result.ts';

/** Pictures that are given at once. */
const BATCH = 10;
const FRAMES = { early: 50, late: 500 };
/** When it is only tried out. */
const FRAMES_TRIED = { early: 10, late: 20 };
/** Samples of which the middle counts: garbage comes and goes. */
const SAMPLES = 10;
const SAMPLE_EVERY_MS = 250;
const GROWTH_MAXIMUM = 1.05;
const SAY_EVERY = 50;
const MEBIBYTE = 1024 * 1024;

interface MemorySample {
  /** What runs the page and its workers. */
  page: number;
  all: number;
}

export async function measureMemory(signs: SignsFleet, options: BenchOptions, say: Say): Promise<Measure[]> {
  const files = await paintFiles(join(signs.fleet.folder, 'memory'), BATCH);
  const browser = await launchFor('wasm', options);
  try {
    const { page } = await openDevice(signs, signs.release, { browser, provider: 'wasm' });
    const { early, late } = options.scenes === undefined ? FRAMES : FRAMES_TRIED;
    const samples = new Map<number, MemorySample>();
    for (let frames = BATCH; frames <= late; frames += BATCH) {
      if (frames === early || frames === late) samples.set(frames, await sampleWhile(browser, () => readAllMs(page, files)));
      else await readAllMs(page, files);
      if (frames % SAY_EVERY === 0 || samples.has(frames)) {
        const { page: pageBytes, all } = samples.get(frames) ?? (await memoryOf(browser));
        say(`${frames} frames: the page ${(pageBytes / MEBIBYTE).toFixed(0)} MiB, the whole browser ${(all / MEBIBYTE).toFixed(0)} MiB`);
      }
    }
    const bytes = (frames: number, part: keyof MemorySample): number => samples.get(frames)?.[part] ?? Number.NaN;
    const growth = (part: keyof MemorySample): number => bytes(late, part) / bytes(early, part);
    return [
      { name: `memory of the page after ${early} frames`, value: bytes(early, 'page') / MEBIBYTE, unit: 'MiB' },
      { name: `memory of the page after ${late} frames`, value: bytes(late, 'page') / MEBIBYTE, unit: 'MiB' },
      {
        name: `memory of the page, ${late} over ${early} frames`,
        value: growth('page'),
        unit: 'x',
        target: GROWTH_MAXIMUM,
        better: 'lower',
      },
      { name: `memory of the whole browser, ${late} over ${early} frames`, value: growth('all'), unit: 'x' },
    ];
  } finally {
    await browser.close();
  }
}

/** The middle of samples while frames are read, as whoever else uses the machine sees it. */
async function sampleWhile(browser: Browser, work: () => Promise<unknown>): Promise<MemorySample> {
  const samples: MemorySample[] = [];
  let isWorking = true;
  const working = work().finally(() => (isWorking = false));
  while (isWorking || samples.length < SAMPLES) {
    samples.push(await memoryOf(browser));
    await new Promise((resolve) => setTimeout(resolve, SAMPLE_EVERY_MS));
  }
  await working;
  return { page: median(samples.map(({ page }) => page)), all: median(samples.map(({ all }) => all)) };
}

/** Memory by its share of each page that processes share. */
async function memoryOf(browser: Browser): Promise<MemorySample> {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  await session.detach();
  const sample: MemorySample = { page: 0, all: 0 };
  for (const { type, id } of processInfo) {
    const bytes = await sharedSizeOf(id);
    sample.all += bytes;
    if (type === 'renderer') sample.page += bytes;
  }
  return sample;
}

async function sharedSizeOf(pid: number): Promise<number> {
  const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '');
  return Number(/^Pss:\s+(\d+) kB$/m.exec(rollup)?.[1] ?? 0) * 1024;
}
