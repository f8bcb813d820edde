import { api } from '@starling/shared';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildDashboard } from '../demo/pages.ts';
import { createProtocolDevice } from '../harness/protocol-device.ts';
import { type ReadyFleet, startReadyFleet } from '../harness/ready-fleet.ts';
import { describeWith } from '../harness/requires.ts';
import { launchChromium, modes, openPage, settle, signedIn, tour, WIDE } from './open-browser.ts';

const SETUP_TIMEOUT_MS = 400_000;

describeWith(['chromium'], 'groups in the dashboard', ({ chromium }) => {
  let fleet: ReadyFleet;
  let browser: Browser;
  let storageState: NonNullable<BrowserContextOptions['storageState']>;

  beforeAll(async () => {
    await buildDashboard(() => undefined);
    fleet = await startReadyFleet();
    const token = await fleet.claim({ uses: 3 });
    for (const site of ['north', 'north', 'south']) {
      const device = await createProtocolDevice(fleet.baseUrl);
      await device.enrol(token);
      await fleet.client.call(api.changeDevice, { params: { id: device.id }, body: { labels: { site } } });
    }
    browser = await launchChromium(chromium);
    storageState = await signedIn(browser, fleet);
  }, SETUP_TIMEOUT_MS);
  afterAll(async () => {
    await browser?.close();
    await fleet?.stop();
  });

  const selector = (page: Page) => page.getByRole('textbox', { name: 'Selector' });

  test('the list of devices follows a selector, offers what occurs, and tells a slip under the field', async () => {
    const { page, complaints, close } = await openPage(browser, { storageState, viewport: WIDE });
    await page.goto(`${fleet.baseUrl}/devices`);
    await settle(page);
    await selector(page).click();
    await selector(page).pressSequentially('si');
    await page.getByRole('option', { name: /^site/ }).click();
    await selector(page).pressSequentially(' == ');
    await page.getByRole('option', { name: /^north/ }).click();
    expect(await selector(page).inputValue()).toBe('site == "north"');
    await page.getByText('selects 2 of 3 devices, 0 of them online').waitFor();
    await page.waitForURL(({ searchParams }) => searchParams.get('select') === 'site == "north"');
    await page.getByRole('row').filter({ hasText: 'device-' }).nth(2).waitFor({ state: 'detached' });
    expect(await page.getByRole('row').filter({ hasText: 'device-' }).count()).toBe(2);
    await selector(page).fill('sitee == "north"');
    await page.getByText('unknown name "sitee", at character 1').waitFor();
    await page.getByText('did you mean "site"?').waitFor();
    expect(complaints).toEqual([]);
    await close();
  });

  test('a group is made with its count in sight, changed, refused to go while it is used, and deleted', async () => {
    const { page, complaints, close } = await openPage(browser, { storageState, viewport: WIDE });
    await page.goto(`${fleet.baseUrl}/groups`);
    await page.getByRole('textbox', { name: 'Name' }).fill('north');
    await selector(page).fill('site == "north"');
    await page.getByText('selects 2 of 3 devices').waitFor();
    await page.getByRole('button', { name: 'Save the group' }).click();
    await page.getByRole('link', { name: 'north' }).waitFor();
    await page.getByRole('textbox', { name: 'Name' }).fill('not-north');
    await selector(page).fill('!group("north")');
    await page.getByText('selects 1 of 3 devices').waitFor();
    await page.getByRole('button', { name: 'Save the group' }).click();
    await page.getByRole('button', { name: 'Change not-north' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('textbox', { name: 'Selector' }).fill('site == "south"');
    expect(await page.getByRole('button', { name: 'Delete north', exact: true, includeHidden: true }).isDisabled()).toBe(true);
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.waitFor({ state: 'hidden' });
    await page.getByRole('button', { name: 'Delete north', exact: true }).click();
    await page.getByRole('button', { name: 'Delete the group' }).click();
    await page.getByRole('link', { name: 'north', exact: true }).waitFor({ state: 'hidden' });
    const { items } = await fleet.client.call(api.listGroups, { query: {} });
    expect(items).toMatchObject([{ name: 'not-north', select: 'site == "south"', devices: 1 }]);
    expect(complaints).toEqual([]);
    await close();
  });

  test.each(modes)(
    'the pages keep within the window, complain of nothing, and give axe nothing serious: $name',
    async ({ colorScheme, viewport, way }) => {
      const { page, complaints, close } = await openPage(browser, { storageState, colorScheme, viewport });
      const select = encodeURIComponent('group("not-north") || site == "north"');
      expect(await tour(page, fleet.baseUrl, ['/groups', `/devices?select=${select}`], way)).toEqual([]);
      expect(complaints).toEqual([]);
      await close();
    },
  );
});
