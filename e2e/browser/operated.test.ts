import { API_BASE, api, captureArchivePath, type ExperimentDetail, type ReleaseView } from '@starling/shared';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readArchive } from '../captures/read-archive.ts';
import { seriousFindings } from '../dashboard/open-browser.ts';
import { buildRunPage } from '../demo/pages.ts';
import { paintPlain } from '../harness/picture.ts';
import { describeWith } from '../harness/requires.ts';
import { type RunningFleet, startRunningFleet, until } from '../harness/running-fleet.ts';
import { findBoxes, mapModel, publishMapRelease } from '../harness/small-models.ts';
import { readTap } from '../taps/read-tap.ts';
import { factOf, launchRunBrowser, newRunLink, openRunPage, type RunPage, readPicture, untilRuns } from './run-page.ts';

const SETUP_TIMEOUT_MS = 300_000;
const STEP_MS = 90_000;
const EDGE = 'resize.image';
const PICTURES = 60;

describeWith(['chromium'], 'what is done to a browser from afar', ({ chromium }) => {
  let fleet: RunningFleet;
  let browser: Browser;
  let champion: ReleaseView;
  let challenger: ReleaseView;
  let tab: RunPage;
  let device: string;
  let picture: Buffer;

  beforeAll(async () => {
    await buildRunPage(() => undefined);
    fleet = await startRunningFleet({ 'build-methods': 'source' });
    picture = await paintPlain(40, 90, 160);
    await publishMapRelease(fleet, mapModel(1, { width: 32 }), 0);
    champion = await fleet.operator.createRelease({
      name: 'watched',
      pipeline: `${findBoxes.name}@${findBoxes.version}`,
      policies: {
        egress: { outputs: ['boxes'], edges: [EDGE], sinks: [] },
        ...{ capture: { enabled: true }, retention: { resultDays: 30 }, power: {} },
      },
    });
    challenger = await publishMapRelease(fleet, mapModel(2, { width: 32 }), 1);
    browser = await launchRunBrowser(chromium);
    tab = await openRunPage(browser, await newRunLink(fleet, champion));
    await untilRuns(tab.page);
    device = await factOf(tab.page, 'Device');
    await fleet.untilRunning(device, champion);
  }, SETUP_TIMEOUT_MS);
  afterAll(async () => {
    await browser?.close();
    await fleet?.stop();
  });

  const command = (name: 'ping' | 'rotate-key' | 'model-load' | 'model-unload', given: Record<string, unknown> = {}) =>
    fleet.client.call(api.commandDevice, { params: { id: device }, body: { name, arguments: given, waitMs: 30_000 } });

  test('a watched edge shows in the head of the page, with who watches what, for as long as it is watched', async () => {
    const watched = tab.page.locator('#watched');
    expect(await watched.isVisible()).toBe(false);
    const tap = await fleet.client.call(api.startTap, { params: { id: device }, body: { edges: [EDGE], maximumPerSecond: 10 } });
    const reader = await readTap(fleet, tap);
    await watched.waitFor();
    expect(await watched.textContent()).toContain(`Edge ${EDGE} is being watched by ${tap.account} until`);
    // In a region that a screen reader says when it changes.
    expect(await tab.page.getByRole('status').filter({ hasText: 'being watched' }).count()).toBe(1);
    for (const colorScheme of ['light', 'dark'] as const) {
      await tab.page.emulateMedia({ colorScheme });
      expect(await seriousFindings(tab.page)).toEqual([]);
    }
    await readPicture(tab.page, 'watched.png', picture);
    const { value } = await reader.until('the picture', ({ edge }) => edge === EDGE);
    expect(value).toMatchObject({ kind: 'image', width: 32 });
    await fleet.client.call(api.stopTap, { params: { id: device, tap: tap.id } });
    await reader.ended;
    await watched.waitFor({ state: 'hidden' });
  });

  test('an edge that the policy keeps is not watched, and nothing shows', async () => {
    const refused = fleet.client.call(api.startTap, { params: { id: device }, body: { edges: ['normalise.tensor'] } });
    await expect(refused).rejects.toMatchObject({ code: 'egress-refused' });
    expect(await tab.page.locator('#watched').isVisible()).toBe(false);
  });

  test('values are captured in a tab, go on where they were when the page is loaded again, and arrive', {
    timeout: 4 * STEP_MS,
  }, async () => {
    const { id } = await fleet.client.call(api.commandDevice, {
      params: { id: device },
      body: { name: 'capture', arguments: { edges: [EDGE], items: 3, durationMs: 600_000, maximumPerSecond: 30 } },
    });
    const view = () => fleet.client.call(api.showCommand, { params: { id } });
    const untilKept = (items: number) => until(`${items} are kept`, async () => (await view()).progress?.done === items, STEP_MS);
    await tab.page.locator('#watched').waitFor();
    expect(await tab.page.locator('#watched').textContent()).toContain(`Edge ${EDGE} is being recorded by`);
    await readPicture(tab.page, 'kept-1.png', picture);
    await untilKept(1);
    await tab.page.reload();
    await untilRuns(tab.page);
    await tab.page.locator('#watched').waitFor();
    await readPicture(tab.page, 'kept-2.png', picture);
    await untilKept(2);
    await readPicture(tab.page, 'kept-3.png', picture);
    const done = await until('it has arrived', async () => {
      const now = await view();
      return now.finishedAtMs !== null && now;
    });
    expect(done).toMatchObject({ status: 'done', result: { end: 'items', items: 3, interruptions: 1 } });
    const answer = await fetch(`${fleet.baseUrl}${API_BASE}${captureArchivePath(id)}`, {
      headers: { authorization: `Bearer ${fleet.token}` },
    });
    const names = [...readArchive(Buffer.from(await answer.arrayBuffer())).keys()];
    expect(names).toEqual(expect.arrayContaining(['manifest.json', ...[1, 2, 3].map((n) => `values/00000${n}-${EDGE}.jpg`)]));
    await tab.page.locator('#watched').waitFor({ state: 'hidden' });
  });

  test('a model is freed and loaded again in a tab, by command and by the next picture', async () => {
    expect(await command('model-unload', { model: 'map' })).toMatchObject({ status: 'done', result: { model: 'map', wasLoaded: true } });
    expect(await command('model-unload', { model: 'map' })).toMatchObject({ status: 'done', result: { wasLoaded: false } });
    expect(await command('model-load', { model: 'map' })).toMatchObject({ status: 'done', result: { wasLoaded: false } });
    expect(await command('model-unload', { model: 'map' })).toMatchObject({ status: 'done', result: { wasLoaded: true } });
    await readPicture(tab.page, 'freed.png', picture);
    expect(await command('model-load', { model: 'map' })).toMatchObject({ status: 'done', result: { wasLoaded: true } });
    expect(await command('model-load', { model: 'nap' })).toMatchObject({ status: 'failed', error: { code: 'unknown-model' } });
  });

  test('a new key takes the place of the old one, and the device stays who it is, also when the page is loaded again', async () => {
    const rotated = await command('rotate-key');
    expect(rotated).toMatchObject({ status: 'done', result: { publicKey: expect.any(String) } });
    expect(await command('ping')).toMatchObject({ status: 'done' });
    await tab.page.reload();
    await untilRuns(tab.page);
    expect(await factOf(tab.page, 'Device')).toBe(device);
    await until('it is back', async () => (await fleet.device(device)).online);
    expect(await command('ping')).toMatchObject({ status: 'done' });
    const audit = await fleet.client.call(api.listAudit, { query: { search: 'device.rekey' } });
    expect(audit.items).toEqual([expect.objectContaining({ subject: device })]);
  });

  test('a split of two releases runs in a tab, goes on without the network, and all of it is counted', {
    timeout: 3 * STEP_MS,
  }, async () => {
    const { id } = await fleet.client.call(api.createExperiment, {
      body: {
        spec: { name: 'tabs', selector: 'true', mode: 'split', challengers: [{ release: challenger.name, percent: 40 }] },
        all: true,
      },
    });
    const show = (): Promise<ExperimentDetail> => fleet.client.call(api.showExperiment, { params: { id } });
    const armState = async () => (await fleet.device(device)).reported?.experiment?.arms[0]?.state;
    const stateOf = async (): Promise<string> => JSON.stringify([await show(), (await fleet.device(device)).reported]);
    await until('the challenger runs', async () => (await armState()) === 'running', STEP_MS, stateOf);
    const readSome = async (first: number): Promise<void> => {
      for (let item = first; item < first + PICTURES / 2; item += 1) await readPicture(tab.page, `item-${item}.png`, picture);
    };
    const counted = (items: number) =>
      until(
        `${items} items are counted`,
        async () => {
          const view = await show();
          return view.arms.reduce((sum, arm) => sum + arm.items, 0) === items && view;
        },
        STEP_MS,
        stateOf,
      );
    await readSome(0);
    await counted(PICTURES / 2);
    await tab.context.setOffline(true);
    await tab.page.reload();
    await untilRuns(tab.page);
    // Until it is loaded again, what is read belongs to no experiment.
    await tab.page.locator('#facts dd', { hasText: `${challenger.digest.slice(0, 12)} runs beside it` }).waitFor();
    await readSome(PICTURES / 2);
    await tab.context.setOffline(false);
    const { arms } = await counted(PICTURES);
    // Four standard deviations about 40 %.
    expect(arms[1]?.items).toBeGreaterThan(8);
    expect(arms[1]?.items).toBeLessThan(40);
    expect(arms.every(({ latencyMs }) => latencyMs !== null)).toBe(true);
    await fleet.client.call(api.actOnExperiment, { params: { id }, body: { action: 'stop' } });
    await until('the champion runs alone', async () => (await fleet.device(device)).reported?.experiment === undefined, STEP_MS, stateOf);
    expect(tab.complaints.filter((line) => !line.includes('ERR_INTERNET_DISCONNECTED'))).toEqual([]);
  });
});
