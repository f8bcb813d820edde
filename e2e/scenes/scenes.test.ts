import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sha256Hex } from '@starling/shared';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { demoModels } from '../demo/models.ts';
import { compose } from './compose.ts';
import { containerCheckDigit } from './container-code.ts';
import { readScenes, writeScenes } from './index.ts';
import { seededRandom } from './random.ts';
import { SCENE_HEIGHT, SCENE_WIDTH } from './scene.ts';
import { outlineText } from './typefaces.ts';

const composed = Array.from({ length: 300 }, (_, index) => compose(index, seededRandom(1, index)));
const texts = composed.flatMap((scene) => scene.texts);
let root = '';

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'starling-scenes-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function digests(folder: string): Promise<Record<string, string>> {
  const names = (await readdir(folder)).sort();
  return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await sha256Hex(await readFile(join(folder, name)))])));
}

test('the same seed gives the same bytes, however many scenes are painted; another seed gives others', async () => {
  const [first, again, longer, other] = ['first', 'again', 'longer', 'other'].map((name) => join(root, name)) as [
    string,
    string,
    string,
    string,
  ];
  await writeScenes({ folder: first, count: 6, seed: 7 });
  await writeScenes({ folder: again, count: 6, seed: 7 });
  await writeScenes({ folder: longer, count: 7, seed: 7 });
  await writeScenes({ folder: other, count: 6, seed: 8 });
  expect(await digests(again)).toEqual(await digests(first));
  const { 'scenes.json': _index, ...pictures } = await digests(first);
  expect(await digests(longer)).toMatchObject(pictures);
  expect(new Set([...Object.values(pictures), ...Object.values(await digests(other))]).size).toBe(6 + 7);
});

test('every picture named in the index is a JPEG of the stated size, and nothing half written is left', async () => {
  const folder = join(root, 'whole');
  const done: number[] = [];
  await writeScenes({ folder, count: 3, seed: 2, onProgress: (count) => done.push(count) });
  const index = await readScenes(folder);
  expect(done).toEqual([1, 2, 3]);
  expect((await readdir(folder)).sort()).toEqual([...index.scenes.map(({ file }) => file), 'scenes.json']);
  for (const { file } of index.scenes) {
    expect(await sharp(join(folder, file)).metadata()).toMatchObject({
      format: 'jpeg',
      width: index.width,
      height: index.height,
      channels: 3,
    });
  }
});

test('a folder without scenes and a senseless count are refused', async () => {
  await expect(readScenes(join(root, 'nothing'))).rejects.toMatchObject({ code: 'not-found' });
  await expect(writeScenes({ folder: join(root, 'none'), count: 0, seed: 1 })).rejects.toMatchObject({
    code: 'invalid-count',
    field: 'count',
  });
});

test.each([
  ['CSQU305438', 3],
  ['TOLU473478', 7],
  ['MSKU907032', 3],
])('the check digit of %s is %i', (number, digit) => expect(containerCheckDigit(number)).toBe(digit));

test.each(['CSQU30543', 'CSQX305438', 'csqu305438', 'CSQU3054383'])('"%s" is no container number', (number) => {
  expect(() => containerCheckDigit(number)).toThrow(expect.objectContaining({ code: 'wrong-value' }));
});

test('every container in 300 scenes carries a right check digit', () => {
  const codes = texts.map(({ text }) => /^([A-Z]{3}[UJZ]) (\d{6}) (\d)$/.exec(text)).filter((match) => match !== null);
  expect(codes.length).toBeGreaterThanOrEqual(50);
  for (const [, owner, serial, digit] of codes) expect(containerCheckDigit(`${owner}${serial}`)).toBe(Number(digit));
});

test('every character is one that the text models know', async () => {
  const file = demoModels.find(({ name }) => name === 'text-recognition')?.assets?.dictionary ?? '';
  const known = new Set([...(await readFile(file, 'utf8')).split('\n'), ' ']);
  for (const { text } of texts) expect([...text].filter((character) => !known.has(character))).toEqual([]);
});

test('every box lies in its picture, runs clockwise and is large enough to be read', () => {
  for (const { box } of texts) {
    const [[x0, y0], [x1, y1], [x2, y2], [x3, y3]] = box;
    for (const [x, y] of box) {
      expect(x).toBeGreaterThanOrEqual(0);
      expect(x).toBeLessThanOrEqual(SCENE_WIDTH);
      expect(y).toBeGreaterThanOrEqual(0);
      expect(y).toBeLessThanOrEqual(SCENE_HEIGHT);
    }
    const area = ((x2 - x0) * (y3 - y1) - (x3 - x1) * (y2 - y0)) / 2;
    expect(area).toBeGreaterThan(0);
    expect(Math.min(Math.hypot(x3 - x0, y3 - y0), Math.hypot(x2 - x1, y2 - y1))).toBeGreaterThan(5);
  }
});

test('kinds take turns, and most texts differ', () => {
  const kinds = composed.map(({ kind }) => kind);
  for (const kind of new Set(kinds)) expect(kinds.filter((each) => each === kind)).toHaveLength(50);
  expect(new Set(kinds).size).toBe(6);
  expect(new Set(texts.map(({ text }) => text)).size).toBeGreaterThan(texts.length / 2);
});

test('a typeface refuses what it would draw as an empty box', () => {
  expect(() => outlineText('script', '出口', 40)).toThrow(expect.objectContaining({ code: 'no-glyph' }));
});
