import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { digitsModelFile } from '../digits/trained.ts';
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
    // What is in the folder and no picture is not let go in silence.
    expect(stderr).toContain('left out, since input.image takes encoded-image: notes.txt');
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

  test('counts what failed among all items, and names the node of each failure', async () => {
    await writeFile(join(folder, 'photos', 'aa.png'), 'this is no picture');
    const { stderr } = await starling.run(['pipeline', 'run', 'look.yaml', '--input', 'photos']);
    await rm(join(folder, 'photos', 'aa.png'));
    expect(stderr).toMatch(/aa\.png {2}not-an-image: decode: /);
    expect(stderr).toContain('3 items: 2 done, 1 failed');
  });

  test('says which values a receiver that hangs has not taken, rather than letting them go in silence', async () => {
    const receiver = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(receiver, 'listening');
    const { port } = receiver.address() as AddressInfo;
    const sending = pipeline.replace(
      'edges:',
      `  hook: { sink: webhook, params: { url: 'http://127.0.0.1:${port}/', timeoutMs: 1000 } }\nedges:\n  - { from: statistics.statistics, to: hook.value }`,
    );
    await writeFile(join(folder, 'sending.yaml'), sending);
    const { exitCode, stderr } = await starling.run(['pipeline', 'run', 'sending.yaml', '--input', 'photos', '--send']);
    receiver.closeAllConnections();
    receiver.close();
    expect(exitCode).not.toBe(0);
    expect(stderr).toMatch(/webhook-timed-out: .* did not answer within 1000 ms/);
    expect(stderr).toContain('values were not sent within 10 s, and are gone with this trial: 2 of hook');
  });

  test.each([
    ['video', 'source-lost'],
    ['folder', 'folder-unreadable'],
  ])('ends where a %s is not there, which a device would wait for', async (source, code) => {
    const own = pipeline
      .replace('inputs: { image: encoded-image }\n', '')
      .replace('nodes:', `nodes:\n  in: { source: ${source}, params: { path: nowhere } }`)
      .replace('input.image', 'in.image');
    await writeFile(join(folder, 'own.yaml'), own);
    const { exitCode, error } = await starling.failure(['pipeline', 'run', 'own.yaml']);
    expect(exitCode).not.toBe(0);
    expect(error).toMatchObject({ code, field: 'nodes.in.params.path', hint: expect.stringContaining('--input') });
  });

  test('takes files in the place of several cameras, and matches them by time as it would on a device', async () => {
    const cameras = `
name: two
outputs: { pair: json }
nodes:
  front: { source: rtsp, params: { url: 'rtsp://front.local/1' } }
  back: { source: rtsp, params: { url: 'rtsp://back.local/1' } }
  third: { source: rtsp, params: { url: 'rtsp://third.local/1' } }
  open-front: { op: image.decode }
  open-back: { op: image.decode }
  open-third: { op: image.decode }
  together: { op: stream.join, params: { inputs: [front, back], windowMs: 10 } }
  pair: { op: value.compute, params: { inputs: [front, back], give: '[front.width, back.width]' } }
  kept: { sink: file, params: { folder: third, format: images } }
edges:
  - { from: front.image, to: open-front.image }
  - { from: back.image, to: open-back.image }
  - { from: third.image, to: open-third.image }
  - { from: open-front.image, to: together.front }
  - { from: open-back.image, to: together.back }
  - { from: together.front, to: pair.front }
  - { from: together.back, to: pair.back }
  - { from: pair.value, to: output.pair }
  - { from: open-third.image, to: kept.value }
`;
    await writeFile(join(folder, 'two.yaml'), cameras);
    const sources = ['--source', 'front=photos', '--source', 'back=photos'];
    const { exitCode, stdout, stderr } = await starling.run(['pipeline', 'run', 'two.yaml', ...sources, '--json']);
    expect(exitCode).toBe(0);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { item: string; outputs: { pair?: number[] } });
    expect(lines.map(({ item }) => item)).toEqual(['front a.png', 'back a.png', 'front b.png', 'back b.png']);
    expect(lines.map(({ outputs }) => outputs.pair?.length)).toEqual([undefined, 2, undefined, 2]);
    expect(stderr).toContain('gives nothing in this trial: third; name files with --source third=PATH');
    const { error } = await starling.failure(['pipeline', 'run', 'two.yaml', '--source', 'side=photos']);
    expect(error).toMatchObject({ code: 'unknown-source', field: 'source.side', hint: 'sources: front, back, third' });
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

  test('says what files it takes, which model was misspelt, and what a wrong model gives', async () => {
    const failed = async (...args: string[]) =>
      (await starling.failure(['pipeline', 'run', ...args])).error as { message: string; hint: string };
    await mkdir(join(folder, 'texts'), { recursive: true });
    await writeFile(join(folder, 'texts', 'notes.txt'), 'no picture');
    expect((await failed('look.yaml', '--input', 'texts')).hint).toMatch(/end in \.jpg, \.jpeg, \.png/);
    const digits = `
name: digits
inputs: { image: encoded-image }
outputs: { tensor: any }
nodes:
  decode: { op: image.decode }
  fit: { op: image.fit, params: { width: 28, height: 28 } }
  pixels: { op: image.to-grey-tensor }
  read: { model: digits }
edges:
  - { from: input.image, to: decode.image }
  - { from: decode.image, to: fit.image }
  - { from: fit.image, to: pixels.image }
  - { from: pixels.tensor, to: read.pixels }
  - { from: read.nowhere, to: output.tensor }
`;
    await writeFile(join(folder, 'digits.yaml'), digits);
    const misspelt = await failed('digits.yaml', '--input', 'photos', '--model', `digit=${digitsModelFile}`);
    expect(misspelt.hint).toMatch(/^no node runs "digit", which --model gives; give it with --model digits=PATH/);
    const wrong = await failed('digits.yaml', '--input', 'photos', '--model', `digits=${digitsModelFile}`);
    expect(wrong).toMatchObject({ message: '"read" has no output "nowhere"', hint: expect.stringMatching(/^outputs: \w+, error$/) });
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
