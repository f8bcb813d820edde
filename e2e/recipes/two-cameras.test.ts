import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pipelineFileSchema } from '@starling/shared';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { createStarling } from '../cli/starling.ts';
import { digitsModelFile, readDigits, SIDE } from '../digits/index.ts';
import { type RecipeRuntime, startRuntime } from './runtime-of.ts';

const pipelineFile = fileURLToPath(new URL('../../examples/pipelines/two-cameras.yaml', import.meta.url));

interface Match {
  front: string | null;
  back: string | null;
  agree: boolean;
}

describe('matching what two cameras read', () => {
  let runtime: RecipeRuntime;
  /** A picture of each digit. */
  let pictures: Buffer[];

  beforeAll(async () => {
    const { training } = await readDigits();
    pictures = await Promise.all(
      Array.from({ length: 10 }, (_, label) => {
        const ink = Buffer.from((training.find((digit) => digit.label === label)?.pixels ?? new Uint8Array()).map((value) => 255 - value));
        return sharp(ink, { raw: { width: SIDE, height: SIDE, channels: 1 } })
          .resize(SIDE * 4)
          .toColourspace('srgb')
          .png()
          .toBuffer();
      }),
    );
    runtime = await startRuntime();
    await runtime.run(pipelineFileSchema.parse(parse(readFileSync(pipelineFile, 'utf8'))), { digits: digitsModelFile });
  });
  afterAll(() => runtime?.close());

  /** A picture of one camera, taken so long after the start of the test. */
  const see = async (camera: 'front' | 'back', digit: number, atMs: number): Promise<Match | undefined> => {
    const { outputs } = await runtime.infer(
      { ports: { [`${camera}.image`]: pictures[digit] } },
      { source: camera, timeMs: 1_750_000_000_000 + atMs },
    );
    return outputs.match as Match | undefined;
  };

  test('says whether they agree as soon as the second has come, whichever it is', async () => {
    expect(await see('front', 7, 0)).toBeUndefined();
    expect(await see('back', 7, 400)).toEqual({ front: '7', back: '7', agree: true });
    expect(await see('back', 3, 5000)).toBeUndefined();
    expect(await see('front', 4, 5600)).toEqual({ front: '4', back: '3', agree: false });
  });

  test('gives what no other camera has seen within the window, with the next item', async () => {
    expect(await see('front', 5, 20_000)).toBeUndefined();
    expect(await see('back', 5, 21_500)).toEqual({ front: '5', back: null, agree: false });
    expect(await see('front', 6, 21_900)).toEqual({ front: '6', back: '5', agree: false });
  });

  test('reads the two folders of its sources, with no fleet, until it is interrupted', async () => {
    const { folder } = runtime;
    const starling = createStarling(join(folder, 'configuration'), folder);
    for (const [camera, digit] of [['front', 2] as const, ['back', 2] as const]) {
      await mkdir(join(folder, camera));
      await writeFile(join(folder, camera, 'a.png'), pictures[digit] ?? '');
    }
    // However long the one takes to be read after the other.
    const words = ['pipeline', 'run', pipelineFile, '--json', '--model', `digits=${digitsModelFile}`, '--set', 'windowMs=600000'];
    const { exitCode, stdout } = await starling.run(words, { interruptAfter: /"match"/ });
    expect(exitCode).toBe(0);
    expect(stdout).toContain('"match":{"front":"2","back":"2","agree":true}');
  });
});
