import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expandPipeline, pipelineFileSchema, pipelineSchema } from '@starling/shared';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { demoModels } from '../demo/models.ts';
import { readSigns } from '../demo/read-signs.ts';
import { paintSign } from '../harness/picture.ts';
import { openRecipe, type Recipe } from './recipe.ts';

const models = demoModels.flatMap(({ name, file, assets = {} }) => [
  ...['--model', `${name}=${file}`],
  ...Object.entries(assets).flatMap(([asset, path]) => ['--model', `${name}/${asset}=${path}`]),
]);

describe('reading signs', () => {
  let recipe: Recipe;
  beforeAll(async () => {
    recipe = await openRecipe('read-signs');
  });
  afterAll(() => recipe?.remove());

  test('is the graph of the demo', async () => {
    const graph = expandPipeline(pipelineFileSchema.parse(parse(await readFile(recipe.file, 'utf8'))));
    const demo = expandPipeline(pipelineSchema.parse(readSigns));
    expect([graph.nodes, graph.edges]).toEqual([demo.nodes, demo.edges]);
  });

  test('reads each sign of a folder', async () => {
    await mkdir(join(recipe.folder, 'signs'));
    for (const text of ['HARBOUR', 'EXIT', '4711']) await writeFile(join(recipe.folder, 'signs', `${text}.png`), await paintSign(text));
    const { items } = await recipe.run(['--input', 'signs', ...models]);
    const read = items.map(({ item, outputs }) => [item, (outputs.readings as { text: string }[]).map(({ text }) => text)]);
    expect(read).toEqual([
      ['4711.png', ['4711']],
      ['EXIT.png', ['EXIT']],
      ['HARBOUR.png', ['HARBOUR']],
    ]);
  });
});
