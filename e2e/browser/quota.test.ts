import type { ReleaseView, ReportedState } from '@starling/shared';
import type { Browser, CDPSession } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildRunPage } from '../demo/pages.ts';
import { paintPlain } from '../harness/picture.ts';
import { describeWith } from '../harness/requires.ts';
import { type RunningFleet, startRunningFleet, until } from '../harness/running-fleet.ts';
import { mapModel, publishMapRelease } from '../harness/small-models.ts';
import { factOf, launchRunBrowser, newRunLink, openRunPage, type RunPage, readPicture, untilRuns } from './run-page.ts';

const SETUP_TIMEOUT_MS = 300_000;
const MEGABYTE = 1024 ** 2;
/** 4 MB of weights, which do not compress. */
const size = { width: 700 };

describeWith(['chromium'], 'a browser whose storage is used up', ({ chromium }) => {
  let fleet: RunningFleet;
  let browser: Browser;
  let tab: RunPage;
  let storage: CDPSession;
  let device: string;
  const releases: ReleaseView[] = [];
  const pulls: { sizeBytes: number; receivedBytes: number }[] = [];

  beforeAll(async () => {
    await buildRunPage(() => undefined);
    fleet = await startRunningFleet({ 'build-methods': 'source' });
    for (const revision of [0, 1]) releases.push(await publishMapRelease(fleet, mapModel(revision, size), revision));
    browser = await launchRunBrowser(chromium);
    tab = await openRunPage(browser, await newRunLink(fleet, release(0)));
    await untilRuns(tab.page);
    device = await factOf(tab.page, 'Device');
    tab.page.on('console', (message) => message.text().includes('"pulled"') && pulls.push(JSON.parse(message.text())));
    storage = await tab.context.newCDPSession(tab.page);
  }, SETUP_TIMEOUT_MS);
  afterAll(async () => {
    await browser?.close();
    await fleet?.stop();
  });

  const release = (index: number): ReleaseView => releases[index] as ReleaseView;
  const usage = (): Promise<number> => tab.page.evaluate(async () => (await navigator.storage.estimate()).usage ?? 0);
  /** Leaves so much room; all that there is without a number. */
  const leave = async (leftBytes?: number): Promise<void> => {
    const origin = new URL(tab.page.url()).origin;
    const limit = leftBytes === undefined ? {} : { quotaSize: (await usage()) + leftBytes };
    await storage.send('Storage.overrideQuotaForOrigin', { origin, ...limit });
  };
  const failed = async (): Promise<ReportedState> =>
    until(
      'the pull has failed',
      async () => {
        const { reported } = await fleet.device(device);
        return reported?.phase === 'failed' && reported;
      },
      90_000,
      async () => JSON.stringify((await fleet.device(device)).reported) + (await tab.page.locator('body').textContent()),
    );

  test('says how much is needed and free, runs on what it ran, and pulls the rest when there is room again', async () => {
    await leave(3 * MEGABYTE);
    await fleet.assign(device, release(1));
    const { error, running } = await failed();
    expect(error).toMatchObject({ code: 'disk-full', hint: expect.stringContaining('free space') });
    const [, neededBytes = '', freeBytes = ''] = /^(\d+) bytes more are needed, (\d+) are free$/.exec(error?.message ?? '') ?? [];
    expect(Number(neededBytes) / MEGABYTE).toBeGreaterThan(1);
    expect(Number(freeBytes)).toBeLessThan(Number(neededBytes));
    expect(running?.release).toBe(release(0).digest);
    await tab.page.getByRole('alert').filter({ hasText: 'bytes more are needed' }).waitFor();
    expect(await readPicture(tab.page, 'full.png', await paintPlain(40, 90, 160))).toEqual([]);

    pulls.length = 0;
    await leave();
    await fleet.untilRunning(device, release(1));
    // What had been written was not asked for again.
    const [pull] = pulls;
    expect(pull?.receivedBytes).toBeGreaterThan(0);
    expect(pull?.receivedBytes).toBeLessThan(pull?.sizeBytes ?? 0);
    expect(await readPicture(tab.page, 'room.png', await paintPlain(40, 90, 160))).toEqual([]);
  });

  test('what it had to tell meanwhile arrives whole, once', async () => {
    const rows = await until('telemetry has arrived', async () => {
      const found = await fleet.telemetry(device, 'events');
      return found.some(({ payload }) => payload.code === 'disk-full') && found;
    });
    const sequences = rows.map(({ sequence }) => sequence).toSorted((one, other) => one - other);
    expect(new Set(sequences).size).toBe(sequences.length);
    expect(tab.complaints).toEqual([]);
  });
});
