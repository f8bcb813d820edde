import type { ReleaseView } from '@starling/shared';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildRunPage } from '../demo/pages.ts';
import { paintPlain } from '../harness/picture.ts';
import { describeWith } from '../harness/requires.ts';
import { type RunningFleet, startRunningFleet, until } from '../harness/running-fleet.ts';
import { loopModel, mapModel, publishMapRelease } from '../harness/small-models.ts';
import { factOf, launchRunBrowser, newRunLink, openTab, readPicture, untilRuns } from './run-page.ts';

const SETUP_TIMEOUT_MS = 300_000;
const WAIT_MS = 120_000;
/** Counts for seconds, so that the tab can be ended in the middle of its self-test. */
const SLOW_TURNS = 4_800_000;
const RUN_TIMEOUT_MS = 150_000;
const ENDINGS_MAXIMUM = 3;

describeWith(['chromium'], 'a browser that ends the whole tab', ({ chromium }) => {
  let fleet: RunningFleet;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let device: string;
  let address: string;
  let quick: ReleaseView;
  let slow: ReleaseView;

  beforeAll(async () => {
    await buildRunPage(() => undefined);
    fleet = await startRunningFleet({ 'build-methods': 'source' });
    quick = await publishMapRelease(fleet, mapModel(1, { width: 16 }), 0);
    slow = await publishMapRelease(fleet, loopModel(SLOW_TURNS), 1);
    browser = await launchRunBrowser(chromium);
    context = await browser.newContext();
    context.setDefaultTimeout(WAIT_MS);
    address = `${await newRunLink(fleet, quick)}&runTimeoutMs=${RUN_TIMEOUT_MS}`;
    ({ page } = await openTab(context, address));
    await untilRuns(page);
    device = await factOf(page, 'Device');
    await fleet.untilRunning(device, quick);
  }, SETUP_TIMEOUT_MS);
  afterAll(async () => {
    await browser?.close();
    await fleet?.stop();
  });

  const untilTested = (): Promise<void> =>
    page.locator('#steps li', { hasText: 'Test itself' }).and(page.locator('[data-state=running]')).waitFor();
  /** As Chromium does for lack of memory: nothing in the tab is asked, or told. */
  const endTab = async (): Promise<void> => {
    const session = await context.newCDPSession(page);
    const ended = page.waitForEvent('crash');
    session.send('Page.crash').catch(() => undefined);
    await ended;
    await page.close();
    ({ page } = await openTab(context, address));
  };

  test('over one release: after some times it is given up, what ran before runs on, and the fleet is told why', async () => {
    await fleet.assign(device, slow);
    await untilTested();
    // Whoever loads the page again is not the browser, and counts for nothing.
    await page.reload();
    for (let count = 0; count < ENDINGS_MAXIMUM; count += 1) {
      await untilTested();
      await endTab();
    }
    const { reported } = await until(
      'the release has failed',
      async () => {
        const view = await fleet.device(device);
        return view.online && view.reported?.phase === 'failed' && view;
      },
      WAIT_MS,
      async () => JSON.stringify((await fleet.device(device)).reported),
    );
    expect(reported?.error).toMatchObject({ code: 'tab-ended', message: expect.stringContaining(`${ENDINGS_MAXIMUM} times`) });
    expect(reported?.running?.release).toBe(quick.digest);
    await page.getByRole('alert').filter({ hasText: 'ended this tab' }).waitFor();
    expect(await readPicture(page, 'after.png', await paintPlain(40, 90, 160))).toEqual([]);
  });

  test('and another release is taken as ever', async () => {
    await fleet.assign(device, quick);
    await fleet.untilRunning(device, quick);
  });
});
