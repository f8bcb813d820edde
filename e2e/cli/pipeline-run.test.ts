import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { paintSign } from '../harness/picture.ts';
import { createStarling, type Starling } from './starling.ts';

const pipeline = `
name: look
inputs: { image: encoded-image }
outputs: { statistics: json }
nodes:
  decode: { op: image.decode }
  statistics: { op: image.statistics }
edges:
  - { from: input.image, to: decode.image }
  - { from: decode.image, to: statistics.image }
  - { from: statistics.statistics, to: output.statistics }
`;

describe('starling pipeline run', () => {
  let folder: string;
  let starling: Starling;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pipeline-run-'));
    starling = createStarling(join(folder, 'configuration'), folder);
    await mkdir(join(folder, 'photos'));
    for (const name of ['a.png', 'b.png']) await writeFile(join(folder, 'photos', name), await paintSign(name));
    await writeFile(join(folder, 'photos', 'notes.txt'), 'no picture');
    await writeFile(join(folder, 'look.yaml'), pipeline);
  });
  afterAll(() => rm(folder, { recursive: true }));

  test('runs each picture of a folder with no fleet, keeps what comes out, and says how long each node took', async () => {
    const { exitCode, stdout, stderr } = await starling.run(['pipeline', 'run', 'look.yaml', '--input', 'photos', '--output', 'out']);
    expect(exitCode).toBe(0);
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => line.split(' ')[0]),
    ).toEqual(['a.png', 'b.png']);
    expect(stderr).toMatch(/node +runs +mean ms/);
    expect(stderr).toMatch(/decode +2 /);
    expect((await readdir(join(folder, 'out'))).sort()).toEqual(['a.json', 'b.json']);
    expect(JSON.parse(await readFile(join(folder, 'out', 'a.json'), 'utf8'))).toEqual({ statistics: expect.any(Object) });
  });

  test('prints a line of JSON for each item, goes on after one that fails, and ends with 1', async () => {
    await writeFile(join(folder, 'photos', 'aa.png'), 'this is no picture');
    const { exitCode, stdout } = await starling.run(['pipeline', 'run', 'look.yaml', '--input', 'photos', '--json']);
    await rm(join(folder, 'photos', 'aa.png'));
    expect(exitCode).toBe(1);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.map(({ item }) => item)).toEqual(['a.png', 'aa.png', 'b.png', undefined]);
    expect(lines[0]).toMatchObject({ outputs: { statistics: expect.any(Object) }, nodesMs: { decode: expect.any(Number) } });
    expect(lines[1]).toMatchObject({ error: { code: 'not-an-image' } });
    expect(lines[3]).toMatchObject({ error: { code: 'items-failed' } });
  });

  test('takes inputs as so far apart as it is told, so that what counts time gives the same whenever it runs', async () => {
    const sampled = pipeline.replace('from: decode.image, to: statistics', 'from: sample.value, to: statistics');
    const nodes = sampled.replace(
      'edges:',
      '  sample: { op: flow.sample, params: { perSecond: 5 } }\nedges:\n  - { from: decode.image, to: sample.value }',
    );
    await writeFile(join(folder, 'sampled.yaml'), nodes);
    const passed = async (interval: string): Promise<boolean[]> => {
      const { stdout } = await starling.run(['pipeline', 'run', 'sampled.yaml', '--input', 'photos', '--json', '--interval-ms', interval]);
      const lines = stdout.trim().split('\n');
      return lines.map((line) => 'statistics' in (JSON.parse(line) as { outputs: object }).outputs);
    };
    expect(await passed('50')).toEqual([true, false]);
    expect(await passed('200')).toEqual([true, true]);
  });

  test('takes scripts and pipelines that lie in files of their own', async () => {
    await writeFile(join(folder, 'width.js'), 'export default ({ statistics }) => ({ width: statistics.width });');
    const outer = `
name: outer
inputs: { image: encoded-image }
outputs: { width: json }
nodes:
  look: { pipeline: ./look.yaml }
  width: { script: { file: ./width.js, inputs: { statistics: json }, outputs: { width: json } } }
edges:
  - { from: input.image, to: look.image }
  - { from: look.statistics, to: width.statistics }
  - { from: width.width, to: output.width }
`;
    await writeFile(join(folder, 'outer.yaml'), outer);
    const { exitCode, stdout, stderr } = await starling.run(['pipeline', 'run', 'outer.yaml', '--input', 'photos/a.png', '--json']);
    expect(exitCode, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ outputs: { width: 640 }, nodesMs: { 'look/decode': expect.any(Number) } });
    await writeFile(join(folder, 'astray.yaml'), outer.replace('./look.yaml', './nowhere.yaml'));
    const { error } = await starling.failure(['pipeline', 'run', 'astray.yaml', '--input', 'photos']);
    expect(error).toMatchObject({
      code: 'pipeline-has-problems',
      problems: [{ code: 'unresolved-reference', field: 'nodes.look.pipeline' }],
    });
  });

  test.each([
    [
      'a mistake in the graph, by line and column',
      ['broken.yaml', '--input', 'photos'],
      'pipeline-has-problems',
      /broken\.yaml:6:\d+: .*image\.decoder/s,
    ],
    ['a parameter that there is not', ['look.yaml', '--input', 'photos', '--set', 'speed=3'], 'unknown-parameter', /speed/],
    ['a folder that is not there', ['look.yaml', '--input', 'nowhere'], 'bad-file', /nowhere/],
    ['a pipeline that has nothing to run on', ['look.yaml'], 'no-input', /source/],
    ['a model that is not there', ['model.yaml', '--input', 'photos'], 'unknown-model', /text-detection\.onnx/],
  ])('names %s', async (_, args, code, message) => {
    await writeFile(join(folder, 'broken.yaml'), pipeline.replace('op: image.decode ', 'op: image.decoder '));
    await writeFile(join(folder, 'model.yaml'), pipeline.replace('{ op: image.statistics }', '{ model: text-detection }'));
    const { exitCode, error } = await starling.failure(['pipeline', 'run', ...args]);
    expect(exitCode).not.toBe(0);
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
  });
});
