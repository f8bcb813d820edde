import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { type DigitPart, readDigits, SIDE } from './digits.ts';

/**
 * Writes digits as grey PNG files of 28 x 28 pixels, white ink on black, and `labels.json` with file name -> label ("0" to "9").
 * Calibrate on the `training` part; evaluate on the `held-out` one.
 * @param count the first so many of the part, all if not given
 * @returns the labels as written
 */
export async function writeDigitFiles(folder: string, part: DigitPart, count?: number): Promise<Record<string, string>> {
  const digits = (await readDigits())[part].slice(0, count);
  await mkdir(folder, { recursive: true });
  const labels: Record<string, string> = {};
  for (const [index, { label, pixels }] of digits.entries()) {
    const name = `${part}-${String(index).padStart(4, '0')}.png`;
    const png = await sharp(pixels, { raw: { width: SIDE, height: SIDE, channels: 1 } })
      .toColourspace('b-w')
      .png()
      .toBuffer();
    await writeFile(join(folder, name), png);
    labels[name] = String(label);
  }
  await writeFile(join(folder, 'labels.json'), JSON.stringify(labels));
  return labels;
}
