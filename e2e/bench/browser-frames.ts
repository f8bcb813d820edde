/** The page of a fleet and pages by hand in one browser, by turns -> frames/s of each. */
import { join } from 'node:path';
import { StarlingError } from '@starling/shared';
import type { Page } from 'playwright-core';
import { launchFor, openDevice, pulledFiles, type SignsFleet } from './browser-fleet.ts';
import { linesRead, openRival, paintFiles, type RivalSite, readAllMs } from './browser-pages.ts';
import { addSameText, percentOf } from './browser-parity.ts';
import type { BenchOptions } from './parts.ts';
import { type Measure, median, type Say } from './result.ts';

/** A machine that others share changes its pace within seconds: what is compared runs close together, and often. */
const SCENES = 8;
const ROUNDS = 9;
/** Where memory comes to lie makes one browser faster than the next, by more than what is measured here. */
const LAUNCHES = 4;
/** When it is only tried out. */
const ROUNDS_TRIED = 3;
const SHARE_MINIMUM = 0.95;
/** A canvas scales and cuts in its own way, so a line may be read differently; many would mean that it does other work. */
const SAME_PERCENT_MINIMUM = 80;

const contenders = ['fleet', 'by hand', 'by hand, shown'] as const;
type Contender = (typeof contenders)[number];
/** Frames/s of each page, round by round. */
type Rates = Record<Contender, number[]>;

export async function measureFrames(signs: SignsFleet, options: BenchOptions, say: Say): Promise<Measure[]> {
  const node = await signs.node();
  const files = await paintFiles(join(signs.fleet.folder, 'frames'), Math.min(SCENES, options.scenes ?? SCENES));
  const models = await pulledFiles(signs, node);
  const [launches, rounds] = options.scenes === undefined ? [LAUNCHES, ROUNDS] : [1, ROUNDS_TRIED];
  const all: Rates[] = [];
  for (let launch = 1; launch <= launches; launch += 1) {
    const rates = await compare(signs, { options, files, models, rounds }, say);
    all.push(rates);
    say(`browser ${launch} of ${launches}: ${median(sharesOf(rates, 'by hand')).toFixed(3)} x of the page by hand`);
  }
  const rateOf = (contender: Contender): number => median(all.flatMap((rates) => rates[contender]));
  const ofLaunches = all.map((rates) => median(sharesOf(rates, 'by hand')));
  const share = 'page of the fleet against page by hand, median of rounds';
  return [
    { name: 'page of the fleet', value: rateOf('fleet'), unit: 'frames/s' },
    { name: 'page by hand, the same engine and models', value: rateOf('by hand'), unit: 'frames/s' },
    { name: 'page by hand that shows each picture too', value: rateOf('by hand, shown'), unit: 'frames/s' },
    { name: share, value: median(all.flatMap((rates) => sharesOf(rates, 'by hand'))), unit: 'x', target: SHARE_MINIMUM },
    { name: `${share}, in the browser where it is slowest`, value: Math.min(...ofLaunches), unit: 'x' },
    { name: `${share}, in the browser where it is fastest`, value: Math.max(...ofLaunches), unit: 'x' },
    {
      name: 'page of the fleet against page by hand that shows each picture too, median of rounds',
      value: median(all.flatMap((rates) => sharesOf(rates, 'by hand, shown'))),
      unit: 'x',
    },
  ];
}

function sharesOf(rates: Rates, rival: Contender): number[] {
  return rates.fleet.map((rate, round) => rate / (rates[rival][round] ?? Number.NaN));
}

interface Comparison {
  options: BenchOptions;
  files: readonly string[];
  models: ReadonlyMap<string, string>;
  rounds: number;
}

/** All pages in one browser, which is started for it. */
async function compare(signs: SignsFleet, { options, files, models, rounds }: Comparison, say: Say): Promise<Rates> {
  const browser = await launchFor('wasm', options);
  const sites: RivalSite[] = [];
  const open = async (threads: number, shows: boolean): Promise<Page> => {
    const site = await openRival(signs.fleet.folder, browser, { models, threads, shows });
    sites.push(site);
    return site.page;
  };
  try {
    const { page } = await openDevice(signs, signs.release, { browser, provider: 'wasm' });
    const threads = await page.evaluate(() => navigator.hardwareConcurrency);
    const pages = { fleet: page, 'by hand': await open(threads, false), 'by hand, shown': await open(threads, true) };
    const samePercent = await requireSameWork(files, page, pages['by hand']);
    await requireSameWork(files, page, pages['by hand, shown']);
    say(`${threads} threads; ${samePercent.toFixed(1)} % of the lines are the same`);
    const rates: Rates = { fleet: [], 'by hand': [], 'by hand, shown': [] };
    for (let round = 0; round < rounds; round += 1) {
      // Who goes first changes, so that a machine that warms up or gets busy favours none.
      for (const at of contenders.keys()) {
        const contender = contenders[(round + at) % contenders.length] as Contender;
        rates[contender].push(await framesPerSecond(pages[contender], files));
      }
      say(`round ${round + 1}: ${contenders.map((name) => `${name} ${rates[name].at(-1)?.toFixed(2)}`).join(', ')} frames/s`);
    }
    say(`of the page of the fleet, each node in the last picture: ${await nodesMsOf(page)}`);
    return rates;
  } finally {
    for (const site of sites) await site.close();
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
