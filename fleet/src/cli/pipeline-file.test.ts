import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkPipelineFile } from './check-pipeline-file.ts';
import { readPipelineFile } from './pipeline-file.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'starling-pipeline-'));
  await mkdir(join(folder, 'parts'));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const files = {
  'whole.yaml': `name: whole
version: 1.0.0
inputs: { a: json }
outputs: { b: json }
nodes:
  one: { pipeline: parts/inner.yaml }
  two: { pipeline: ./parts/inner.yaml }
  code:
    script: { file: parts/code.js, inputs: { x: json }, outputs: { y: json } }
edges:
  - { from: input.a, to: one.a }
  - { from: one.b, to: two.a }
  - { from: two.b, to: code.x }
  - { from: code.y, to: output.b }
`,
  'parts/inner.yaml': `name: inner
version: 2.0.0
inputs: { a: json }
outputs: { b: json }
nodes:
  most: { pipeline: ./deep.yaml }
edges:
  - { from: input.a, to: most.a }
  - { from: most.b, to: output.b }
`,
  'parts/deep.yaml': `name: deep
version: 1.0.0
inputs: { a: json }
outputs: { b: json }
nodes:
  same: { op: value.compute, params: { inputs: [a], give: a } }
edges:
  - { from: input.a, to: same.a }
  - { from: same.value, to: output.b }
`,
  'parts/code.js': 'export default ({ x }) => ({ y: x });\n',
};
const offline = { models: new Map(), mayBeElsewhere: true };

async function check(name: string, changes: Record<string, (text: string) => string> = {}) {
  for (const [file, change] of Object.entries(changes)) {
    await writeFile(join(folder, file), change(files[file as keyof typeof files]));
  }
  const read = await readPipelineFile(join(folder, name));
  for (const file of Object.keys(changes)) await writeFile(join(folder, file), files[file as keyof typeof files]);
  const checked = checkPipelineFile(read, offline);
  return {
    ...checked,
    found: checked.problems.map(
      ({ code, field, place }) => `${place.file.replace(`${folder}/`, '')}:${place.line}:${place.column} ${code} ${field}`,
    ),
  };
}

describe('a pipeline in several files', () => {
  test('is one document, each part once', async () => {
    const { document, found } = await check('whole.yaml');
    expect(found).toEqual([]);
    expect(document?.nodes).toMatchObject({
      one: { pipeline: 'inner' },
      two: { pipeline: 'inner' },
      code: { script: { source: files['parts/code.js'] } },
    });
    expect(Object.keys(document?.pipelines ?? {}).toSorted()).toEqual(['deep', 'inner']);
    expect(document?.pipelines['inner']).toMatchObject({ version: '2.0.0', nodes: { most: { pipeline: 'deep' } } });
  });

  test('shows a mistake in the file where it is', async () => {
    const { found } = await check('whole.yaml', {
      'parts/deep.yaml': (text) => text.replace('give: a }', 'give: "a + nothing" }'),
      'parts/inner.yaml': (text) => text.replace('most.a', 'mots.a'),
      'whole.yaml': (text) => text.replace('code.y,', 'code.z,'),
    });
    expect(found).toEqual([
      'parts/deep.yaml:6:64 invalid-expression pipelines.deep.nodes.same.params.give',
      'parts/inner.yaml:8:26 unknown-node pipelines.inner.edges.0.to',
      'whole.yaml:14:13 unknown-port edges.3.from',
    ]);
  });

  test('shows a mistake of the language in the script, wherever that stands', async () => {
    const { found } = await check('whole.yaml', { 'parts/code.js': () => '// adds\nexport default ({ x }) => {\n  let y = ;\n};\n' });
    expect(found).toEqual(['parts/code.js:3:11 invalid-script nodes.code.script.source']);
    const inBlock = (text: string): string =>
      text.replace(
        '{ file: parts/code.js, inputs: { x: json }, outputs: { y: json } }',
        [
          '',
          '      inputs: { x: json }',
          '      outputs: { y: json }',
          '      source: |',
          '        export default ({ x }) => {',
          '          return { y: x + };',
          '        };',
        ].join('\n'),
      );
    const block = await check('whole.yaml', { 'whole.yaml': inBlock });
    expect(block.found).toEqual(['whole.yaml:14:27 invalid-script nodes.code.script.source']);
  });

  test('that lead in a circle, or nowhere, is told so', async () => {
    const circle = await check('whole.yaml', { 'parts/deep.yaml': (text) => text.replace(/\{ op: .*/, '{ pipeline: inner.yaml }') });
    expect(circle.found).toContain('parts/deep.yaml:6:21 unresolved-reference pipelines.deep.nodes.same.pipeline');
    const { found } = await check('whole.yaml', {
      'whole.yaml': (text) =>
        text.replace('parts/inner', 'parts/outer').replace('parts/code', 'code').replace('./parts/inner.yaml', 'inner@1.0.0'),
    });
    expect(found).toEqual([
      'whole.yaml:6:20 unresolved-reference nodes.one.pipeline',
      'whole.yaml:7:20 unresolved-reference nodes.two.pipeline',
      'whole.yaml:9:21 unresolved-reference nodes.code.script.file',
    ]);
  });
});

describe('the form of a pipeline', () => {
  test('and its graph are told at once', async () => {
    const { document, found } = await check('whole.yaml', {
      'whole.yaml': (text) =>
        text
          .replace('version: 1.0.0', 'version: one\npriorty: 3')
          .replace('  one: { pipeline: parts/inner.yaml }', '  one: { pipelin: parts/inner.yaml }')
          .replace('to: output.b', 'to: output.c'),
    });
    expect(document).toBeUndefined();
    expect(found).toEqual([
      'whole.yaml:2:10 invalid-document version',
      'whole.yaml:3:1 unknown-key priorty',
      'whole.yaml:7:3 invalid-document nodes.one',
      'whole.yaml:15:25 unknown-port edges.3.to',
    ]);
  });

  test('has a hint for a word that is nearly right', async () => {
    const { problems } = await check('whole.yaml', { 'whole.yaml': (text) => text.replace('edges:', 'egdes:') });
    expect(problems).toMatchObject([
      { code: 'invalid-document', field: 'edges', message: 'edges is missing' },
      { code: 'unknown-key', field: 'egdes', hint: 'did you mean "edges"?' },
    ]);
  });

  test('is not asked of what is no YAML, and every mistake there is told', async () => {
    const { found } = await check('whole.yaml', {
      'whole.yaml': (text) => text.replace('{ a: json }', '{ a: json').replace('edges:', 'name: again\nedges:'),
    });
    expect(found.length).toBeGreaterThan(0);
    expect(found.every((each) => each.includes(' bad-yaml '))).toBe(true);
  });
});
