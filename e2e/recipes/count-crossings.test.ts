import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeOnnx } from '../harness/onnx-file.ts';
import { describeWith } from '../harness/requires.ts';
import { type Block, openRecipe, paintBlocks, type Recipe, writeFilm } from './recipe.ts';
import { squareDetector } from './square-detector.ts';

const FRAMES = 60;
const size = { width: 640, height: 360 };

interface Counted {
  counts: { middle: { in: number; out: number; classes: Record<string, { in: number; out: number }> } };
  events?: { line: string; direction: string; track: number; label: string }[];
}

/** Two come from the left, one from the right, and one turns back before the middle. The second from the left comes when the first has gone. */
function blocksAt(frame: number): Block[] {
  const across = (start: number): number => -60 + 22 * (frame - start);
  return [
    { left: across(0), top: 20, side: 50 },
    { left: across(24), top: 20, side: 60 },
    { left: 640 - 14 * frame, top: 150, side: 44 },
    { left: frame < 30 ? 6 * frame : 6 * (60 - frame), top: 280, side: 52 },
  ];
}

describeWith(['ffmpeg'], 'counting what crosses a line', ({ ffmpeg }) => {
  let recipe: Recipe;
  let items: Counted[];

  beforeAll(async () => {
    recipe = await openRecipe('count-crossings');
    await writeFile(join(recipe.folder, 'detector.onnx'), writeOnnx(squareDetector()));
    const frames = Array.from({ length: FRAMES }, (_, frame) => paintBlocks(size.width, size.height, blocksAt(frame)));
    await writeFilm(ffmpeg, join(recipe.folder, 'film.mp4'), size, frames);
    const run = await recipe.run(['--model', 'detector=detector.onnx']);
    items = run.items.map(({ outputs }) => outputs as unknown as Counted);
  });
  afterAll(() => recipe?.remove());

  test('counts each of them once, in its direction, and not the one that turns back', () => {
    expect(items).toHaveLength(FRAMES);
    expect(items[0]?.counts.middle).toMatchObject({ in: 0, out: 0 });
    expect(items.at(-1)?.counts.middle).toEqual({ in: 2, out: 1, classes: { box: { in: 2, out: 1 } } });
  });

  test('tells of each crossing in the frame where it happens', () => {
    const crossings = items.flatMap(({ events = [] }, frame) => events.map((event) => ({ ...event, frame })));
    expect(crossings.map(({ line, direction, label }) => [line, direction, label])).toEqual([
      ['middle', 'in', 'box'],
      ['middle', 'out', 'box'],
      ['middle', 'in', 'box'],
    ]);
    // The centre of each is in the middle in frames 16.1, 24.4 and 39.9; a tenth of its side later it counts.
    for (const [index, frame] of [16.1, 24.4, 39.9].entries()) expect(Math.abs((crossings[index]?.frame ?? 0) - frame)).toBeLessThan(2);
    expect(new Set(crossings.map(({ track }) => track)).size).toBe(3);
  });
});
