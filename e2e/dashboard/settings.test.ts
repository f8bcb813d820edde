import { api } from '@starling/shared';
import type { Browser, BrowserContextOptions } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildDashboard } from '../demo/pages.ts';
import { type ReadyFleet, startReadyFleet } from '../harness/ready-fleet.ts';
import { describeWith } from '../harness/requires.ts';
import { launchChromium, openPage, PHONE, seriousFindings, settle, signedIn, WIDE } from './open-browser.ts';

const SETUP_TIMEOUT_MS = 400_000;

describeWith(['chromium'], 'settings in the dashboard', ({ chromium }) => {
  let fleet: ReadyFleet;
  let browser: Browser;
  let storageState: NonNullable<BrowserContextOptions['storageState']>;

  beforeAll(async () => {
    await buildDashboard(() => undefined);
    fleet = await startReadyFleet();
    browser = await launchChromium(chromium);
    storageState = await signedIn(browser, fleet);
  }, SETUP_TIMEOUT_MS);
  afterAll(async () => {
    await browser?.close();
    await fleet?.stop();
  });

  const accounts = async () => (await fleet.client.call(api.listOperatorAccounts, { query: { limit: 10 } })).items;

  test('the process that serves the fleet is shown, and what it does', async () => {
    const { page, complaints, close } = await openPage(browser, { storageState, viewport: WIDE });
    await page.goto(`${fleet.baseUrl}/settings`);
    await settle(page);
    const processes = page.getByRole('group', { name: 'Processes' });
    await processes.getByText('has answered this page').waitFor();
    expect(await processes.getByRole('row').count()).toBe(2);
    expect(await processes.getByRole('row').last().textContent()).toContain('answering MQTT tools');
    expect(complaints).toEqual([]);
    await close();
  });

  test('an account for MQTT tools is made, its password shown once, and it is ended again', async () => {
    const { page, complaints, close } = await openPage(browser, { storageState, viewport: PHONE });
    await page.goto(`${fleet.baseUrl}/settings`);
    await settle(page);
    await page.getByRole('button', { name: 'Make an account' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('textbox', { name: 'Name' }).fill('Line 4');
    await dialog.getByRole('button', { name: 'Make' }).click();
    await dialog.getByRole('alert').waitFor();
    await dialog.getByRole('textbox', { name: 'Name' }).fill('line-4');
    await dialog.getByRole('textbox', { name: 'Devices' }).fill('site == "north"');
    expect(await seriousFindings(page)).toEqual([]);
    await dialog.getByRole('button', { name: 'Make' }).click();
    await dialog.getByText('Shown only this once').waitFor();
    expect(await dialog.textContent()).toContain('starling/v1/operator/line-4/command/ping');
    expect(await seriousFindings(page)).toEqual([]);
    await dialog.getByRole('button', { name: 'Done' }).click();
    expect(await accounts()).toEqual([expect.objectContaining({ name: 'line-4', select: 'site == "north"', revokedAtMs: null })]);

    await page.getByRole('button', { name: 'Revoke line-4' }).click();
    await page.getByRole('button', { name: 'Revoke the account' }).click();
    await page.getByRole('group', { name: 'MQTT accounts' }).getByText('revoked').waitFor();
    expect(await accounts()).toEqual([expect.objectContaining({ name: 'line-4', revokedAtMs: expect.any(Number) })]);
    // The refused name is told by the console of the browser too.
    expect(complaints.filter((line) => !line.includes('400') && !line.includes('422'))).toEqual([]);
    await close();
  });
});
