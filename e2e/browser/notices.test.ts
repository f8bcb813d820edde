import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { api, formatClaimToken, parseClaimToken, type ReleaseView, runPageLink, StarlingError } from '@starling/shared';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openPage, settle, signedIn, WIDE } from '../dashboard/open-browser.ts';
import { buildDashboard, buildRunPage } from '../demo/pages.ts';
import { paintPlain } from '../harness/picture.ts';
import { describeWith } from '../harness/requires.ts';
import { type RunningFleet, startRunningFleet, until } from '../harness/running-fleet.ts';
import { loopModel, mapModel, publishMapRelease } from '../harness/small-models.ts';
import { factOf, launchRunBrowser, newRunLink, openRunPage, openTab, type RunPage, readPicture, untilRuns } from './run-page.ts';

const SETUP_TIMEOUT_MS = 300_000;
/** Counts for about a second, so that a frame is still read when something else is shown. */
const SLOW_TURNS = 600_000;
/** On a machine that has other work, slow models are slower still. */
const RUN_TIMEOUT_MS = 150_000;
const SLOW_TEST = { timeout: 2 * RUN_TIMEOUT_MS };
/** A camera that needs no permission, before something light: the model finds a box in it. @param film a file of frames */
const filming = (film: string): string[] => [
  ...['--disable-gpu', '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream'],
  `--use-file-for-fake-video-capture=${film}`,
];

