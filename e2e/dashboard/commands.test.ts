import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { api } from '@starling/shared';
import type { Browser, BrowserContextOptions } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createStarling, type Starling } from '../cli/starling.ts';
import { buildDashboard } from '../demo/pages.ts';
import { createProtocolDevice } from '../harness/protocol-device.ts';
import { type ReadyFleet, startReadyFleet } from '../harness/ready-fleet.ts';
import { describeWith } from '../harness/requires.ts';
import { until } from '../harness/running-fleet.ts';
import { launchChromium, modes, openPage, settle, signedIn, tour, WIDE } from './open-browser.ts';

const SETUP_TIMEOUT_MS = 400_000;
const DEVICES = 6;

describeWith(['chromium'], 'commands for many devices in the dashboard', ({ chromium }) => {
  let fleet: ReadyFleet;
  let browser: Browser;
  let storageState: NonNullable<BrowserContextOptions['storageState']>;
  let folder: string;
  let crowd: ReturnType<Starling['run']>;
  const stopCrowd = new AbortController();

  beforeAll(async () => {
    await buildDashboard(() => undefined);
    fleet = await startReadyFleet();
    folder = await mkdtemp(join(tmpdir(), 'starling-commands-'));
    const starling = createStarling(join(folder, 'config'), folder);
    const login = ['login', '--fleet', fleet.baseUrl, '--email', fleet.login.email, '--password-stdin'];
    expect((await starling.run(login, { stdin: `${fleet.login.password}\n` })).exitCode).toBe(0);
    crowd = starling.run(['simulate', '--devices', `${DEVICES}`, '--sites', '2', '--drops-per-hour', '0', '--json'], {
      interrupt: stopCrowd.signal,
    });
    await until('all devices are online', async () => (await fleet.client.call(api.overview, {})).devices.online === DEVICES);
    browser = await launchChromium(chromium);
    storageState = await signedIn(browser, fleet);
  }, SETUP_TIMEOUT_MS);
  afterAll(async () => {
    stopCrowd.abort();
    await crowd;
    await browser?.close();
    await fleet?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  test('one is made in the form, which says for how many it is, and its answers are watched as they come', async () => {
    const { page, complaints, close } = await openPage(browser, { storageState, viewport: WIDE });
    await page.goto(`${fleet.baseUrl}/commands`);
    await settle(page);
    await page.getByText('None was sent yet').waitFor();
    await page.getByRole('link', { name: 'New command' }).click();
    await page.getByRole('combobox', { name: 'Command' }).click();
    await page.getByRole('option', { name: 'logs' }).click();
    const lines = page.getByRole('textbox', { name: 'lineCount' });
    await lines.fill('0');
    await lines.blur();
    const wrong = page.getByRole('alert').filter({ hasText: 'Not right yet' });
    await wrong.getByRole('button', { name: 'lineCount' }).click();
    expect(await lines.evaluate((field) => field === document.activeElement)).toBe(true);
    expect(await page.getByRole('button', { name: 'Send it' }).isDisabled()).toBe(true);
    await page.getByRole('combobox', { name: 'Command' }).click();
    await page.getByRole('option', { name: 'ping' }).click();
    await page.getByRole('textbox', { name: 'Devices', exact: true }).fill('has(labels.site)');
    await page.keyboard.press('Escape');
    await page.getByText(`selects all of ${DEVICES} devices, ${DEVICES} of them online`).waitFor();
    await page.getByRole('button', { name: 'Send it' }).click();
    await page
      .getByRole('dialog')
      .getByRole('button', { name: `Send to ${DEVICES} devices` })
      .click();
    await page.getByRole('heading', { level: 1, name: 'ping' }).waitFor();
    await page.getByText(`${DEVICES} of ${DEVICES} have ended.`).waitFor();
    await page.getByRole('group', { name: 'Devices of the command' }).getByText('agent 0.1.0').first().waitFor();
    expect(complaints).toEqual([]);
    await close();
  });

  test('one that fails says why, and one that nobody answers is cancelled', async () => {
    const { page, complaints, close } = await openPage(browser, { storageState, viewport: WIDE });
    const send = (name: 'reboot' | 'ping', select: string) =>
      fleet.client.call(api.createCommandBatch, { body: { name, select, lifeMinutes: 15 } });
    const { id } = await send('reboot', 'true');
    await page.goto(`${fleet.baseUrl}/commands/${id}`);
    await settle(page);
    await page.getByRole('group', { name: 'Failures' }).getByRole('row').nth(1).waitFor();
    await page.getByText(`${DEVICES} of ${DEVICES} have ended.`).waitFor();
    // Those that are not connected never answer, so it would go on for as long as it may.
    const token = await fleet.claim({ uses: 1 });

    const away = await createProtocolDevice(fleet.baseUrl);
    await away.enrol(token);
    const open = await send('ping', `id == "${away.id}"`);
    await page.goto(`${fleet.baseUrl}/commands/${open.id}`);
    await settle(page);
    await page.getByRole('button', { name: 'Cancel it' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel it' }).click();
    await page.getByText('cancelled', { exact: true }).first().waitFor();
    expect(complaints).toEqual([]);
    await close();
  });

  test.each(modes)(
    'its pages keep within the window, complain of nothing, and give axe nothing serious: $name',
    async ({ colorScheme, viewport, way }) => {
      const { page, complaints, close } = await openPage(browser, { storageState, colorScheme, viewport });
      const { items } = await fleet.client.call(api.listCommandBatches, { query: {} });
      const paths = ['/commands', '/commands/new', `/commands/${items.at(-2)?.id}`];
      expect(await tour(page, fleet.baseUrl, paths, way)).toEqual([]);
      expect(complaints).toEqual([]);
      await close();
    },
  );
});
