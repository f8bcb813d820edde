import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { InstalledRelease, RuntimeHost } from '../../agent/src/core/ports/runtime-host.ts';
import { type Scene, type Score, scoreScene, sumScores, writeScenes } from '../scenes/index.ts';
import type { Measure, Say } from './result.ts';
import { buildDemoArtefacts, inParallel, installDemoRelease, startRuntimeHost, withFolder } from './runtime.ts';

const SCENES = 300;
const SEED = 1;
const IN_FLIGHT = 3;
/** Points of exact match that int8 may lose. */
const LOSS_MAXIMUM = 1.5;
const PROGRESS_EVERY = 100;

const point = z.tuple([z.number(), z.number()]);
const readingsSchema = z.array(z.object({ text: z.string(), quad: z.tuple([point, point, point, point]) }));
type Total = ReturnType<typeof sumScores>;

/** Reads the same scenes with both artefacts, in the agent's own runtime. */
export function measureAccuracy(say: Say): Promise<Measure[]> {
  return withFolder(async (folder) => {
    say(`painting ${SCENES} scenes with seed ${SEED}`);
    const { scenes } = await writeScenes({ folder: join(folder, 'scenes'), count: SCENES, seed: SEED });
    say('building the artefacts');
    const artefacts = await buildDemoArtefacts(folder);
    const host = startRuntimeHost(folder, 0);
    try {
      const totals: Record<'fp32' | 'int8', Total> = { fp32: sumScores([]), int8: sumScores([]) };
      for (const precision of ['fp32', 'int8'] as const) {
        const installed = installDemoRelease(artefacts, precision);
        const scores = await scoreRelease(host, installed, join(folder, 'scenes'), scenes, (line) => say(`${precision}: ${line}`));
        totals[precision] = sumScores(scores);
      }
      return measuresOf(totals);
    } finally {
      await host.close();
    }
  });
}

/** Reads scenes with a release that the host gets to load. @returns the score of each scene */
export async function scoreRelease(
  host: RuntimeHost,
  installed: InstalledRelease,
  folder: string,
  scenes: readonly Scene[],
  say: Say,
): Promise<Score[]> {
  await host.load(installed);
  await host.activate(installed.key);
  const scores = await readAll(host, folder, scenes, (done) => say(`${done} of ${scenes.length} read`));
  for (const line of byKind(scenes, scores)) say(line);
  return scores;
}

async function readAll(host: RuntimeHost, folder: string, scenes: readonly Scene[], onProgress: (done: number) => void): Promise<Score[]> {
  const scores: Score[] = new Array(scenes.length);
  let done = 0;
  await inParallel(scenes, IN_FLIGHT, async ({ file, texts }, place) => {
    const { outputs } = await host.infer(await readFile(join(folder, file)));
    scores[place] = scoreScene(texts, readingsSchema.parse(outputs.readings));
    done += 1;
    if (done % PROGRESS_EVERY === 0) onProgress(done);
  });
  return scores;
}

function byKind(scenes: readonly Scene[], scores: readonly Score[]): string[] {
  return [...new Set(scenes.map(({ kind }) => kind))].map((kind) => {
    const { texts, exactMatchRate, unread } = sumScores(scores.filter((_, place) => scenes[place]?.kind === kind));
    return `${kind.padEnd(12)} ${(100 * exactMatchRate).toFixed(1)} % of ${texts} texts exact, ${unread} unread`;
  });
}

function measuresOf({ fp32, int8 }: Record<'fp32' | 'int8', Total>): Measure[] {
  const loss = 100 * (fp32.exactMatchRate - int8.exactMatchRate);
  return [
    { name: 'texts in the scenes', value: fp32.texts, unit: 'texts' },
    { name: 'exact match, fp32', value: 100 * fp32.exactMatchRate, unit: '%' },
    { name: 'exact match, int8', value: 100 * int8.exactMatchRate, unit: '%' },
    { name: 'exact match lost by int8', value: loss, unit: 'points', target: LOSS_MAXIMUM, better: 'lower' },
    { name: 'character error rate, fp32', value: 100 * fp32.characterErrorRate, unit: '%' },
    { name: 'character error rate, int8', value: 100 * int8.characterErrorRate, unit: '%' },
    { name: 'texts not found, fp32', value: fp32.unread, unit: 'texts' },
    { name: 'texts not found, int8', value: int8.unread, unit: 'texts' },
    { name: 'readings where there is no text, fp32', value: fp32.spurious, unit: 'readings' },
    { name: 'readings where there is no text, int8', value: int8.spurious, unit: 'readings' },
  ];
}
