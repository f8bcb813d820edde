import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Digit, digitsModelFile, readDigits, SIDE } from '../digits/index.ts';
import { writeOnnx } from '../harness/onnx-file.ts';
import { openRecipe, type Recipe } from './recipe.ts';
import { squareDetector } from './square-detector.ts';

const SCENE = { width: 640, height: 480 };
const CARD = 90;
/** Left and top of each card. */
const places: readonly (readonly [left: number, top: number])[] = [
  [40, 60],
  [270, 30],
  [500, 90],
  [60, 300],
  [290, 330],
  [510, 290],
];
const SCENES = 5;

interface Card {
  box: [left: number, top: number, right: number, bottom: number];
  digit: { label: string; score: number };
}

describe('detecting, then classifying', () => {
  let recipe: Recipe;
  let shown: Digit[][];
  let items: { item: string; outputs: { cards: Card[] } }[];

  beforeAll(async () => {
    recipe = await openRecipe('read-cards');
    await writeFile(join(recipe.folder, 'find-squares.onnx'), writeOnnx(squareDetector()));
    await mkdir(join(recipe.folder, 'scenes'));
    const { 'held-out': digits } = await readDigits();
    shown = Array.from({ length: SCENES }, (_, scene) => digits.slice(scene * places.length, (scene + 1) * places.length));
    for (const [scene, cards] of shown.entries()) {
      await writeFile(join(recipe.folder, 'scenes', `${scene}.png`), await paintScene(cards));
    }
    await writeFile(join(recipe.folder, 'scenes', 'none.png'), await paintScene([]));
    const run = await recipe.run([
      '--input',
      'scenes',
      '--model',
      'find-squares=find-squares.onnx',
      '--model',
      `digits=${digitsModelFile}`,
    ]);
    items = run.items as typeof items;
  });
  afterAll(() => recipe?.remove());

  test('finds every card where it is, and nothing else', () => {
    expect(items.map(({ item }) => item)).toEqual([...shown.map((_, scene) => `${scene}.png`), 'none.png']);
    for (const { outputs } of items.slice(0, SCENES)) {
      expect(outputs.cards).toHaveLength(places.length);
      for (const { box } of outputs.cards) {
        const [left, top] = placeOf(box);
        const expected = [left, top, left + CARD, top + CARD];
        expect(Math.max(...box.map((side, index) => Math.abs(side - (expected[index] ?? 0))))).toBeLessThanOrEqual(4);
      }
      expect(new Set(outputs.cards.map(({ box }) => placeOf(box))).size).toBe(places.length);
    }
    expect(items.at(-1)?.outputs.cards).toEqual([]);
  });

  test('reads what is written on each of them', () => {
    const read = items.slice(0, SCENES).flatMap(({ outputs }, scene) =>
      outputs.cards.map(({ box, digit }) => {
        const place = places.indexOf(placeOf(box));
        return digit.label === String(shown[scene]?.[place]?.label);
      }),
    );
    expect(read).toHaveLength(SCENES * places.length);
    // The classifier alone is right about 98 of 100; here it sees digits that were drawn, found and scaled.
    expect(read.filter((isRight) => isRight).length / read.length).toBeGreaterThanOrEqual(0.9);
  });
});

function placeOf([left, top]: Card['box']): (typeof places)[number] {
  const distance = ([x, y]: (typeof places)[number]): number => Math.hypot(x - left, y - top);
  return places.toSorted((a, b) => distance(a) - distance(b))[0] as (typeof places)[number];
}

/** Dark ink on white cards, on a dark table. */
async function paintScene(cards: readonly Digit[]): Promise<Buffer> {
  const drawn = await Promise.all(
    cards.map(async ({ pixels }, index) => {
      const ink = Buffer.from(pixels.map((value) => 255 - value));
      const input = await sharp(ink, { raw: { width: SIDE, height: SIDE, channels: 1 } })
        .resize(CARD, CARD)
        .toColourspace('srgb')
        .png()
        .toBuffer();
      const [left, top] = places[index] ?? [0, 0];
      return { input, left, top };
    }),
  );
  return sharp({ create: { ...SCENE, channels: 3, background: { r: 50, g: 60, b: 50 } } })
    .composite(drawn)
    .png()
    .toBuffer();
}
