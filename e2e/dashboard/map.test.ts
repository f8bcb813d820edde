import { api } from '@starling/shared';
import type { Browser, BrowserContextOptions } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildDashboard } from '../demo/pages.ts';
import { createProtocolDevice } from '../harness/protocol-device.ts';
import { type ReadyFleet, startReadyFleet } from '../harness/ready-fleet.ts';
import { describeWith } from '../harness/requires.ts';
import { launchChromium, modes, openPage, settle, signedIn, tour, WIDE } from './open-browser.ts';

const SETUP_TIMEOUT_MS = 400_000;

describeWith(['chromium'], 'the map in the dashboard', ({ chromium }) => {
  let fleet: ReadyFleet;
  let browser: Browser;
  let storageState: NonNullable<BrowserContextOptions['storageState']>;

  beforeAll(async () => {
    await buildDashboard(() => undefined);
    fleet = await startReadyFleet();
    const token = await fleet.claim({ uses: 5 });
    for (const site of ['north', 'north', 'south', 'quay "7"']) {
      const device = await createProtocolDevice(fleet.baseUrl);
      await device.enrol(token);
      await fleet.client.call(api.changeDevice, { params: { id: device.id }, body: { name: `on ${site}`, labels: { site } } });
    }
    const connected = await createProtocolDevice(fleet.baseUrl);
    await connected.enrol(token);
    await fleet.client.call(api.changeDevice, { params: { id: connected.id }, body: { labels: { site: 'south' } } });
    browser = await launchChromium(chromium);
    storageState = await signedIn(browser, fleet);
  }, SETUP_TIMEOUT_MS);
  afterAll(async () => {
    await browser?.close();
    await fleet?.stop();
  });

  test('sites stand by profile, are searched, and a cell leads to its devices by keyboard', async () => {
    const { page, complaints, close } = await openPage(browser, { storageState, viewport: WIDE });
    await page.goto(`${fleet.baseUrl}/map`);
    await settle(page);
    const table = page.getByRole('group', { name: 'Connected by site and profile' });
    expect(await table.getByRole('rowheader').allTextContents()).toEqual(['north', 'south', 'quay "7"']);
    await page.getByRole('searchbox', { name: 'Search sites' }).fill('quay');
    await expect.poll(() => table.getByRole('rowheader').allTextContents()).toEqual(['quay "7"']);
    const shows = page.getByRole('radiogroup', { name: 'What the map shows' });
    await shows.getByText('Failing').click();
    await page.getByRole('group', { name: 'Failing by site and profile' }).waitFor();
    await page.getByRole('link', { name: /^quay "7": 0 of 1/ }).press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Devices' }).waitFor();
    await page.getByText('No device fits').waitFor();
    await page.goBack();
    await shows.getByText('Latency, mean').click();
    await page.getByRole('link', { name: /^quay "7": – of 1/ }).click();
    await page.getByRole('link', { name: 'on quay "7"' }).first().waitFor();
    expect(complaints).toEqual([]);
    await close();
  });

  test.each(modes)(
    'keeps within the window, complains of nothing, and gives axe nothing serious: $name',
    async ({ colorScheme, viewport, way }) => {
      const { page, complaints, close } = await openPage(browser, { storageState, colorScheme, viewport });
      expect(await tour(page, fleet.baseUrl, ['/map', '/map?measure=failing', '/map?measure=release&sort=site'], way)).toEqual([]);
      expect(complaints).toEqual([]);
      await close();
    },
  );
});
