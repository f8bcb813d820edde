/** Scenes on a device with Node and in browsers, from one pinned artefact -> how far every value of the graph is apart, and the texts. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Reading, StarlingError } from '@starling/shared';
import sharp from 'sharp';
import { readPicture } from '../browser/run-page.ts';
import { writeScenes } from '../scenes/index.ts';
import { addDistance, type Distance, type EdgeValues, noDistance, openNodeGraph, valuesInTab } from './browser-edges.ts';
import {
  artefactsOf,
  type BrowserDevice,
  launchFor,
  openDevice,
  pulledFiles,
  readOn,
  type SignsFleet,
  type TabProvider,
} from './browser-fleet.ts';
import { openRounding, type Rounding } from './browser-rounding.ts';
import type { BenchOptions } from './parts.ts';
import type { Measure, Say } from './result.ts';

export const SCENES = 100;
const SEED = 1;
export const SAME_TEXT_PERCENT_MINIMUM = 99;
const SAY_EVERY = 10;
/** A software adapter needs a minute or more for each. */
const SOFTWARE_SCENES = 1;

/** Scenes that WebGPU reads: all of them where it computes on a GPU. */
export function webgpuScenesOf({ webgpuScenes, gpu, scenes = SCENES }: BenchOptions): number {
  return Math.min(scenes, webgpuScenes ?? (gpu === 'native' ? scenes : SOFTWARE_SCENES));
}

export interface ScenePicture {
  jpeg: Uint8Array;
  png: Uint8Array;
}

/** The same scenes on every machine, as JPEG and as PNG of the same pixels. */
export async function paintScenePictures(folder: string, count: number): Promise<ScenePicture[]> {
  const { scenes } = await writeScenes({ folder, count, seed: SEED });
  return Promise.all(
    scenes.map(async ({ file }) => {
      const jpeg = await readFile(join(folder, file));
      return { jpeg, png: await sharp(jpeg).png().toBuffer() };
    }),
  );
}

/** Lines that two readings of the same pictures have in common, and all that there are. */
export interface SameText {
  same: number;
  lines: number;
}

export function addSameText(sum: SameText, ours: readonly string[], theirs: readonly string[]): void {
  const left = Map.groupBy(theirs, (text) => text);
  for (const text of ours) if (left.get(text)?.pop() !== undefined) sum.same += 1;
  sum.lines += Math.max(ours.length, theirs.length);
}

/** A tab that is compared, and what came out so far. */
interface Compared {
  tab: BrowserDevice;
  scenes: number;
  distance: Distance;
  png: SameText;
  jpeg: SameText;
}

/** How far the pixels of JPEG pictures are apart that two decoders have decoded. */
interface DecodeDistance {
  largest: number;
  sum: number;
  count: number;
}

export async function measureParity(signs: SignsFleet, options: BenchOptions, say: Say): Promise<Measure[]> {
  const count = options.scenes ?? SCENES;
  const node = await signs.node();
  const files = await pulledFiles(signs, node);
  const graph = await openNodeGraph(files);
  const rounding = await openRounding(files.get('text-recognition') as string);
  const compared: Compared[] = [];
  const decoded: DecodeDistance = { largest: 0, sum: 0, count: 0 };
  try {
    const pictures = await paintScenePictures(join(signs.fleet.folder, 'scenes'), count);
    for (const [provider, scenes] of [['wasm', count] as const, ['webgpu', webgpuScenesOf(options)] as const]) {
      if (scenes === 0) continue;
      const tab = await openPinned(signs, node, provider, options);
      say(`${provider} runs, for ${scenes} scenes`);
      compared.push({ tab, scenes, distance: noDistance(), png: { same: 0, lines: 0 }, jpeg: { same: 0, lines: 0 } });
    }
    for (const [index, picture] of pictures.entries()) {
      await compareScene(
        signs,
        { node, graph, rounding, compared: compared.filter(({ scenes }) => index < scenes), decoded },
        picture,
        index,
      );
      if ((index + 1) % SAY_EVERY === 0 || index < webgpuScenesOf(options))
        say(`${index + 1} of ${count}: ${compared.map(shownOf).join('; ')}`);
    }
    for (const { tab, distance } of compared) {
      const edges = [...distance.largestByEdge].map(([edge, share]) => `${edge} ${share.toPrecision(3)}`);
      say(`${tab.provider}, largest difference over what is allowed: ${edges.join(', ')}`);
    }
    return [...compared.flatMap(measuresOf), ...rounding.measures(), ...decodeMeasures(decoded)];
  } finally {
    for (const { tab } of compared) await tab.context.browser()?.close();
    await graph.close();
    await rounding.close();
  }
}