describeWith(['chromium'], 'a browser is told what it waits for, from the form on', ({ chromium }) => {
  let fleet: RunningFleet;
  let browser: Browser;
  let first: ReleaseView;
  let storageState: NonNullable<BrowserContextOptions['storageState']>;
  let folder: string;
  let tab: RunPage;
  let device: string;

  beforeAll(async () => {
    await buildDashboard(() => undefined);
    await buildRunPage(() => undefined);
    fleet = await startRunningFleet({ 'build-methods': 'source' });
    first = await publishMapRelease(fleet, mapModel(1, { width: 16 }), 0);
    folder = await mkdtemp(join(tmpdir(), 'starling-notices-'));
    const frame = await sharp(await paintPlain(200, 200, 200, 640))
      .jpeg()
      .toBuffer();
    await writeFile(join(folder, 'light.mjpeg'), Buffer.concat(Array.from({ length: 8 }, () => frame)));
    browser = await launchRunBrowser(chromium, filming(join(folder, 'light.mjpeg')));
    storageState = await signedIn(browser, fleet);
  }, SETUP_TIMEOUT_MS);
  afterAll(async () => {
    await browser?.close();
    await fleet?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** The release that the form names by itself, and the link that comes of it as it stands. */
  const addDevice = async (): Promise<{ release: string; link: string }> => {
    const { page, complaints, close } = await openPage(browser, { storageState, viewport: WIDE });
    await page.goto(`${fleet.baseUrl}/enrolment`);
    await settle(page);
    await page.getByRole('tab', { name: 'Browser or phone' }).click();
    // Until the releases are there, nothing stands in it.
    await page.getByRole('combobox', { name: 'Release' }).click();
    await page.getByRole('option', { name: first.name }).waitFor();
    await page.keyboard.press('Escape');
    const release = await page.getByRole('combobox', { name: 'Release' }).inputValue();
    await page.getByRole('button', { name: 'Make the code' }).click();
    const link = await page.getByRole('link', { name: 'Make this browser the device' }).getAttribute('href');
    expect(complaints).toEqual([]);
    await close();
    return { release, link: link ?? expect.unreachable() };
  };

  test('the form names the only release there is, and who opens its link runs it', async () => {
    const { release, link } = await addDevice();
    expect(release).toBe(first.name);
    tab = await openRunPage(browser, `${link}&runTimeoutMs=${RUN_TIMEOUT_MS}`);
    await untilRuns(tab.page);
    device = await factOf(tab.page, 'Device');
    await fleet.untilRunning(device, first);
  });

  test('of several it names none, and a device without one says so until it has one', async () => {
    await publishMapRelease(fleet, mapModel(2, { width: 16 }), 1);
    const { release, link } = await addDevice();
    expect(release).toBe('');
    const waiting = await openRunPage(browser, link);
    const notice = waiting.page.getByRole('status').filter({ hasText: 'no release was assigned to this device' });
    await notice.getByText('Assign one in the dashboard, under Devices.').waitFor();
    await fleet.assign(await factOf(waiting.page, 'Device'), first);
    await untilRuns(waiting.page);
    await notice.waitFor({ state: 'detached' });
    await waiting.close();
  });

  test('two browsers that are alike have names in the list that are not, and end as the ids on their pages begin', async () => {
    const { items } = await fleet.client.call(api.listDevices, { query: { limit: 100, offset: 0 } });
    const { page, complaints, close } = await openPage(browser, { storageState, viewport: WIDE });
    await page.goto(`${fleet.baseUrl}/devices`);
    await settle(page);
    const names = await page.getByRole('link', { name: /^Chromium on Linux / }).allTextContents();
    expect(names.sort()).toEqual(items.map(({ id }) => `Chromium on Linux ${id.slice(0, 6)}`).sort());
    expect(new Set(names).size).toBe(2);
    expect(names).toContain(`Chromium on Linux ${device.slice(0, 6)}`);
    expect(complaints).toEqual([]);
    await close();
  });

  test('a link that was used, that was revoked, that has expired or that the fleet does not know says so, and where the next one comes from', async () => {
    const short = await fleet.client.call(api.createClaimToken, { body: { name: 'short', expiresInHours: 0.01 } });
    const used = await newRunLink(fleet, first);
    const once = await openRunPage(browser, used);
    await untilRuns(once.page);
    await once.close();
    const { token, text } = await fleet.client.call(api.createClaimToken, { body: { name: 'revoked' } });
    await fleet.client.call(api.revokeClaimToken, { params: { id: token.id } });
    const other = formatClaimToken({ ...(parseClaimToken(text) ?? expect.unreachable()), tokenId: 'of-another-fleet' });
    const refusalOf = async (link: string): Promise<string> => {
      const { page, close } = await openRunPage(browser, link);
      const notice = page.getByRole('alert').filter({ hasText: 'The link or QR code that opened this page' });
      await notice.getByText('Make a new one under "Add a device" on the dashboard.').waitFor();
      const said = (await notice.textContent()) ?? '';
      await close();
      return said;
    };
    expect(await refusalOf(used)).toContain('adds no device: it has been used up.');
    expect(await refusalOf(runPageLink(fleet.baseUrl, text))).toContain('adds no device: it was revoked.');
    expect(await refusalOf(runPageLink(fleet.baseUrl, other))).toContain('adds no device: this fleet does not know it.');
    await until('the short one is over', () => Promise.resolve(Date.now() > short.token.expiresAtMs));
    expect(await refusalOf(runPageLink(fleet.baseUrl, short.text))).toMatch(/it expired at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\./);
  });

  test('a file that is opened stops the camera, and the page says so until it films again', async () => {
    await rememberCameras(tab.context);
    await tab.page.reload();
    await untilRuns(tab.page);
    const notice = tab.page.getByRole('status').filter({ hasText: 'What was watched has stopped: a file was opened.' });
    await tab.page.getByRole('button', { name: 'Start camera' }).click();
    await tab.page.getByRole('img', { name: 'Picture of the camera' }).waitFor();
    expect(await camerasOf(tab.page)).toEqual(['live']);
    // It goes by itself some seconds later.
    await Promise.all([notice.waitFor(), readPicture(tab.page, 'plain.png', await paintPlain(40, 90, 160))]);
    expect(await camerasOf(tab.page)).toEqual(['ended']);
    await tab.page.getByRole('img', { name: 'Picture of plain.png' }).waitFor();
    await tab.page.getByRole('button', { name: 'Start camera' }).click();
    await notice.waitFor({ state: 'detached' });
    await tab.page.getByRole('img', { name: 'Picture of the camera' }).waitFor();
    expect(await camerasOf(tab.page)).toEqual(['ended', 'live']);
    await tab.page.getByRole('button', { name: 'Stop' }).click();
    expect(await camerasOf(tab.page)).toEqual(['ended', 'ended']);
    // Whoever does nothing more is not told it for ever.
    await tab.page.getByRole('button', { name: 'Start camera' }).click();
    await tab.page.getByRole('button', { name: 'Stop' }).waitFor();
    await Promise.all([notice.waitFor(), readPicture(tab.page, 'again.png', await paintPlain(40, 90, 160))]);
    await notice.waitFor({ state: 'detached', timeout: 15_000 });
    await tab.page.getByRole('img', { name: 'Picture of again.png' }).waitFor();
  });

  test('a photograph that was cut off is called damaged, and nothing that was shown before stands for it', async () => {
    const { page } = tab;
    const whole = await sharp(await paintPlain(40, 90, 160))
      .jpeg()
      .toBuffer();
    for (const [name, buffer] of [
      ['cut.jpg', whole.subarray(0, 40)],
      ['garbled.jpg', Buffer.concat([whole.subarray(0, 4), Buffer.alloc(500, 0x5a)])],
    ] as const) {
      await readPicture(page, 'whole.jpg', whole);
      await page.locator('#files').setInputFiles({ name, mimeType: 'image/jpeg', buffer });
      const error = page.getByRole('alert').filter({ hasText: `${name} is damaged` });
      await error.waitFor();
      expect(await error.textContent()).not.toMatch(/kind|JPEG|not taken/);
      await page.getByText(`${name} cannot be shown.`).waitFor();
      await page.locator('#picture').evaluate((canvas) => canvas.removeAttribute('data-read'));
    }
  });

  test(
    'what is still read of a camera is not taken for the file that was opened after it, nor takes its error away',
    SLOW_TEST,
    async () => {
      const { page } = tab;
      const slow = await publishMapRelease(fleet, loopModel(SLOW_TURNS), 2);
      await fleet.assign(device, slow);
      await fleet.untilRunning(device, slow, RUN_TIMEOUT_MS);
      await readPicture(page, 'slow.png', await paintPlain(40, 90, 160));
      const latency = page.locator('#latency');
      const runMs = Number.parseInt((await latency.textContent()) ?? '', 10);
      expect(runMs).toBeGreaterThan(300);
      await page.getByRole('button', { name: 'Start camera' }).click();
      await page.getByRole('img', { name: 'Picture of the camera' }).waitFor();
      await page.waitForTimeout(runMs / 4);
      const torn = (await paintPlain(40, 90, 160)).subarray(0, 60);
      await page.locator('#files').setInputFiles({ name: 'torn.png', mimeType: 'image/png', buffer: torn });
      const error = page.getByRole('alert').filter({ hasText: 'torn.png is damaged' });
      await error.waitFor();
      // Both frames that were under way are read by then.
      await page.waitForTimeout(4 * runMs);
      expect([await error.isVisible(), await latency.textContent(), await page.locator('#readings li').count()]).toEqual([true, '–', 0]);
      await readPicture(page, 'next.png', await paintPlain(40, 90, 160));
      expect([await error.isVisible(), await latency.textContent()]).toEqual([false, expect.stringMatching(/^\d+ ms$/)]);
    },
  );

  test('what was read in a frame that is old by then is not drawn over the live picture as if it were of it', SLOW_TEST, async () => {
    const { page } = tab;
    const slow = await publishMapRelease(fleet, loopModel(3 * SLOW_TURNS), 3);
    await fleet.assign(device, slow);
    await fleet.untilRunning(device, slow, RUN_TIMEOUT_MS);
    // Pixels of a box that is drawn in its full colour.
    const boxed = (): Promise<number> =>
      page.locator('#picture').evaluate((canvas: HTMLCanvasElement) => {
        const { data } = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height) ?? { data: new Uint8ClampedArray() };
        let found = 0;
        for (let at = 0; at < data.length; at += 4) {
          const [red = 0, green = 0, blue = 0] = data.subarray(at, at + 3);
          if (Math.abs(red - 47) < 6 && Math.abs(green - 184) < 6 && Math.abs(blue - 163) < 6) found += 1;
        }
        return found;
      });
    await readPicture(page, 'still.png', await paintPlain(200, 200, 200, 64));
    expect(await boxed()).toBeGreaterThan(0);
    await page.getByRole('button', { name: 'Start camera' }).click();
    await page.locator('#rate', { hasText: '/s' }).waitFor();
    expect(Number.parseInt((await page.locator('#latency').textContent()) ?? '', 10)).toBeGreaterThan(1_000);
    for (let look = 0; look < 20; look += 1) {
      expect(await boxed()).toBe(0);
      await page.waitForTimeout(100);
    }
    await page.getByRole('button', { name: 'Stop' }).click();
    await fleet.assign(device, first);
    await fleet.untilRunning(device, first);
  });

  test('a second tab of the device starts no camera, until it is the only one', async () => {
    const second = await openTab(tab.context, `${fleet.baseUrl}/run/`);
    await second.page.getByText('Another tab of this browser is the device.').waitFor();
    for (const what of ['#camera', '#screen', '#files']) expect(await second.page.locator(what).isDisabled()).toBe(true);
    await second.page.getByText('Cameras and files are read in the other tab.').waitFor();
    // Nor does it tell of itself what the other tab knows better.
    for (const what of ['#steps', '#leaves', '#latency']) expect(await second.page.locator(what).isVisible()).toBe(false);
    await second.page.locator('#camera').click({ force: true });
    expect(await camerasOf(second.page)).toEqual([]);
    await tab.page.close();
    await untilRuns(second.page);
    expect(await factOf(second.page, 'Device')).toBe(device);
    expect(await second.page.locator('#steps').isVisible()).toBe(true);
    expect(await second.page.locator('#files').isEnabled()).toBe(true);
    await second.page.getByRole('button', { name: 'Start camera' }).click();
    await second.page.getByRole('img', { name: 'Picture of the camera' }).waitFor();
    expect(await camerasOf(second.page)).toEqual(['live']);
    expect([...tab.complaints, ...second.complaints]).toEqual([]);
    await tab.close();
  });

  test('a page whose certificate nobody vouches for says that it starts with a network alone, and what the browser said', async () => {
    const origin = `https://127.0.0.1:${fleet.flags['https-port']}`;
    const context = await browser.newContext();
    context.setDefaultTimeout(30_000);
    const page = await context.newPage();
    // Past the warning, as a person goes: the page opens, and its service worker is refused all the same.
    await expect(page.goto(`${origin}/run/`)).rejects.toThrow('ERR_CERT_AUTHORITY_INVALID');
    await page.locator('#details-button').click();
    await page.locator('#proceed-link').click();
    const said = (): Promise<string | null> => page.locator('#notices').textContent();
    await expect.poll(said, { timeout: 30_000 }).toContain('This page runs, and will not start again without a network.');
    expect(await said()).toContain('The browser says: An SSL certificate error occurred when fetching the script.');
    expect(await said()).toContain('beside the code of "Add a device" on the dashboard');
    await context.close();
  });
});

/** Pages that open in it from now on keep a list of the cameras that they were given. */
async function rememberCameras(context: BrowserContext): Promise<void> {
  await context.addInitScript(() => {
    const given: MediaStreamTrack[] = [];
    Object.assign(globalThis, { given });
    const { mediaDevices } = navigator;
    const open = mediaDevices.getUserMedia.bind(mediaDevices);
    mediaDevices.getUserMedia = async (wanted) => {
      const stream = await open(wanted);
      given.push(...stream.getTracks());
      return stream;
    };
  });
}

/** @throws StarlingError `not-remembered` for a page that keeps no list */
async function camerasOf(page: Page): Promise<string[]> {
  const states = await page.evaluate(() => (globalThis as { given?: MediaStreamTrack[] }).given?.map(({ readyState }) => readyState));
  if (states === undefined) throw new StarlingError('not-remembered', 'this page keeps no list of its cameras');
  return states;
}
