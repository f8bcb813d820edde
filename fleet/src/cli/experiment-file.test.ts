import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { readExperimentFile } from './experiment-file.ts';

const examples = fileURLToPath(new URL('../../../examples/experiments/', import.meta.url));

test('the examples say what they should', async () => {
  const specs = await Promise.all((await readdir(examples)).map(async (file) => (await readExperimentFile(join(examples, file))).spec));
  expect(specs.map(({ mode }) => mode).sort()).toEqual(['bandit', 'shadow', 'split']);
});

test('every problem is told with its line, and what was meant', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'starling-experiment-'));
  const file = join(folder, 'duel.yaml');
  await writeFile(file, "name: duel\nselector: 'true'\nmode: splt\nchallengers:\n  - release: b\n    percnt: 5\nstop: {aftr: 3d}\n");
  const error = await readExperimentFile(file).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'experiment-has-problems' });
  const text = (error as Error).message;
  expect(text).toContain(`${file}:3:7`);
  expect(text).toContain('did you mean "percent"?');
  expect(text).toContain('did you mean "after"?');
  await rm(folder, { recursive: true, force: true });
});
