import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createSystemClock } from '../../agent/src/node/clock.ts';
import { openCredentials } from '../../agent/src/node/credentials.ts';
import { systemRandom } from '../../agent/src/node/ids.ts';
import { createLog } from '../../agent/src/node/log.ts';
import { createPushEndpoints, createSources, type Sources } from '../../agent/src/node/sources/index.ts';
import { describeWith } from '../harness/requires.ts';

function make(ffmpeg: string, path: string, size: string, seconds: number): void {
  const { status, stderr } = spawnSync(ffmpeg, [
    ...['-hide_banner', '-loglevel', 'error', '-y', '-f', 'lavfi', '-i', `testsrc=size=${size}:rate=10:duration=${seconds}`],
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '10', '-f', 'mpegts', path],
  ]);
  if (status !== 0) throw new Error(stderr.toString('utf8'));
}

describeWith(['ffmpeg'], 'the source video', ({ ffmpeg }) => {
  let folder: string;
  let frames: { width: number; height: number }[];
  let times: number[];
  let codes: string[];
  let sources: Sources;
  let work: () => Promise<void>;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'video-'));
    [frames, times, codes] = [[], [], []];
    work = async () => undefined;
    const clock = createSystemClock();
    sources = createSources({
      ...{ device: 'a'.repeat(26), clock, random: systemRandom, endpoints: createPushEndpoints() },
      log: createLog('error', clock.wallMs, () => undefined),
      credentials: openCredentials(join(folder, 'credentials.yaml')),
      tell: (_level, code) => codes.push(code),
      sink: {
        async push(_node, { image }, { timeMs }) {
          times.push(timeMs);
          const { width, height } = await sharp(image as Uint8Array).metadata();
          await sharp(image as Uint8Array, { failOn: 'warning' })
            .raw()
            .toBuffer();
          frames.push({ width, height });
          await work();
        },
      },
    });
  });
  afterEach(async () => {
    await sources.closeAll();
    await rm(folder, { recursive: true });
  });
  const open = (params: Record<string, unknown>) => sources.open({ name: 'p', nodes: { film: { source: 'video', params } } as never });

  test('gives each frame of a file once, waits for each, and comes to its end', async () => {
    const path = join(folder, 'film.ts');
    make(ffmpeg, path, '320x240', 4);
    work = () => new Promise((resolve) => setTimeout(resolve, 20));
    await open({ path, framesPerSecond: 5, realTime: false }).ended();
    expect(frames).toEqual(Array.from({ length: 20 }, () => ({ width: 320, height: 240 })));
    expect(codes).toEqual([]);
    // As they were filmed, however fast they are read.
    expect(times.map((timeMs) => timeMs - (times[0] ?? 0))).toEqual(Array.from({ length: 20 }, (_, index) => index * 200));
  });

  test('gives pictures of the right shape when they change their size on the way, and says so', async () => {
    const [first, second, path] = [join(folder, 'a.ts'), join(folder, 'b.ts'), join(folder, 'both.ts')];
    make(ffmpeg, first, '320x240', 2);
    make(ffmpeg, second, '640x360', 2);
    await writeFile(path, Buffer.concat([await readFile(first), await readFile(second)]));
    await open({ path, framesPerSecond: 5, realTime: false }).ended();
    const sizes = frames.map(({ width, height }) => `${width}x${height}`);
    expect(new Set(sizes)).toEqual(new Set(['320x240', '640x360']));
    expect(sizes).toEqual(sizes.toSorted());
    expect(sizes.filter((size) => size === '320x240')).toHaveLength(10);
    expect(sizes.length).toBeGreaterThanOrEqual(18);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeGreaterThan(3000);
    expect(codes).toEqual(['source-resized']);
  });

  test('scales wide frames, and no others', async () => {
    const path = join(folder, 'film.ts');
    make(ffmpeg, path, '640x360', 1);
    await open({ path, framesPerSecond: 5, realTime: false, maximumWidth: 320 }).ended();
    await open({ path, framesPerSecond: 5, realTime: false, maximumWidth: 1280 }).ended();
    expect(new Set(frames.map(({ width, height }) => `${width}x${height}`))).toEqual(new Set(['320x180', '640x360']));
  });

  test('leaves frames out that come while one is worked on, where the film runs in real time', async () => {
    const path = join(folder, 'film.ts');
    make(ffmpeg, path, '320x240', 6);
    work = () => new Promise((resolve) => setTimeout(resolve, 400));
    await open({ path, framesPerSecond: 10 }).ended();
    expect(frames.length).toBeGreaterThanOrEqual(3);
    expect(frames.length).toBeLessThanOrEqual(18);
  });

  test('says once that a file is not there, and reads it when it is', async () => {
    const path = join(folder, 'later.ts');
    open({ path, framesPerSecond: 5, realTime: false });
    await expect.poll(() => codes).toEqual(['source-lost']);
    make(ffmpeg, path, '320x240', 1);
    await expect.poll(() => codes).toEqual(['source-lost', 'source-recovered']);
  });
});
