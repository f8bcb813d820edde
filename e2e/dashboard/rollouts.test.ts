import { api, type PipelineInput } from '@starling/shared';
import type { Browser, BrowserContextOptions } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildDashboard } from '../demo/pages.ts';
import { createProtocolDevice } from '../harness/protocol-device.ts';
import { type ReadyFleet, startReadyFleet } from '../harness/ready-fleet.ts';
import { describeWith } from '../harness/requires.ts';
import { launchChromium, modes, openPage, settle, signedIn, tour, WIDE } from './open-browser.ts';

const SETUP_TIMEOUT_MS = 400_000;
const light: PipelineInput = {
  ...{ kind: 'pipeline', schemaVersion: 1, name: 'light', version: '1.0.0' },
  ...{ inputs: { image: 'encoded-image' }, outputs: { statistics: 'json' } },
  nodes: { decode: { op: 'image.decode' }, measure: { op: 'image.statistics' } },
  edges: [
    { from: 'input.image', to: 'decode.image' },
    { from: 'decode.image', to: 'measure.image' },
    { from: 'measure.statistics', to: 'output.statistics' },
  ],
};

describeWith(['chromium'], 'rollouts in the dashboard', ({ chromium }) => {
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
    await fleet.operator.pushPipeline(light);
    await fleet.operator.createRelease({ name: 'light-1', pipeline: 'light' });
    browser = await launchChromium(chromium);
    storageState = await signedIn(browser, fleet);
  }, SETUP_TIMEOUT_MS);
  afterAll(async () => {
    await browser?.close();
    await fleet?.stop();
  });

  test('one is made in the form, which says what it would do, and is watched, paused and rolled back on its page', async () => {
    const { page, complaints, close } = await openPage(browser, { storageState, viewport: WIDE });
    await page.goto(`${fleet.baseUrl}/rollouts`);
    await settle(page);
    await page.getByText('No rollout yet').waitFor();
    await page.getByRole('link', { name: 'New rollout' }).click();
    await page.getByLabel('Name').fill('spring');
    await page.getByRole('combobox', { name: 'Release' }).click();
    await page.getByRole('option', { name: 'light-1' }).click();
    await page.getByRole('textbox', { name: 'Devices', exact: true }).fill('site == "north"');
    await page.keyboard.press('Escape');
    await page.getByText('selects 2 of 3 devices, 0 of them online').waitFor();
    const preview = page.getByRole('region', { name: 'What it would do' });
    await preview.getByText('0 are connected').waitFor();
    await page.getByLabel('Success of a wave, percent').fill('many');
    await page.getByLabel('Canaries before all steps').fill('few');
    await page.getByRole('button', { name: 'Start the rollout' }).click();
    // All of it at once, by the names on screen, each the way to its field.
    const wrong = page.getByRole('alert').filter({ hasText: 'Not right yet' });
    expect(await wrong.getByRole('button').allTextContents()).toEqual(['Canaries before all steps', 'Success of a wave, percent']);
    await wrong.getByRole('button', { name: 'Success of a wave, percent' }).click();
    await page.keyboard.press('Control+A');
    await page.keyboard.type('90');
    await page.getByLabel('Canaries before all steps').fill('1');
    await wrong.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Start the rollout' }).click();
    await page.getByRole('heading', { level: 1, name: 'spring' }).waitFor();
    await page.getByRole('region', { name: 'Waves' }).getByText('canary').waitFor();
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByText('It waits for a person').waitFor();
    await page.getByRole('button', { name: 'Roll back' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Why').fill('only a try');
    await dialog.getByRole('button', { name: 'Roll back' }).click();
    await dialog.waitFor({ state: 'hidden' });
    await page.getByText('rolled-back', { exact: true }).first().waitFor();
    await page.getByRole('region', { name: 'Timeline' }).getByText('only a try').waitFor();
    await page.getByRole('status').filter({ hasText: 'Why it ended' }).getByText('(only a try), by').waitFor();
    await page.goto(`${fleet.baseUrl}/rollouts`);
    await page
      .getByRole('row', { name: /spring/ })
      .getByText('rolled back: every device gets its own previous release (only a try), by')
      .waitFor();
    expect(complaints).toEqual([]);
    await close();
  });

  test('on a phone the list is read without scrolling sideways', async () => {
    const { page, close } = await openPage(browser, { storageState, viewport: { width: 390, height: 844 } });
    await page.goto(`${fleet.baseUrl}/rollouts`);
    const list = page.getByRole('group', { name: 'Rollouts' });
    await list.getByText('spring').waitFor();
    expect(await list.evaluate(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)).toBe(0);
    await close();
  });

  test.each(modes)(
    'its pages keep within the window, complain of nothing, and give axe nothing serious: $name',
    async ({ colorScheme, viewport, way }) => {
      const { page, complaints, close } = await openPage(browser, { storageState, colorScheme, viewport });
      const { id } = await fleet.client.call(api.showRollout, { params: { id: 'spring' } });
      expect(await tour(page, fleet.baseUrl, ['/rollouts', '/rollouts/new', `/rollouts/${id}`], way)).toEqual([]);
      expect(complaints).toEqual([]);
      await close();
    },
  );
});
