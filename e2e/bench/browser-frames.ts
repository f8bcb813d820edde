/** The page of a fleet and a page by hand in one browser, by turns -> frames/s of both. */
import { join } from 'node:path';
import { StarlingError } from '@starling/shared';
import type { Page } from 'playwright-core';
import { launchFor, openDevice, pulledFiles, type SignsFleet } from './browser-fleet.ts';
import { linesRead, openRival, paintFiles, readAllMs } from './browser-pages.ts';
import { addSameText, percentOf } from './browser-parity.ts';
import type { BenchOptions } from './parts.ts';
import { type Measure, median, type Say } from './result.ts';

/** A machine that others share changes its pace within seconds: what is compared runs close together, and often. */
const SCENES = 8;
const ROUNDS = 10;
/** Where memory comes to lie makes one browser faster than the next, by more than what is measured here. */
const LAUNCHES = 4;
/** When it is only tried out. */
const ROUNDS_TRIED = 3;
const SHARE_MINIMUM = 0.95;
/** A canvas scales and cuts in its own way, so a line may be read differently; many would mean that it does other work. */
const SAME_PERCENT_MINIMUM = 80;

/** Frames/s of both pages, round by round. */
interface Rates {
  ours: number[];
  theirs: number[];
}

export async function measureFrames(signs: SignsFleet, options: BenchOptions, say: Say): Promise<Measure[]> {
  const node = await signs.node();
  const files = await paintFiles(join(signs.fleet.folder, 'frames'), Math.min(SCENES, options.scenes ?? SCENES));
  const models = await pulledFiles(signs, node);
  const [launches, rounds] = options.scenes === undefined ? [LAUNCHES, ROUNDS] : [1, ROUNDS_TRIED];
  const all: Rates[] = [];
  for (let launch = 1; launch <= launches; launch += 1) {
    all.push(await compare(signs, { options, files, models, rounds }, say));
    say(`browser ${launch} of ${launches}: ${median(sharesOf(all.at(-1) as Rates)).toFixed(3)} x`);
  }
  const ofLaunches = all.map((rates) => median(sharesOf(rates)));
  return [
    { name: 'page of the fleet', value: median(all.flatMap(({ ours }) => ours)), unit: 'frames/s' },
    { name: 'page by hand, the same engine and models', value: median(all.flatMap(({ theirs }) => theirs)), unit: 'frames/s' },
    {
      name: 'page of the fleet against page by hand, median of rounds',
      value: median(all.flatMap(sharesOf)),
      unit: 'x',
      target: SHARE_MINIMUM,
    },
    { name: 'the same in the browser where it was slowest', value: Math.min(...ofLaunches), unit: 'x' },
    { name: 'the same in the browser where it was fastest', value: Math.max(...ofLaunches), unit: 'x' },
  ];
}

function sharesOf({ ours, theirs }: Rates): number[] {
  return ours.map((rate, round) => rate / (theirs[round] ?? Number.NaN));
}

interface Comparison {
  options: BenchOptions;
  files: readonly string[];
  models: ReadonlyMap<string, string>;
  rounds: number;
}

/** Both pages in one browser, which is started for it. */
async function compare(signs: SignsFleet, { options, files, models, rounds }: Comparison, say: Say): Promise<Rates> {
  const browser = await launchFor('wasm', options);
  try {
    const tab = await openDevice(signs, signs.release, { browser, provider: 'wasm' });
    const threads = await tab.page.evaluate(() => navigator.hardwareConcurrency);
    const rival = await openRival(signs.fleet.folder, browser, { models, threads });
    try {
      const samePercent = await requireSameWork(files, tab.page, rival.page);
      say(`${threads} threads; ${samePercent.toFixed(1)} % of the lines are the same`);
      const rates: Rates = { ours: [], theirs: [] };
      for (let round = 0; round < rounds; round += 1) {
        // Who goes first changes, so that a machine that warms up or gets busy favours neither.
        if (round % 2 === 1) rates.theirs.push(await framesPerSecond(rival.page, files));
        rates.ours.push(await framesPerSecond(tab.page, files));
        if (round % 2 === 0) rates.theirs.push(await framesPerSecond(rival.page, files));
        say(
          `round ${round + 1}: page of the fleet ${rates.ours.at(-1)?.toFixed(2)}, page by hand ${rates.theirs.at(-1)?.toFixed(2)} frames/s`,
        );
      }
      say(`of the page of the fleet, each node in the last picture: ${await nodesMsOf(tab.page)}`);
      return rates;
    } finally {
      await rival.close();
    }
  } finally {
    await browser.close();
  }
}

/** Where the time goes; a node that waits for the engine counts the wait. */
async function nodesMsOf(page: Page): Promise<string> {
  const nodesMs = await page.evaluate(
    () => (globalThis as unknown as { lastResult: { nodesMs: Record<string, number> } }).lastResult.nodesMs,
  );
  return Object.entries(nodesMs)
    .map(([name, ms]) => `${name} ${ms.toFixed(1)}`)
    .join(', ');
}

async function framesPerSecond(page: Page, files: readonly string[]): Promise<number> {
  return files.length / ((await readAllMs(page, files)) / 1000);
}

/** Warms both up. @throws StarlingError `bench-invalid` if they do not read the same */
async function requireSameWork(files: readonly string[], ours: Page, theirs: Page): Promise<number> {
  const sum = { same: 0, lines: 0 };
  for (const file of files) addSameText(sum, await linesRead(ours, file), await linesRead(theirs, file));
  const percent = percentOf(sum);
  if (percent >= SAME_PERCENT_MINIMUM) return percent;
  throw new StarlingError('bench-invalid', `only ${percent.toFixed(1)} % of the lines are the same in both pages`);
}
