import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWith } from '../harness/requires.ts';
import { openRecipe, paintBlocks, type Recipe, writeFilm } from './recipe.ts';

const size = { width: 320, height: 180 };
const FRAMES_PER_SECOND = 10;
/** Something moves through the picture from second 3 to second 5 of 10. */
const [BEGIN_S, END_S, LENGTH_S] = [3, 5, 10];
/** Of the pipeline: pictures that it reads in a second, and how long it goes on after the last motion. */
const [READ_PER_SECOND, HOLD_S] = [5, 2];

describeWith(['ffmpeg'], 'recording while something moves', ({ ffmpeg }) => {
  let recipe: Recipe;
  let pictures: string[];
  let events: { value: { event: string; timeMs: number; durationMs?: number } }[];

  beforeAll(async () => {
    recipe = await openRecipe('motion-recording');
    const frames = Array.from({ length: LENGTH_S * FRAMES_PER_SECOND }, (_, frame) => {
      const atS = frame / FRAMES_PER_SECOND;
      const isThere = atS >= BEGIN_S && atS < END_S;
      return paintBlocks(size.width, size.height, isThere ? [{ left: 20 + (atS - BEGIN_S) * 120, top: 70, side: 40 }] : []);
    });
    await writeFilm(ffmpeg, join(recipe.folder, 'film.mp4'), size, frames);
    const { items } = await recipe.run(['--send']);
    expect(items).toHaveLength(LENGTH_S * READ_PER_SECOND);
    const folder = join(recipe.folder, 'files/motion');
    pictures = (await readdir(join(folder, 'pictures'))).sort();
    const [lines] = await readdir(join(folder, 'events'));
    const text = await readFile(join(folder, 'events', lines ?? ''), 'utf8');
    events = text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as (typeof events)[number]]));
  });
  afterAll(() => recipe?.remove());

  test('keeps the pictures with motion, those of the two seconds after it, and no others', () => {
    const expected = (END_S - BEGIN_S + HOLD_S) * READ_PER_SECOND;
    expect(Math.abs(pictures.length - expected)).toBeLessThanOrEqual(2);
  });

  test('says when motion started and how long it went on, in times of the film', () => {
    expect(events.map(({ value: { event } }) => event)).toEqual(['start', 'end']);
    expect(Math.abs((events[1]?.value.durationMs ?? 0) - (END_S - BEGIN_S) * 1000)).toBeLessThanOrEqual(400);
    const lengthMs = (events[1]?.value.timeMs ?? 0) - (events[0]?.value.timeMs ?? 0);
    expect(Math.abs(lengthMs - (END_S - BEGIN_S + HOLD_S) * 1000)).toBeLessThanOrEqual(400);
  });

  test('goes on for as long as the parameter says', async () => {
    const { folder } = recipe;
    await recipe.run(['--send', '--set', 'holdMs=0', '--output', 'short']);
    const kept = await readdir(join(folder, 'short/files/motion/pictures'));
    expect(kept.length).toBeLessThan(pictures.length - HOLD_S * READ_PER_SECOND + 3);
    expect(kept.length).toBeGreaterThan(0);
  });
});