/** @throws StarlingError `bench-invalid` if it runs another artefact than the device with Node */
async function openPinned(signs: SignsFleet, node: string, provider: TabProvider, options: BenchOptions): Promise<BrowserDevice> {
  const tab = await openDevice(signs, signs.open, { browser: await launchFor(provider, options), provider });
  const [theirs, ours] = [await artefactsOf(signs, node), await artefactsOf(signs, tab.device)];
  if (JSON.stringify(sorted(theirs)) !== JSON.stringify(sorted(ours))) {
    throw new StarlingError('bench-invalid', `${provider} runs other artefacts than Node`);
  }
  return tab;
}

function sorted(artefacts: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(artefacts).toSorted(([one], [other]) => (one < other ? -1 : 1));
}

interface Subjects {
  node: string;
  graph: { run(picture: Uint8Array): Promise<EdgeValues> };
  rounding: Rounding;
  compared: readonly Compared[];
  decoded: DecodeDistance;
}

async function compareScene(signs: SignsFleet, subjects: Subjects, { png, jpeg }: ScenePicture, index: number): Promise<void> {
  const { node, graph, rounding, compared, decoded } = subjects;
  const reference = await graph.run(png);
  await rounding.add(reference);
  const [fromPng, fromJpeg] = [textsOf(await readOn(signs, node, png)), textsOf(await readOn(signs, node, jpeg))];
  if (fromPng.join('\n') !== reference.texts.join('\n')) {
    throw new StarlingError('bench-invalid', `scene ${index + 1}: the engine of the agent reads something else than the agent`);
  }
  for (const each of compared) {
    const { page, provider } = each.tab;
    await readPicture(page, `${index}.png`, Buffer.from(png));
    const ours = await valuesInTab(page);
    addDistance(each.distance, ours, reference);
    addSameText(each.png, ours.texts, fromPng);
    if (provider !== 'wasm') continue;
    await readPicture(page, `${index}.jpg`, Buffer.from(jpeg));
    const values = await valuesInTab(page, ['decode.image', 'collect.readings']);
    addSameText(each.jpeg, values.texts, fromJpeg);
    await addDecodeDistance(decoded, values, jpeg);
  }
}

export function textsOf(readings: readonly Reading[]): string[] {
  return readings.map(({ text }) => text);
}

async function addDecodeDistance(sum: DecodeDistance, values: EdgeValues, jpeg: Uint8Array): Promise<void> {
  const ours = values.numbers.find(({ edge }) => edge === 'decode.image')?.numbers;
  const theirs = await sharp(jpeg).removeAlpha().raw().toBuffer();
  for (let index = 0; index < theirs.length; index += 1) {
    const apart = Math.abs((ours?.[index] ?? Number.NaN) - (theirs[index] as number));
    sum.sum += apart;
    if (!(apart <= sum.largest)) sum.largest = apart;
  }
  sum.count += theirs.length;
}

function shownOf({ tab, distance, png }: Compared): string {
  return `${tab.provider} ${distance.outside} of ${distance.arrays} outside, worst ${distance.worst.toPrecision(3)} (${distance.worstEdge}), ${png.same} of ${png.lines} lines the same`;
}

export const NAMES = { wasm: 'WebAssembly', webgpu: 'WebGPU' } as const;

function measuresOf({ tab, scenes, distance, png, jpeg }: Compared): Measure[] {
  const name = `${NAMES[tab.provider]} against Node, one fp32 artefact, ${scenes} PNG scenes`;
  const lower = { better: 'lower' } as const;
  return [
    { name: `${name}: tensors`, value: distance.arrays, unit: 'tensors' },
    { name: `${name}: tensors equal in every bit`, value: distance.equal, unit: 'tensors' },
    { name: `${name}: tensors outside the tolerance`, value: distance.outside, unit: 'tensors', target: 0, ...lower },
    { name: `${name}: largest difference over the tolerance`, value: distance.worst, unit: 'x', target: 1, ...lower },
    { name: `${name}: lines`, value: png.lines, unit: 'lines' },
    { name: `${name}: lines with the same text`, value: percentOf(png), unit: '%', target: 100 },
    ...(jpeg.lines === 0
      ? []
      : [
          {
            ...{ name: `${NAMES[tab.provider]} against Node, one fp32 artefact, ${scenes} JPEG scenes: lines with the same text` },
            ...{ value: percentOf(jpeg), unit: '%', target: SAME_TEXT_PERCENT_MINIMUM },
          },
        ]),
  ];
}

export function percentOf({ same, lines }: SameText): number {
  return (100 * same) / lines;
}

function decodeMeasures({ largest, sum, count }: DecodeDistance): Measure[] {
  if (count === 0) return [];
  return [
    { name: 'JPEG decoded by the browser against libjpeg: largest difference of a value', value: largest, unit: 'of 255' },
    { name: 'JPEG decoded by the browser against libjpeg: mean difference', value: sum / count, unit: 'of 255' },
  ];
}
