import { api, makeResultId, type PipelineInput, type ReleaseView } from '@starling/shared';
import type { Browser, BrowserContextOptions, Locator } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildDashboard } from '../demo/pages.ts';
import { createProtocolDevice } from '../harness/protocol-device.ts';
import { type ReadyFleet, startReadyFleet } from '../harness/ready-fleet.ts';
import { describeWith } from '../harness/requires.ts';
import { until } from '../harness/running-fleet.ts';
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

/** What is read out after the name of a field. */
function said(field: Locator): Promise<string> {
  return field.evaluate((element) =>
    (element.getAttribute('aria-describedby') ?? '')
      .split(' ')
      .map((id) => document.getElementById(id)?.textContent ?? '')
      .join(' '),
  );
}

describeWith(['chromium'], 'experiments in the dashboard', ({ chromium }) => {
  let fleet: ReadyFleet;
  let browser: Browser;
  let storageState: NonNullable<BrowserContextOptions['storageState']>;
  let device: string;
  let releases: ReleaseView[];

  beforeAll(async () => {
    await buildDashboard(() => undefined);
    fleet = await startReadyFleet();
    const token = await fleet.claim({ uses: 1 });
    const enrolled = await createProtocolDevice(fleet.baseUrl);
    await enrolled.enrol(token);
    device = enrolled.id;
    await fleet.client.call(api.changeDevice, { params: { id: device }, body: { labels: { site: 'north' } } });
    for (const version of ['1.0.0', '1.1.0']) await fleet.operator.pushPipeline({ ...light, version });
    releases = [
      await fleet.operator.createRelease({ name: 'light-1', pipeline: 'light@1.0.0' }),
      await fleet.operator.createRelease({ name: 'light-2', pipeline: 'light@1.1.0' }),
    ];
    await fleet.client.call(api.assignDevice, { params: { id: device }, body: { release: releases[0]?.digest ?? '' } });
    browser = await launchChromium(chromium);
    storageState = await signedIn(browser, fleet);
  }, SETUP_TIMEOUT_MS);
  afterAll(async () => {
    await browser?.close();
    await fleet?.stop();
  });

  /** So many results of a release, of which a part turned out right. */
  const tell = async (release: number, count: number, right: number): Promise<void> => {
    const items = Array.from({ length: count }, (_, index) => ({
      resultId: makeResultId({ device, release: releases[release]?.digest ?? '', atMs: Date.now() }, (bytes) =>
        crypto.getRandomValues(new Uint8Array(bytes)),
      ),
      outcome: index < right,
    }));
    await fleet.client.call(api.sendFeedback, { body: { items } });
  };

  test('one is made in the form by keyboard, which says what is wrong where it is wrong, and which devices would take part', async () => {
    const { page, complaints, close } = await openPage(browser, { storageState, viewport: WIDE });
    await page.goto(`${fleet.baseUrl}/experiments`);
    await settle(page);
    await page.getByText('No experiment yet').waitFor();
    await page.getByRole('link', { name: 'New experiment' }).press('Enter');
    const [name, challenger] = [page.getByLabel('Name'), page.getByRole('combobox', { name: 'Release of challenger 1' })];
    const selector = page.getByRole('textbox', { name: 'Devices', exact: true });
    await name.press('Enter');
    await page.getByRole('alert').getByRole('button', { name: 'Devices', exact: true }).waitFor();
    // Who listens is taken to the first of them, and told.
    expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-invalid'))).toBe('true');
    expect(await said(name)).toContain('This is missing');
    expect(await said(challenger)).toContain('This is missing');
    await page.keyboard.type('first-look');
    await selector.fill('site == "north"');
    await selector.press('Escape');
    await page.getByText('selects all of 1 devices').waitFor();
    await challenger.fill('light-9');
    await page.getByLabel('Percent of the items for challenger 1').fill('100');
    await page.getByRole('alert').getByRole('button', { name: 'Percent of the items for challenger 1' }).waitFor();
    await page.getByLabel('Percent of the items for challenger 1').fill('30');
    await until('no such release is said at its field', async () => (await said(challenger)).includes('light-9'));
    await challenger.fill('light-1');
    await until('the champion cannot challenge itself', async () => (await said(challenger)).includes('is the champion'));
    await challenger.fill('light-2');
    await challenger.press('Escape');
    const all = page.getByLabel('It is meant for every device');
    await all.press('Space');
    await page.getByRole('region', { name: 'What it would do' }).getByText('take part, of 1 that match').waitFor();
    await page.getByRole('combobox', { name: 'Guards' }).fill('no-such-guards');
    await page.getByRole('button', { name: 'Start the experiment' }).press('Enter');
    await until('guards that nobody wrote are refused', async () =>
      (await said(page.getByRole('combobox', { name: 'Guards' }))).includes('no-such-guards'),
    );
    await page.getByRole('combobox', { name: 'Guards' }).fill('');
    await page.getByRole('radio', { name: 'split' }).press('ArrowRight');
    await page.getByLabel('Agreement, at least').fill('0.9');
    await page.getByLabel('Share of the items').fill('0.5');
    await page.getByRole('region', { name: 'What it would do' }).getByText('light-1').waitFor();
    await name.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'first-look' }).waitFor();
    const { id, spec } = await fleet.client.call(api.showExperiment, { params: { id: 'first-look' } });
    expect(spec).toMatchObject({
      ...{ mode: 'shadow', selector: 'site == "north"', challengers: [{ release: 'light-2' }] },
      ...{ shadow: { share: 0.5 }, goal: { measure: 'agreement', atLeast: 0.9 } },
    });
    // Its device takes part in one at a time.
    await page.goto(`${fleet.baseUrl}/experiments/new?release=light-2`);
    await settle(page);
    await name.fill('second-look');
    await selector.fill('true');
    await selector.press('Escape');
    await until('an overlap is said at the devices', async () => (await said(selector)).includes('none of 1 devices can take part'));
    await fleet.client.call(api.actOnExperiment, { params: { id }, body: { action: 'stop' } });
    // The browser tells of each answer that refuses.
    expect(complaints.filter((complaint) => !complaint.includes('Failed to load resource'))).toEqual([]);
    await close();
  });

  test('a verdict is read with its interval, and the winner is promoted with a confirmation', { timeout: 120_000 }, async () => {
    const { page, complaints, close } = await openPage(browser, { storageState, viewport: WIDE });
    await page.goto(`${fleet.baseUrl}/experiments`);
    await settle(page);
    const { id } = await fleet.client.call(api.createExperiment, {
      body: {
        spec: {
          ...{ name: 'duel', selector: 'true', mode: 'split', challengers: [{ release: 'light-2', percent: 50 }] },
          ...{ goal: { measure: 'reward' }, stop: { onEvidence: 'go-on' } },
        },
        all: true,
      },
    });
    await tell(0, 400, 220);
    await tell(1, 400, 340);
    await page.getByRole('link', { name: 'duel' }).click();
    await page.getByRole('heading', { level: 1, name: 'duel' }).waitFor();
    const arms = page.getByRole('region', { name: 'Arms' });
    await arms.getByText('better', { exact: true }).waitFor({ timeout: 60_000 });
    await arms.getByText('surely better').waitFor();
    await until(
      'there are two looks',
      async () => (await fleet.client.call(api.listExperimentLooks, { params: { id }, query: {} })).total >= 2,
    );
    await page.getByRole('button', { name: 'Promote' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Release').selectOption({ label: 'light-2' });
    await dialog.getByLabel('Why').fill('it turned out better');
    await dialog.getByRole('button', { name: 'Promote' }).click();
    await dialog.waitFor({ state: 'hidden' });
    await page.getByText('promoted', { exact: true }).first().waitFor();
    await page.getByText('light-2 has won').waitFor();
    await page.getByRole('region', { name: 'Timeline' }).getByText('it turned out better').waitFor();
    await page.getByRole('link', { name: 'a rollout' }).click();
    await page.getByRole('heading', { level: 1, name: 'duel-winner' }).waitFor();
    expect(complaints).toEqual([]);
    await close();
  });

  test.each(modes)(
    'its pages keep within the window, complain of nothing, and give axe nothing serious: $name',
    async ({ colorScheme, viewport, way }) => {
      const { page, complaints, close } = await openPage(browser, { storageState, colorScheme, viewport });
      const { id } = await fleet.client.call(api.showExperiment, { params: { id: 'duel' } });
      expect(await tour(page, fleet.baseUrl, ['/experiments', '/experiments/new', `/experiments/${id}`], way)).toEqual([]);
      expect(complaints).toEqual([]);
      await close();
    },
  );
});
