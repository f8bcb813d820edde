import { readFile } from 'node:fs/promises';
import { api, type ReleaseView } from '@starling/shared';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readArchive } from '../captures/read-archive.ts';
import { buildDashboard } from '../demo/pages.ts';
import { paintPlain } from '../harness/picture.ts';
import { describeWith } from '../harness/requires.ts';
import { type RunningFleet, startRunningFleet, until } from '../harness/running-fleet.ts';
import { findBoxes, mapModel, publishMapRelease } from '../harness/small-models.ts';
import { launchChromium, modes, openPage, seriousFindings, settle, signedIn, tour, WIDE } from './open-browser.ts';

const SETUP_TIMEOUT_MS = 400_000;

describeWith(['chromium'], 'commands for a device on its page', ({ chromium }) => {
  let fleet: RunningFleet;
  let browser: Browser;
  /** Its policy lets nothing be captured. */
  let closed: ReleaseView;
  let release: ReleaseView;
  let device: string;
  let push: () => Promise<void>;
  let keeps: (command: string) => Promise<boolean>;
  let storageState: NonNullable<BrowserContextOptions['storageState']>;

  beforeAll(async () => {
    await buildDashboard(() => undefined);
    fleet = await startRunningFleet();
    closed = await publishMapRelease(fleet, mapModel(1, { width: 8, layers: 1 }), 0);
    release = await fleet.operator.createRelease({
      ...{ name: 'captured', pipeline: `${findBoxes.name}@${findBoxes.version}` },
      policies: {
        egress: { outputs: ['boxes'], edges: ['decode.image'], sinks: [] },
        ...{ capture: { enabled: true }, retention: { resultDays: 30 }, power: {} },
      },
    });
    const agent = await fleet.startAgent('agent', { release });
    device = agent.ready.device;
    await fleet.untilRunning(device, release, SETUP_TIMEOUT_MS);
    const image = new Uint8Array(await paintPlain(200, 10, 10, 64));
    push = async () => {
      const answer = await fetch(`http://127.0.0.1:${agent.ready.httpPort}/v1/infer`, { method: 'POST', body: image });
      expect(answer.status).toBe(200);
      await new Promise((resolve) => setTimeout(resolve, 300));
    };
    keeps = async (command) => {
      const answer = await fetch(`http://127.0.0.1:${agent.ready.httpPort}/v1/status`);
      const { taps } = (await answer.json()) as { taps: { tap: string; isKept?: boolean }[] };
      return taps.some(({ tap, isKept }) => tap === command && isKept === true);
    };
    browser = await launchChromium(chromium);
    storageState = await signedIn(browser, fleet);
  }, SETUP_TIMEOUT_MS);
  afterAll(async () => {
    await browser?.close();
    await fleet?.stop();
  });

  const open = async (): Promise<Awaited<ReturnType<typeof openPage>>> => {
    const opened = await openPage(browser, { storageState, viewport: WIDE, acceptDownloads: true });
    await opened.page.goto(`${fleet.baseUrl}/devices/${device}?tab=events`);
    await settle(opened.page);
    return opened;
  };
  /** The row of the newest command of the name. */
  const row = (page: Page, name: string) =>
    page
      .getByRole('group', { name: 'Commands' })
      .getByRole('row')
      .filter({ has: page.getByRole('cell', { name, exact: true }) })
      .first();
  const newest = async () => (await fleet.client.call(api.listCommands, { params: { id: device }, query: {} })).items[0];
  /** Accepted it is before the edges are listened at. */
  const begun = () =>
    until('it has begun', async () => {
      const command = await newest();
      return command?.status === 'accepted' && keeps(command.id);
    });
  const startCapture = async (page: Page, values: number): Promise<void> => {
    await page.getByRole('button', { name: 'Capture', exact: true }).click();
    const dialog = page.getByRole('dialog', { name: 'Capture values' });
    await dialog.getByRole('combobox', { name: 'Edges' }).press('ArrowDown');
    await page.getByRole('option', { name: 'decode.image' }).click();
    await dialog.getByRole('textbox', { name: 'Values' }).fill(`${values}`);
    await dialog.getByRole('textbox', { name: 'A second' }).fill('30');
    expect(await seriousFindings(page)).toEqual([]);
    await dialog.getByRole('button', { name: 'Capture' }).click();
    await dialog.waitFor({ state: 'hidden' });
    await begun();
  };

  test('a capture is asked for, followed, and taken as a file', async () => {
    const { page, complaints, close } = await open();
    await startCapture(page, 3);
    await push();
    await row(page, 'capture').getByText('1 of 3 items').waitFor();
    for (let n = 0; n < 2; n += 1) await push();
    await row(page, 'capture').getByText('as many as were asked for').waitFor();
    const download = page.waitForEvent('download');
    await row(page, 'capture').getByRole('link', { name: 'Download' }).click();
    const file = await download;
    expect(file.suggestedFilename()).toMatch(/^capture-\w+\.zip$/);
    const archive = readArchive(await readFile(await file.path()));
    expect([...archive.keys()].filter((name) => name.endsWith('.jpg'))).toHaveLength(3);
    expect(JSON.parse(String(archive.get('manifest.json')))).toMatchObject({ device, items: 3, edges: ['decode.image'] });
    expect(complaints).toEqual([]);
    await close();
  });

  test('one that is open is ended with what it has', async () => {
    const { page, complaints, close } = await open();
    await startCapture(page, 50);
    await push();
    await row(page, 'capture').getByText('1 of 50 items').waitFor();
    await row(page, 'capture').getByRole('button', { name: 'End capture' }).click();
    await row(page, 'capture').getByText('ended before its time').waitFor();
    expect(
      await row(page, 'capture')
        .getByText(/^1 values, /)
        .count(),
    ).toBe(1);
    expect(complaints).toEqual([]);
    await close();
  });

  test('a model is freed and loaded from the menu', async () => {
    const { page, complaints, close } = await open();
    const pick = async (what: string): Promise<void> => {
      await page.getByRole('button', { name: 'Models' }).click();
      await page.getByRole('menuitem', { name: what }).click();
    };
    await pick('Free map');
    await row(page, 'model-unload').getByText('map freed; the next item loads it again').waitFor();
    await pick('Load map');
    await row(page, 'model-load')
      .getByText(/map loaded in .* on cpu/)
      .waitFor();
    await push();
    expect(complaints).toEqual([]);
    await close();
  });

  test.each(modes)('its tab keeps within the window, and gives axe nothing serious: $name', async ({ colorScheme, viewport, way }) => {
    const { page, complaints, close } = await openPage(browser, { storageState, colorScheme, viewport });
    expect(await tour(page, fleet.baseUrl, [`/devices/${device}?tab=events`], way)).toEqual([]);
    expect(complaints).toEqual([]);
    await close();
  });

  test('why nothing can be captured is said before one asks', async () => {
    await fleet.assign(device, closed);
    await fleet.untilRunning(device, closed);
    const { page, complaints, close } = await open();
    await page.getByRole('button', { name: 'Capture', exact: true }).click();
    await page.getByRole('dialog').getByText('Nothing may be captured').waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    expect(complaints).toEqual([]);
    await close();
  });
});
