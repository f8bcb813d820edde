import type { ReleaseView } from '@starling/shared';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildRunPage } from '../demo/pages.ts';
import { paintPlain } from '../harness/picture.ts';
import { describeWith } from '../harness/requires.ts';
import { type RunningFleet, startRunningFleet } from '../harness/running-fleet.ts';
import { mapModel, publishMapRelease } from '../harness/small-models.ts';
import { factOf, launchRunBrowser, newRunLink, openRunPage, type RunPage, readPicture, untilRuns } from './run-page.ts';

const SETUP_TIMEOUT_MS = 300_000;
/** A camera that needs no permission, and a garbage collector that comes when it is called. */
const FILMING = ['--disable-gpu', '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream', '--js-flags=--expose-gc'];
const CONTROLS = ['#camera', '#microphone', '#screen', '#files'];

describeWith(['chromium'], 'a page that starts, and one that lost the fleet', ({ chromium }) => {
  let fleet: RunningFleet;
  let browser: Browser;
  let release: ReleaseView;
  let tab: RunPage;
  let device: string;

  beforeAll(async () => {
    await buildRunPage(() => undefined);
    fleet = await startRunningFleet({ 'build-methods': 'source' });
    release = await publishMapRelease(fleet, mapModel(1, { width: 16 }), 0);
    browser = await launchRunBrowser(chromium, FILMING);
  }, SETUP_TIMEOUT_MS);
  afterAll(async () => {
    await browser?.close();
    await fleet?.stop();
  });

  const link = (): Promise<string> => newRunLink(fleet, release);
  const enabled = (page: Page): Promise<boolean[]> => Promise.all(CONTROLS.map((each) => page.locator(each).isEnabled()));

  test('before its code is there nothing can be pressed, and the page says that it starts', async () => {
    const context = await browser.newContext();
    const code = held();
    await context.route(/\/run\/assets\/index-[^/]+\.js$/, async (route) => {
      await code.free;
      await route.continue();
    });
    const page = await context.newPage();
    await page.goto(await link(), { waitUntil: 'commit' });
    await page.getByText('Starting…').waitFor();
    expect(await enabled(page)).toEqual([false, false, false, false]);
    expect(await page.getByRole('group', { name: 'What is to be read' }).getAttribute('aria-describedby')).toBe('empty');
    code.letGo();
    await page.getByRole('button', { name: 'Start camera' }).click();
    await page.getByRole('img', { name: 'Picture of the camera' }).waitFor();
    await context.close();
  });

  test('frames of a camera that is on before the agent runs are closed, not left to the garbage collector', async () => {
    const context = await browser.newContext();
    const said: string[] = [];
    context.on('console', (message) => said.push(message.text()));
    const enrolling = held();
    await context.route('**/enrol', async (route) => {
      await enrolling.free;
      await route.continue();
    });
    const page = await context.newPage();
    await page.goto(await link());
    await page.getByRole('button', { name: 'Start camera' }).click();
    await page.getByRole('img', { name: 'Picture of the camera' }).waitFor();
    await page.waitForTimeout(1_000);
    await collectGarbage(page);
    // The browser gathers such complaints for a while.
    await page.waitForTimeout(2_000);
    enrolling.letGo();
    await untilRuns(page);
    await page.locator('#rate', { hasText: '/s' }).waitFor();
    await page.getByRole('button', { name: 'Stop' }).click();
    await collectGarbage(page);
    await page.waitForTimeout(2_000);
    expect(said.filter((text) => text.includes('VideoFrame'))).toEqual([]);
    await context.close();
  });

  test('a browser that is in starts from a link that was cut, and says so once', async () => {
    tab = await openRunPage(browser, await link());
    await untilRuns(tab.page);
    device = await factOf(tab.page, 'Device');
    const whole = await link();
    await tab.page.goto('about:blank');
    await tab.page.goto(whole.slice(0, whole.length - 40));
    await untilRuns(tab.page);
    expect(await factOf(tab.page, 'Device')).toBe(device);
    const notice = tab.page.getByRole('status').filter({ hasText: 'is not whole. It was not needed' });
    await notice.waitFor();
    await readPicture(tab.page, 'plain.png', await paintPlain(40, 90, 160));
    await notice.waitFor({ state: 'detached' });
    await tab.page.reload();
    await untilRuns(tab.page);
    expect(await notice.count()).toBe(0);
  });

  test('without the fleet it stays offline while it tries again, says what that means, and is online by itself', async () => {
    const { page, context } = tab;
    await page.getByText('online', { exact: true }).waitFor();
    await context.setOffline(true);
    await page.reload();
    await page.getByText('offline', { exact: true }).waitFor();
    await page.evaluate(() => {
      const seen: string[] = [];
      Object.assign(globalThis, { seen });
      const pill = document.querySelector('#link');
      if (pill !== null) new MutationObserver(() => seen.push(pill.textContent ?? '')).observe(pill, { childList: true });
    });
    const notice = page.getByRole('status').filter({ hasText: 'This page works without it.' });
    await notice.getByText('sent when the fleet is reached again').waitFor();
    // It tries many times meanwhile.
    await page.waitForTimeout(6_000);
    expect(await readPicture(page, 'offline.png', await paintPlain(40, 90, 160))).toEqual([]);
    await context.setOffline(false);
    await page.getByText('online', { exact: true }).waitFor();
    await notice.waitFor({ state: 'detached' });
    expect(await page.evaluate(() => (globalThis as { seen?: string[] }).seen)).toEqual(['online']);
    await tab.close();
  });

  test('an adapter that WebGPU does not give is told apart from a browser without WebGPU', async () => {
    const { page, close } = await openRunPage(browser, await link());
    await untilRuns(page);
    const words = 'this browser has WebGPU, but gives no adapter';
    expect(await factOf(page, 'Graphics')).toContain(words);
    const { capabilities } = await fleet.device(await factOf(page, 'Device'));
    const [webgpu] = capabilities.executionProviders.filter(({ name }) => name === 'webgpu');
    expect(webgpu).toEqual({ name: 'webgpu', ran: false, error: expect.stringContaining(words) });
    await close();
  });
});

/** Something that is held back until it is let go. */
function held(): { free: Promise<void>; letGo(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { free: promise, letGo: resolve };
}

/** Where frames are: in the page, and in the worker that reads them. Threads of the engine stand still and would not answer. */
async function collectGarbage(page: Page): Promise<void> {
  const collect = (): void => (globalThis as { gc?: () => void }).gc?.();
  await page.evaluate(collect);
  for (const worker of page.workers()) if (worker.url().includes('control-worker')) await worker.evaluate(collect);
}
