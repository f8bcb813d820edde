import { appendFile, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createSystemClock } from '../clock.ts';
import { openCredentials } from '../credentials.ts';
import { systemRandom } from '../ids.ts';
import { createSinks, type Sinks } from './index.ts';

const item = { stream: 'a/b', timeMs: 1_700_000_000_000 };
const startMs = Date.UTC(2026, 0, 1);

describe('the sink file', () => {
  let folder: string;
  let nowMs: number;
  let codes: string[];
  let opened: Sinks[];

  const open = (params: Record<string, unknown>) => {
    const sinks = createSinks(
      {
        ...{ device: 'a'.repeat(26), random: systemRandom, credentials: openCredentials(''), filesFolder: folder },
        clock: { ...createSystemClock(), wallMs: () => nowMs },
        tell: (_level, code) => codes.push(code),
        encode: async () => new Uint8Array([0xff, 0xd8, 0xff]),
      },
      join(folder, 'sinks'),
    );
    opened.push(sinks);
    return sinks.open(
      { name: 'p', nodes: { out: { sink: 'file', params: { folder: 'out', ...params } } } as never },
      { outputs: [], edges: [], sinks: [] },
    );
  };
  const files = async (): Promise<string[]> => (await readdir(join(folder, 'out'))).sort();
  const linesOf = async (name: string): Promise<unknown[]> =>
    (await readFile(join(folder, 'out', name), 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { value: unknown }).value);

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'file-sink-'));
    [nowMs, codes, opened] = [startMs, [], []];
  });
  afterEach(async () => {
    await Promise.all(opened.map((sinks) => sinks.closeAll()));
    await rm(folder, { recursive: true });
  });

  test('writes a line for each value, in the order of the items, though no policy names it: nothing leaves', async () => {
    const sinks = open({});
    await Promise.all(Array.from({ length: 50 }, (_, index) => sinks.deliver('out', { value: index }, { ...item, sequence: index })));
    expect(await files()).toEqual(['2026-01-01T00-00-00.000Z.jsonl']);
    expect(await linesOf('2026-01-01T00-00-00.000Z.jsonl')).toEqual(Array.from({ length: 50 }, (_, index) => index));
    expect(codes).toEqual([]);
  });

  test('begins a new file when this one is old or large, and drops the oldest', async () => {
    const sinks = open({ rotateMegabytes: 0.01, rotateHours: 1, keepMegabytes: 0.025 });
    for (let index = 0; index < 12; index += 1) {
      nowMs += 60_000;
      await sinks.deliver('out', { value: `${index}`.padEnd(4000, '.') }, { ...item, sequence: index });
    }
    nowMs += 3_600_000;
    await sinks.deliver('out', { value: 'late' }, { ...item, sequence: 12 });
    const names = await files();
    expect(names.length).toBe(3);
    expect(await linesOf(names.at(-1) ?? '')).toEqual(['late']);
  });

  test('begins a new file at each start, and cuts off the line that a power cut has left', async () => {
    await open({}).deliver('out', { value: 'whole' }, { ...item, sequence: 0 });
    const [first = ''] = await files();
    await appendFile(join(folder, 'out', first), '{"value":"hal');
    nowMs += 5;
    await open({}).deliver('out', { value: 'next' }, { ...item, sequence: 1 });
    expect(await Promise.all((await files()).map(linesOf))).toEqual([['whole'], ['next']]);
  });

  test('writes a file for each picture, named by its time, stream and number', async () => {
    const sinks = open({ format: 'images' });
    await sinks.deliver('out', { value: new Uint8Array([0x89, 0x50, 0x4e, 0x47]) }, { ...item, sequence: 4 });
    await sinks.deliver('out', { value: { width: 1, height: 1, data: new Uint8Array(3) } }, { ...item, sequence: 5 });
    expect(await files()).toEqual(['2023-11-14T22-13-20.000Z-a-b-4.png', '2023-11-14T22-13-20.000Z-a-b-5.jpg']);
  });

  test('says what is no picture', async () => {
    await open({ format: 'images' }).deliver('out', { value: 3 }, { ...item, sequence: 0 });
    expect(codes).toEqual(['not-an-image']);
  });

  test('tells of a folder that cannot be written, once', async () => {
    await appendFile(join(folder, 'out'), 'a file stands here');
    const sinks = open({});
    for (let index = 0; index < 3; index += 1) await sinks.deliver('out', { value: index }, { ...item, sequence: index });
    expect(codes).toEqual(['sink-failed']);
  });

  test('refuses parameters that are wrong, by their field', async () => {
    await open({ folder: '../../etc' }).deliver('out', { value: 1 }, { ...item, sequence: 0 });
    expect(codes).toEqual(['invalid-params']);
  });
});
