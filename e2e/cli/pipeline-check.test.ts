import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readSigns } from '../demo/read-signs.ts';
import { createStarling, type Starling } from './starling.ts';

let folder: string;
let starling: Starling;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'starling-check-'));
  starling = createStarling(join(folder, 'config'), folder);
  await writeFile(join(folder, 'read-signs.yaml'), JSON.stringify(readSigns, undefined, 2));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('without a fleet a pipeline is checked but for its models, which may be given', async () => {
  const models = ['text-detection', 'text-recognition'];
  expect(await starling.json(['pipeline', 'check', 'read-signs.yaml'])).toEqual({ problems: [], uncheckedModels: models });
  const { stderr } = await starling.run(['pipeline', 'check', 'read-signs.yaml']);
  expect(stderr).toMatch(/not signed in.*text-detection, text-recognition were not checked/);
  await writeFile(
    join(folder, 'det.yaml'),
    'inputs: [{ name: x, elementType: float32, shape: [1, 1, h, w] }]\noutputs: [{ name: y, elementType: float32, shape: [1, 1, h, w] }]\n',
  );
  const { exitCode, error } = await starling.failure([
    'pipeline',
    'check',
    'read-signs.yaml',
    '--offline',
    '--model',
    'text-detection=det.yaml',
  ]);
  expect(exitCode).toBe(5);
  const { problems } = error as { problems: { code: string; line: number }[] };
  expect(problems.map(({ code }) => code)).toEqual(expect.arrayContaining(['type-mismatch', 'unknown-port']));
});

test('every mistake comes with its line, underlined', async () => {
  const text = JSON.stringify(readSigns, undefined, 2)
    .replace('"image.decode"', '"image.decod"')
    .replace('"nodes"', '"prioritty": 3,\n  "nodes"');
  await writeFile(join(folder, 'wrong.yaml'), text);
  const { exitCode, stderr } = await starling.run(['pipeline', 'check', 'wrong.yaml', '--offline']);
  expect(exitCode).toBe(5);
  expect(stderr).toMatch(/wrong\.yaml:\d+:\d+: "prioritty" means nothing here \(unknown-key\)\n.*\n.*\^+\n.*did you mean "priority"\?/);
  expect(stderr).toMatch(/wrong\.yaml:\d+:\d+: .*there is no operator "image\.decod" .*\n.*\n.*\^+\n.*did you mean "image\.decode"\?/);
});

test('one mistake is one problem: a tab, a misspelt parameter, an edge that stands there twice', async () => {
  const text = `name: x
version: 1.0.0
inputs: { image: encoded-image }
outputs: { image: image }
nodes:
  decode: { op: image.decode }
  some:
    op: flow.sample
    params: { every: 2 }
edges:
  - { from: input.image, to: decode.image }
  - { from: decode.image, to: some.value }
  - { from: some.value, to: output.image }
`;
  const problemsOf = async (changed: string) => {
    await writeFile(join(folder, 'one.yaml'), changed);
    const { problems } = (await starling.failure(['pipeline', 'check', 'one.yaml', '--offline'])).error as {
      problems: { code: string; line: number; hint?: string }[];
    };
    return problems.map(({ code, line, hint }) => [code, line, hint]);
  };
  expect(await problemsOf(text.replace('    params', '\tparams'))).toEqual([['bad-yaml', 9, 'indent with spaces']]);
  expect(await problemsOf(text.replace('every', 'evry'))).toEqual([['invalid-params', 9, 'did you mean "every"?']]);
  const edge = '  - { from: decode.image, to: some.value }\n';
  expect(await problemsOf(text.replace(edge, edge + edge))).toEqual([['duplicate-input', 13, 'remove one of the two']]);
});

test('a model that is given, and that no node runs, is named', async () => {
  await writeFile(
    join(folder, 'ports.yaml'),
    'inputs: [{ name: x, elementType: float32, shape: [1] }]\noutputs: [{ name: y, elementType: float32, shape: [1] }]\n',
  );
  const { stderr } = await starling.run(['pipeline', 'check', 'read-signs.yaml', '--offline', '--model', 'text-detction=ports.yaml']);
  expect(stderr).toContain('no node runs text-detction, which --model gives; did you mean "text-detection"?');
});

test('the schema for editors is printed as JSON', async () => {
  const { stdout, exitCode } = await starling.run(['pipeline', 'schema']);
  expect(exitCode).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ title: 'Starling pipeline', type: 'object' });
});
