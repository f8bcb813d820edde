import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Audio, type SourceParams, sourceSignatures } from '@starling/shared';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createLog } from '../../agent/src/node/log.ts';
import { type EmitAudio, type Login, openAudio } from '../../agent/src/node/sources/audio.ts';
import type { Source } from '../../agent/src/node/sources/source.ts';
import { describeWith } from '../harness/requires.ts';
import { until } from '../harness/running-fleet.ts';
import { writeWave } from '../harness/wave-file.ts';

const RATE = 16_000;
const tone = Float32Array.from({ length: RATE }, (_, index) => 0.5 * Math.sin((2 * Math.PI * 440 * index) / RATE));

describeWith(['ffmpeg'], 'sound through ffmpeg', () => {
  let folder: string;
  let file: string;
  let source: Source | undefined;
  let server: Server | undefined;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'starling-audio-'));
    file = join(folder, '-tone of 440 Hz.wav');
    await writeFile(file, writeWave({ sampleRateHz: RATE, channels: 1, samples: tone }));
  });
  afterEach(async () => {
    await source?.close();
    server?.closeAllConnections();
    server?.close();
    server = undefined;
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const open = (params: Partial<SourceParams<'audio'>>, emit?: EmitAudio, login?: Login) => {
    const chunks: Audio[] = [];
    const log = createLog(
      'debug',
      () => 0,
      () => undefined,
    );
    const take: EmitAudio = async (values) => {
      await emit?.(values);
      chunks.push(values.audio);
    };
    const findLogin = login === undefined ? undefined : async () => login;
    const opened = openAudio(sourceSignatures.audio.params.parse(params), take, log, findLogin);
    source = opened;
    const said = (text: string): boolean => log.newest(100).some((line) => line.includes(text));
    return { chunks, said, log, ended: opened.ended };
  };
  const serve = async (listener: RequestListener): Promise<string> => {
    server = createServer(listener);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/gate.wav`;
  };
  const samplesOf = (chunks: readonly Audio[]): number[] => chunks.flatMap(({ samples }) => [...samples]);

  test('gives every sample of a file, in order, and then says that it has ended', async () => {
    let underWay = 0;
    const slowly: EmitAudio = async () => {
      underWay += 1;
      expect(underWay).toBe(1);
      await new Promise((resolve) => setTimeout(resolve, 20));
      underWay -= 1;
    };
    const { chunks, said, ended } = open({ path: file, realTime: false, chunkMs: 70 }, slowly);
    await ended;
    expect(said('come to its end')).toBe(true);
    const samples = samplesOf(chunks);
    expect(samples).toHaveLength(RATE);
    expect(Math.max(...samples.map((sample, index) => Math.abs(sample - (tone[index] as number))))).toBeLessThan(1 / 30_000);
    expect(chunks.map(({ samples: each }) => each.length)).toEqual([...Array(14).fill(1120), 320]);
  });

  test('brings sound to the rate and the channels that are asked for', async () => {
    const { chunks, ended } = open({ path: file, realTime: false, sampleRateHz: 8000, channels: 2 });
    await ended;
    expect(chunks[0]).toMatchObject({ sampleRateHz: 8000, channels: 2 });
    expect(chunks[0]?.samples).toHaveLength(1600);
    const samples = samplesOf(chunks);
    expect(samples.every((sample, index) => index % 2 === 0 || sample === samples[index - 1])).toBe(true);
    // What one channel had in power is now in two.
    expect(Math.max(...samples)).toBeCloseTo(0.5 * Math.SQRT1_2, 2);
  });

  test('plays a file as fast as it sounds, again and again', async () => {
    const startedMs = performance.now();
    const { chunks } = open({ path: file, loop: true });
    await until('it plays for longer than it is', () => samplesOf(chunks).length >= RATE * 1.5);
    // ffmpeg reads half a second ahead.
    expect(performance.now() - startedMs).toBeGreaterThan(700);
    expect(samplesOf(chunks)[RATE + 100]).toBeCloseTo(tone[100] as number, 3);
  });

  test('leaves out the oldest of what a pipeline is too slow for, and says so once', async () => {
    let letGo = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    // As a live stream, which nobody can hold back, and which comes at once.
    const samples = Float32Array.from({ length: 9000 }, (_, index) => index / 10_000);
    const url = await serve((_request, response) => response.end(writeWave({ sampleRateHz: 1000, channels: 1, samples })));
    const { chunks, said, log } = open({ url, sampleRateHz: 1000, chunkMs: 500 }, () => held);
    await until('it is slow', () => said('is left out'));
    await new Promise((resolve) => setTimeout(resolve, 300));
    void source?.close();
    expect(log.newest(100).filter((line) => line.includes('is left out'))).toHaveLength(1);
    letGo();
    await until('the first is done', () => chunks.length === 1);
    expect(chunks[0]?.samples[0]).toBeCloseTo(0, 3);
  });

  test('opens a stream again that ended, or that sends nothing more, with its password and without telling it', async () => {
    const asked: (string | undefined)[] = [];
    const samples = Float32Array.from({ length: RATE * 20 }, (_, index) => tone[index % RATE] as number);
    const wave = writeWave({ sampleRateHz: RATE, channels: 1, samples });
    const url = await serve((request, response) => {
      asked.push(request.headers.authorization);
      if (request.headers.authorization === undefined)
        return void response.writeHead(401, { 'www-authenticate': 'Basic realm="gate"' }).end();
      // Half of it, more than ffmpeg looks at before it begins, and then silence.
      response.writeHead(200, { 'content-length': wave.length }).write(wave.subarray(0, wave.length / 2));
    });
    const { chunks, said, log } = open({ url, silenceMs: 5000 }, undefined, { username: 'viewer', password: 's3cret/@' });
    const isAgain = (): boolean => said('fallen silent') && asked.filter((each) => each !== undefined).length >= 2;
    await until('it is opened again, and was heard', () => isAgain() && chunks.length > 2);
    expect(asked).toContain(`Basic ${Buffer.from('viewer:s3cret/@').toString('base64')}`);
    expect(log.newest(100).join()).not.toContain('s3cret');
  });

  test('says what ffmpeg says of a file that is not there', async () => {
    const { said } = open({ path: join(folder, 'none.wav') });
    await until('it is told', () => said('No such file'));
  });
});
