import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Pipeline, pipelineFileSchema } from '@starling/shared';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { demoModels } from '../demo/models.ts';
import { paintSign } from '../harness/picture.ts';
import { openRecipe, type Recipe } from './recipe.ts';
import { startTwoHosts, type TwoHosts } from './two-hosts.ts';

const SIGNS = ['HARBOUR', 'EXIT', '4711'];
const modelOptions = demoModels.flatMap(({ name, file, assets = {} }) => [
  ...['--model', `${name}=${file}`],
  ...Object.entries(assets).flatMap(([asset, path]) => ['--model', `${name}/${asset}=${path}`]),
]);

describe('reading signs on two machines', () => {
  let recipe: Recipe;
  let pipeline: Pipeline;
  let hosts: TwoHosts;

  beforeAll(async () => {
    recipe = await openRecipe('read-signs-in-cloud');
    pipeline = pipelineFileSchema.parse(parse(await readFile(recipe.file, 'utf8')));
    const models = (name: string) => demoModels.filter((each) => each.name === name);
    hosts = await startTwoHosts(pipeline, ['crop.images', 'read.text'], {
      home: models('text-detection'),
      cloud: models('text-recognition'),
    });
  }, 120_000);
  afterAll(async () => {
    await hosts?.close();
    await recipe?.remove();
  });

  test('gives what it gives on one, with each model on its machine, and sends no more than the lines', { timeout: 120_000 }, async () => {
    await mkdir(join(recipe.folder, 'signs'));
    const pictures = await Promise.all(SIGNS.map((text) => paintSign(text)));
    for (const [index, text] of SIGNS.entries())
      await writeFile(join(recipe.folder, 'signs', `${index}-${text}.png`), pictures[index] as Buffer);
    const { items } = await recipe.run(['--input', 'signs', ...modelOptions]);
    const readings: unknown[] = [];
    for (const picture of pictures) readings.push((await hosts.infer(picture)).outputs.readings);
    expect(readings).toEqual(items.map(({ outputs }) => outputs.readings));
    expect(readings).toMatchObject(SIGNS.map((text) => [{ text }]));
    // Three pictures of 640 x 240 in three colours would be 1.4 MB.
    expect(hosts.travelled.there).toBeLessThan(700_000);
    expect(hosts.travelled.back).toBeLessThan(10_000);
  });
});
