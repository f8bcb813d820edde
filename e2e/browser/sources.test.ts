import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ReleaseView } from '@starling/shared';
import { type BrowserContext, chromium as launcher, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { overflow, PHONE, seriousFindings, WIDE } from '../dashboard/open-browser.ts';
import { buildRunPage } from '../demo/pages.ts';
import { describeWith } from '../harness/requires.ts';
import { type RunningFleet, startRunningFleet, until } from '../harness/running-fleet.ts';
import { mapModel, publishMapRelease } from '../harness/small-models.ts';
import { BY_CLOCK, factOf, newRunLink, untilRuns } from './run-page.ts';

const SETUP_TIMEOUT_MS = 300_000;
const OTHER = 'The other tab';
const looks = (['light', 'dark'] as const).flatMap((colorScheme) => [
  { name: `${colorScheme}, wide`, colorScheme, viewport: WIDE },
  { name: `${colorScheme}, on a phone`, colorScheme, viewport: PHONE },
]);
/** Two cameras that need no permission, and a tab that is shared without asking. */
const flags = [
  ...['--no-sandbox', '--disable-gpu', '--use-fake-device-for-media-stream=device-count=2'],
  `--auto-select-tab-capture-source-by-title=${OTHER}`,
];

describeWith(['chromium'], 'what a browser reads', ({ chromium }) => {
  let fleet: RunningFleet;
  let release: ReleaseView;
  let folder: string;
  let context: BrowserContext;
  let page: Page;
  let device: string;
  const complaints: string[] = [];

  beforeAll(async () => {
    await buildRunPage(() => undefined);
    fleet = await startRunningFleet({ 'build-methods': 'source' });
    release = await publishMapRelease(fleet, mapModel(1, { width: 16 }), 0);
    folder = await mkdtemp(join(tmpdir(), 'starling-sources-'));
    // A profile on disk: others are never allowed to keep what they store.
    context = await launcher.launchPersistentContext(folder, { executablePath: chromium, args: flags, permissions: ['camera'] });
    const other = await context.newPage();
    await other.setContent(`<title>${OTHER}</title><style>@keyframes go { to { margin-left: 50vw } }</style>
      <p style="width: 9em; height: 9em; background: #28a; animation: go 1s infinite alternate">`);
    page = await context.newPage();
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    const session = await context.newCDPSession(page);
    await session.send('Browser.grantPermissions' as never, { permissions: ['durableStorage', 'videoCapture'] } as never);
    await page.goto(await newRunLink(fleet, release));
    await untilRuns(page);
    device = await factOf(page, 'Device');
  }, SETUP_TIMEOUT_MS);
  afterAll(async () => {
    await context?.close();
    await fleet?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** Frames arrive and are read, of this size. */
  const reads = async (what: string, width?: number): Promise<void> => {
    await page.getByRole('img', { name: `Picture of ${what}` }).waitFor();
    await page.locator('#rate', { hasText: '/s' }).waitFor();
    if (width !== undefined) await page.waitForFunction((wide) => document.querySelector('canvas')?.width === wide, width, BY_CLOCK);
  };
  const stop = async (): Promise<void> => {
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.locator('#rate', { hasText: '–' }).waitFor();
  };

  test('a camera, and another one when it is chosen', async () => {
    await page.getByRole('button', { name: 'Start camera' }).click();
    await reads('the camera');
    const list = page.getByLabel('Camera', { exact: true });
    await list.waitFor();
    const [first, second] = await list.locator('option').evaluateAll((options) => options.map((each) => (each as HTMLOptionElement).value));
    expect(await list.inputValue()).toBe(first);
    await list.selectOption(second ?? expect.unreachable());
    // The list shows the camera that really runs.
    await expect.poll(() => list.inputValue()).toBe(second);
    await reads('the camera');
    await stop();
  });

  test('everything by the keyboard alone', async () => {
    await page.locator('h1').click();
    const reached: string[] = [];
    for (let press = 0; press < 4; press += 1) {
      await page.keyboard.press('Tab');
      reached.push(await page.evaluate(() => document.activeElement?.id ?? ''));
    }
    expect(reached).toEqual(['camera', 'screen', 'files', 'cameras']);
    await page.locator('#camera').focus();
    await page.keyboard.press('Enter');
    await reads('the camera');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Start camera' }).waitFor();
  });

  test.each(looks)('nothing is out of order for axe, nor wider than the window: $name', async ({ colorScheme, viewport }) => {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.setViewportSize(viewport);
    expect([await overflow(page), await seriousFindings(page)]).toEqual([0, []]);
  });

  test('on a phone no button moves while a camera starts, whatever its picture is like', async () => {
    await page.setViewportSize(PHONE);
    await page.reload();
    await untilRuns(page);
    const places = () => Promise.all(['#camera', '#screen', '[for=files]'].map((each) => page.locator(each).boundingBox()));
    const before = await places();
    await page.getByRole('button', { name: 'Start camera' }).click();
    await reads('the camera');
    await page.getByLabel('Camera', { exact: true }).waitFor();
    expect(await places()).toEqual(before);
    await stop();
    expect(await places()).toEqual(before);
  });

  test('on a wide screen what is read stands beside the picture, above the fold', async () => {
    await page.setViewportSize({ width: 1100, height: 700 });
    const boxOf = async (selector: string) => (await page.locator(selector).boundingBox()) ?? expect.unreachable();
    const [picture, meters, read] = [await boxOf('.stage'), await boxOf('.meters'), await boxOf('#read-title')];
    for (const told of [meters, read]) expect(told.x).toBeGreaterThanOrEqual(picture.x + picture.width);
    expect(meters.y).toBe(picture.y);
    expect(read.y + read.height).toBeLessThan(350);
    expect([await overflow(page), await seriousFindings(page)]).toEqual([0, []]);
    await page.setViewportSize(WIDE);
  });

  test('a screen that somebody shares', async () => {
    await page.getByRole('button', { name: 'Share screen' }).click();
    await reads('the screen');
    await stop();
  });

  test('a video file, again and again', async () => {
    await page.evaluate(async () => {
      const canvas = Object.assign(document.createElement('canvas'), { width: 320, height: 180 });
      const pen = canvas.getContext('2d');
      const recorder = new MediaRecorder(canvas.captureStream(20), { mimeType: 'video/webm' });
      const parts: Blob[] = [];
      recorder.addEventListener('dataavailable', ({ data }) => parts.push(data));
      recorder.start();
      for (let frame = 0; frame < 20; frame += 1) {
        if (pen !== null) pen.fillStyle = `hsl(${frame * 18} 80% 50%)`;
        pen?.fillRect(0, 0, 320, 180);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      await new Promise((resolve) => {
        recorder.addEventListener('stop', resolve);
        recorder.stop();
      });
      const given = new DataTransfer();
      given.items.add(new File(parts, 'street.webm', { type: 'video/webm' }));
      const input = document.querySelector<HTMLInputElement>('#files');
      if (input !== null) input.files = given.files;
      input?.dispatchEvent(new Event('change'));
    });
    await reads('street.webm', 320);
    // Longer than the film is.
    await page.waitForTimeout(4_000);
    await reads('street.webm', 320);
    await stop();
    expect(complaints).toEqual([]);
  });

  test('tells the fleet how the battery is, that its energy is modelled, and that it may keep what it stores', async () => {
    const health = await until('health is told', async () => (await fleet.telemetry(device, 'health')).at(-1));
    expect(health.payload.battery).toEqual({ level: expect.any(Number), charging: expect.any(Boolean) });
    const energy = await until('energy is told', async () => (await fleet.telemetry(device, 'energy')).at(-1));
    expect(energy.payload).toMatchObject({ method: 'modelled', source: 'browser-wasm' });
    expect((await fleet.device(device)).capabilities.browser?.storage).toEqual({ opfs: true, persisted: true });
  });
});
