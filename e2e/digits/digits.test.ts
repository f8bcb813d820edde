import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { countCorrect } from './count-correct.ts';
import { digitsModelFile, readDigits, trainedFigures, writeDigitFiles } from './index.ts';

const MODEL_BYTES_MAXIMUM = 300 * 1024;

test('the split is fixed, and no digit is in both parts', async () => {
  const { training, 'held-out': heldOut } = await readDigits();
  expect([training.length, heldOut.length]).toEqual([8000, 2000]);
  expect(heldOut.slice(0, 8).map(({ label }) => label)).toEqual([3, 4, 8, 4, 2, 6, 8, 8]);
  const keys = new Set(training.map(({ pixels }) => Buffer.from(pixels).toString('base64')));
  expect(heldOut.filter(({ pixels }) => keys.has(Buffer.from(pixels).toString('base64')))).toEqual([]);
});

test('the kept model reads the held-out digits as well as its figures say', async () => {
  const { 'held-out': heldOut } = await readDigits();
  const figures = await trainedFigures();
  const correct = await countCorrect(await readFile(digitsModelFile), heldOut);
  // Another processor may add up in another order and see one digit of two equal scores otherwise.
  expect(Math.abs(correct - figures.correct)).toBeLessThanOrEqual(1);
  expect(figures.heldOut).toBe(heldOut.length);
  expect(correct / heldOut.length).toBeGreaterThanOrEqual(0.98);
  expect((await stat(digitsModelFile)).size).toBeLessThanOrEqual(MODEL_BYTES_MAXIMUM);
});

test('digits become grey PNG files with their labels', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'starling-digits-'));
  try {
    const labels = await writeDigitFiles(folder, 'held-out', 5);
    const { 'held-out': heldOut } = await readDigits();
    expect(JSON.parse(await readFile(join(folder, 'labels.json'), 'utf8'))).toEqual(labels);
    expect(Object.values(labels)).toEqual(heldOut.slice(0, 5).map(({ label }) => String(label)));
    expect((await readdir(folder)).sort()).toEqual([...Object.keys(labels), 'labels.json'].sort());
    const [first = ''] = Object.keys(labels);
    const image = sharp(join(folder, first));
    expect(await image.metadata()).toMatchObject({ width: 28, height: 28, channels: 1, format: 'png' });
    const { data } = await image.toColourspace('b-w').raw().toBuffer({ resolveWithObject: true });
    expect([...data]).toEqual([...(heldOut[0]?.pixels ?? [])]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
