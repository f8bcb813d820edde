import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { api, type DeviceView, type ReleaseView, runPageLink } from '@starling/shared';
import type { Browser } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildRunPage } from '../demo/pages.ts';
import type { GraphSpec } from '../harness/onnx-file.ts';
import { paintPlain } from '../harness/picture.ts';
import { describeWith } from '../harness/requires.ts';
import { type RunningFleet, startRunningFleet, until } from '../harness/running-fleet.ts';
import { hungryModel, hungryWhenRounded, publishMapRelease } from '../harness/small-models.ts';
import { factOf, launchRunBrowser, openRunPage, type RunPage, readPicture, SOFTWARE_GPU, untilRuns } from './run-page.ts';

const SETUP_TIMEOUT_MS = 300_000;
/** So many MB for each WebAssembly memory instead of 4 GB: what a large model does to a browser, done by a small one. */
const memoryOf = (megabytes: number): string => `--js-flags=--wasm-max-mem-pages=${megabytes * 16}`;
const REASON = 'it needs more memory than this browser gives';
const models = {
  white: hungryModel('white'),
  loaded: hungryModel('loaded'),
  run: hungryModel('run'),
  rounded: hungryWhenRounded(3, { width: 48 }),
} satisfies Record<string, GraphSpec>;

describeWith(['chromium'], 'a browser whose memory is used up', ({ chromium }) => {
  let fleet: RunningFleet;
  let folder: string;
  let tab: RunPage;
  let device: string;
  const releases = new Map<keyof typeof models, ReleaseView>();
  const browsers: Browser[] = [];

  beforeAll(async () => {
    await buildRunPage(() => undefined);
    fleet = await startRunningFleet({ 'build-methods': 'source,weights-int8' });
    for (const [revision, [name, graph]] of Object.entries(models).entries())
      releases.set(name as keyof typeof models, await publishMapRelease(fleet, graph, revision));
    folder = await mkdtemp(join(tmpdir(), 'starling-memory-'));
    const film = join(folder, 'white.mjpeg');
    const frame = await sharp(await paintPlain(255, 255, 255, 64))
      .jpeg()
      .toBuffer();
    await writeFile(film, Buffer.concat(Array.from({ length: 8 }, () => frame)));
    const camera = ['--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream', `--use-file-for-fake-video-capture=${film}`];
    ({ tab, device } = await open(['--disable-gpu', memoryOf(64), ...camera], ''));
  }, SETUP_TIMEOUT_MS);
  afterAll(async () => {
    for (const browser of browsers) await browser.close();
    await fleet?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const release = (name: keyof typeof models): ReleaseView => releases.get(name) as ReleaseView;
  /** A new device that runs what only white pictures are too much for. */
  const open = async (flags: readonly string[], settings: string): Promise<{ tab: RunPage; device: string }> => {
    const browser = await launchRunBrowser(chromium, flags);
    browsers.push(browser);
    const body = { name: 'browser', uses: 1, release: release('white').digest };
    const { text } = await fleet.client.call(api.createClaimToken, { body });
    const opened = await openRunPage(browser, `${runPageLink(fleet.baseUrl, text)}&${settings}`);
    await untilRuns(opened.page);
    const name = await factOf(opened.page, 'Device');
    await fleet.untilRunning(name, release('white'));
    return { tab: opened, device: name };
  };
  const events = async (of: string, code: string): Promise<string[]> =>
    (await fleet.telemetry(of, 'events')).filter(({ payload }) => payload.code === code).map(({ payload }) => String(payload.message));
  const reads = async ({ page }: RunPage, name: string): Promise<string[]> => readPicture(page, name, await paintPlain(40, 90, 160));
  const giveWhite = async ({ page }: RunPage): Promise<void> => {
    const picture = { name: 'white.png', mimeType: 'image/png', buffer: await paintPlain(255, 255, 255) };
    await page.locator('#files').setInputFiles(picture);
  };
  const alertOf = ({ page }: RunPage, text: string) => page.getByRole('alert').filter({ hasText: text });
  const failed = async (wanted: ReleaseView): Promise<DeviceView['reported']> => {
    await fleet.assign(device, wanted);
    return until(
      `${wanted.name} has failed`,
      async () => {
        const { reported, desired } = await fleet.device(device);
        return reported?.phase === 'failed' && reported.generation === desired?.generation && reported;
      },
      90_000,
      async () => JSON.stringify((await fleet.device(device)).reported),
    );
  };

  test('at load: it says so, is given a new engine, and runs on what it ran', async () => {
    const reported = await failed(release('loaded'));
    expect(reported?.error).toMatchObject({ code: 'load-failed', field: 'models.map', message: expect.stringContaining(REASON) });
    expect(reported?.running?.release).toBe(release('white').digest);
    await alertOf(tab, REASON).waitFor();
    await until('the new engine is told of', async () => (await events(device, 'host-crashed')).some((text) => text.includes(REASON)));
    expect(await reads(tab, 'after-load.png')).toEqual([]);
  });

  test('at the self-test: it says so, and runs on what it ran', async () => {
    const reported = await failed(release('run'));
    expect(reported?.error).toMatchObject({ code: 'self-test-failed', message: expect.stringContaining(REASON) });
    expect(reported?.running?.release).toBe(release('white').digest);
    await alertOf(tab, REASON).waitFor();
    expect(await reads(tab, 'after-test.png')).toEqual([]);
  });

  test('by an artefact that has a runner-up: that one runs, and both the page and the device say why', async () => {
    await fleet.assign(device, release('rounded'));
    const { reported, desired } = await fleet.untilRunning(device, release('rounded'));
    const chosen = desired?.choices.map?.artefact;
    expect(reported?.refused).toMatchObject([{ model: 'map', artefact: chosen, reason: expect.stringContaining(REASON) }]);
    expect(reported?.running?.artefacts.map).toBe(reported?.refused[0]?.instead);
    await tab.page.getByText('Another artefact of map runs here than the one that was chosen first.').waitFor();
    expect(await alertOf(tab, REASON).count()).toBe(0);
    await fleet.assign(device, release('white'));
    await fleet.untilRunning(device, release('white'));
  });

  test('by a picture: it fails alone, and the next one is read', async () => {
    await giveWhite(tab);
    await alertOf(tab, `white.png: map: ${REASON}`).waitFor();
    expect(await reads(tab, 'after-picture.png')).toEqual([]);
  });

  test('by every frame of a camera: the page says so for as long as that is so', async () => {
    await tab.page.getByRole('button', { name: 'Start camera' }).click();
    await alertOf(tab, REASON).waitFor();
    await tab.page.getByRole('button', { name: 'Stop' }).click();
    await alertOf(tab, REASON).waitFor({ state: 'detached' });
  });

  test('on a GPU whose engine breaks over it: goes on on the processor, and says why', async () => {
    // Room for the tensor, and not for the copy of it that goes to the GPU: the module traps.
    const gpu = await open([...SOFTWARE_GPU, memoryOf(160)], 'providers=webgpu,wasm');
    expect((await fleet.device(gpu.device)).reported?.running?.providers).toEqual({ map: 'webgpu' });
    await giveWhite(gpu.tab);
    await alertOf(gpu.tab, 'white.png: map: the engine has broken off').waitFor();
    const runsElsewhere = async (): Promise<boolean> => (await fleet.device(gpu.device)).reported?.running?.providers.map === 'wasm';
    await until('the model runs elsewhere', runsElsewhere);
    await until('the loss is told', async () => (await events(gpu.device, 'host-crashed')).some((text) => /GPU.* broken off/.test(text)));
    expect(await reads(gpu.tab, 'processor.png')).toEqual([]);
  });
});
