/** Scenes on a device with Node and in browsers, each with the artefact that was chosen for it -> the share of lines that read the same. */
import { join } from 'node:path';
import { api } from '@starling/shared';
import { artefactsOf, type BrowserDevice, launchFor, openDevice, readOn, type SignsFleet } from './browser-fleet.ts';
import {
  addSameText,
  NAMES,
  paintScenePictures,
  percentOf,
  SAME_TEXT_PERCENT_MINIMUM,
  type SameText,
  SCENES,
  textsOf,
} from './browser-parity.ts';
import type { BenchOptions } from './parts.ts';
import type { Measure, Say } from './result.ts';

const SAY_EVERY = 10;
const KINDS = ['png', 'jpeg'] as const;

interface Compared {
  tab: BrowserDevice;
  png: SameText;
  jpeg: SameText;
}

export async function measureChosen(signs: SignsFleet, options: BenchOptions, say: Say): Promise<Measure[]> {
  const count = options.scenes ?? SCENES;
  const node = await signs.node();
  say(`Node runs ${await precisionsOf(signs, node)}`);
  const pictures = await paintScenePictures(join(signs.fleet.folder, 'scenes'), count);
  const compared: Compared[] = [];
  try {
    // What a software adapter reads takes minutes, and no browser would choose it.
    for (const provider of options.gpu === 'native' ? (['wasm', 'webgpu'] as const) : (['wasm'] as const)) {
      const tab = await openDevice(signs, signs.release, { browser: await launchFor(provider, options), provider });
      compared.push({ tab, png: { same: 0, lines: 0 }, jpeg: { same: 0, lines: 0 } });
      say(`${provider} runs ${await precisionsOf(signs, tab.device)}`);
    }
    for (const [index, picture] of pictures.entries()) {
      for (const kind of KINDS) {
        const theirs = textsOf(await readOn(signs, node, picture[kind]));
        for (const each of compared) addSameText(each[kind], textsOf(await readOn(signs, each.tab.device, picture[kind])), theirs);
      }
      if ((index + 1) % SAY_EVERY === 0 || index + 1 === count) say(`${index + 1} of ${count}: ${compared.map(shownOf).join('; ')}`);
    }
    return compared.flatMap((each) =>
      KINDS.map((kind) => ({
        name: `${NAMES[each.tab.provider]} against Node, the artefact chosen for each, ${count} ${kind.toUpperCase()} scenes: lines with the same text`,
        ...{ value: percentOf(each[kind]), unit: '%', target: SAME_TEXT_PERCENT_MINIMUM },
      })),
    );
  } finally {
    for (const { tab } of compared) await tab.context.browser()?.close();
  }
}

function shownOf({ tab, png, jpeg }: Compared): string {
  return `${tab.provider} ${png.same} of ${png.lines} lines the same as PNG, ${jpeg.same} of ${jpeg.lines} as JPEG`;
}

async function precisionsOf(signs: SignsFleet, device: string): Promise<string> {
  const chosen = Object.entries(await artefactsOf(signs, device)).map(async ([model, digest]) => {
    const { precision } = await signs.fleet.client.call(api.showArtefact, { params: { digest } });
    return `${model} in ${precision}`;
  });
  return (await Promise.all(chosen)).join(', ');
}
