/** Painted scenes and sets of model files -> what the agent's own runtime reads with each, and what one loses against another. */
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { type Scene, type Score, sumScores, writeScenes } from '../scenes/index.ts';
import { scoreRelease } from './accuracy.ts';
import type { Say } from './result.ts';
import { installDemoFiles, type RunnableFile, startRuntimeHost } from './runtime.ts';

export const SCENES = { count: 300, seed: 1 };

export interface PaintedScenes {
  folder: string;
  scenes: readonly Scene[];
}

export async function paintScenes(parent: string, count: number): Promise<PaintedScenes> {
  const folder = await mkdtemp(join(parent, 'scenes-'));
  const { scenes } = await writeScenes({ ...SCENES, folder, count });
  return { folder, scenes };
}

/**
 * Reads scenes with a file for each model of the demo, in a process of its own. Models run on one thread each: of two sets that are read
 * at once, each then has a core, which is faster than one set after the other with two.
 */
export async function readScenesWith(
  { folder, scenes }: PaintedScenes,
  files: ReadonlyMap<string, RunnableFile>,
  precision: 'fp32' | 'int8',
  say: Say,
): Promise<Score[]> {
  const host = startRuntimeHost(await mkdtemp(join(folder, `${precision}-`)), 1);
  try {
    return await scoreRelease(host, installDemoFiles(files, precision), folder, scenes, say);
  } finally {
    await host.close();
  }
}

export interface ReadingLoss {
  texts: number;
  exactMatchPercent: number;
  exactMatchLostPoints: number;
  characterErrorPercent: number;
  characterErrorGainedPoints: number;
}

/** What is lost from one reading of scenes to another of the same. */
export function lossBetween(before: readonly Score[], after: readonly Score[]): ReadingLoss {
  const [first, second] = [sumScores(before), sumScores(after)];
  return {
    texts: first.texts,
    exactMatchPercent: 100 * first.exactMatchRate,
    exactMatchLostPoints: 100 * (first.exactMatchRate - second.exactMatchRate),
    characterErrorPercent: 100 * first.characterErrorRate,
    characterErrorGainedPoints: 100 * (second.characterErrorRate - first.characterErrorRate),
  };
}
