import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createSystemClock } from '../../agent/src/node/clock.ts';
import { openCredentials } from '../../agent/src/node/credentials.ts';
import { systemRandom } from '../../agent/src/node/ids.ts';
import { createLog } from '../../agent/src/node/log.ts';
import { createPushEndpoints, createSources, type Sources } from '../../agent/src/node/sources/index.ts';
import { paintSign } from '../harness/picture.ts';
import { describeWith } from '../harness/requires.ts';
import { type RtspServer, startRtspServer } from '../harness/rtsp-server.ts';
import { until } from '../harness/running-fleet.ts';

const PASSWORD = 's3cret-of-the-camera';

describeWith(['ffmpeg'], 'the source rtsp at a camera', ({ ffmpeg }) => {
  let folder: string;
  let camera: RtspServer;
  let sources: Sources;
  let sizes: string[];
  let codes: string[];
  let told: string;

  const startCamera = async (width: number, port = 0): Promise<RtspServer> => {
    const picture = join(folder, `camera-${width}.png`);
    await writeFile(
      picture,
      await sharp(await paintSign('GATE 4'))
        .resize(width)
        .png()
        .toBuffer(),
    );
    return startRtspServer({ ffmpeg, picture, port });
  };
  const open = (params: Record<string, unknown> = {}): void => {
    const gate = { source: 'rtsp', params: { url: camera.url, framesPerSecond: 5, ...params } };
    sources.open({ name: 'p', nodes: { gate } as never });
  };

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cameras-'));
    [sizes, codes, told] = [[], [], ''];
    await writeFile(join(folder, 'credentials.yaml'), `gate: { username: viewer, password: ${PASSWORD} }\n`, { mode: 0o600 });
    const clock = createSystemClock();
    const write = (line: string): void => {
      told += line;
    };
    sources = createSources({
      ...{
        device: 'a'.repeat(26),
        clock,
        random: systemRandom,
        endpoints: createPushEndpoints(),
        log: createLog('debug', clock.wallMs, write),
      },
      credentials: openCredentials(join(folder, 'credentials.yaml')),
      tell(_level, code, message, detail) {
        codes.push(code);
        write(JSON.stringify({ message, detail }));
      },
      sink: {
        async push(_node, { image }) {
          const { width, height } = await sharp(image as Uint8Array).metadata();
          sizes.push(`${width}x${height}`);
        },
      },
    });
    camera = await startCamera(640);
  });
  afterEach(async () => {
    await sources.closeAll();
    await camera.close();
    await rm(folder, { recursive: true });
    expect(told).not.toContain(PASSWORD);
  });

  test('gives its frames, and comes back to one that was started again in another resolution', async () => {
    open({ credentials: 'gate', silenceMs: 60_000 });
    await until(
      'there are frames',
      () => sizes.length >= 3,
      30_000,
      () => told,
    );
    const { port } = camera;
    const [first] = sizes;
    await camera.close();
    camera = await startCamera(320, port);
    await until(
      'there are frames of the other size',
      () => sizes.some((size) => size !== first),
      60_000,
      () => told,
    );
    const changed = sizes.findIndex((size) => size !== first);
    expect(new Set(sizes.slice(0, changed))).toEqual(new Set([first]));
    expect(new Set(sizes.slice(changed)).size).toBe(1);
    expect(codes).toEqual(['source-lost', 'source-recovered']);
  });

  test('opens a camera again that sends nothing more, and names that', async () => {
    open({ silenceMs: 8000 });
    await until(
      'there are frames',
      () => sizes.length >= 3,
      30_000,
      () => told,
    );
    // A start that took longer than that counts as silence too.
    codes.length = 0;
    const played = camera.played();
    camera.freeze();
    await until(
      'it is asked again',
      () => camera.played() > played,
      60_000,
      () => told,
    );
    await until(
      'it has recovered',
      () => codes.includes('source-recovered'),
      60_000,
      () => told,
    );
    expect(codes).toEqual(['source-silent', 'source-recovered']);
  });

  test('says once of a camera that is not there that it is not', async () => {
    open({ url: 'rtsp://127.0.0.1:9/none', credentials: 'gate' });
    await until('it is told', () => codes.length > 0, 30_000);
    await new Promise((resolve) => setTimeout(resolve, 4000));
    expect(codes).toEqual(['source-lost']);
  });
});
