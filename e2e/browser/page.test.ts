import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { api, commandTable, type ReleaseView, readingSchema } from '@starling/shared';
import type { Browser } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { buildRunPage } from '../demo/pages.ts';
import { readSigns } from '../demo/read-signs.ts';
import { paintSign } from '../harness/picture.ts';
import { describeWith } from '../harness/requires.ts';
import { type RunningFleet, startRunningFleet, until } from '../harness/running-fleet.ts';
import { factOf, launchRunBrowser, newRunLink, openRunPage, openTab, type RunPage, readPicture, untilRuns } from './run-page.ts';

const SETUP_TIMEOUT_MS = 400_000;

describeWith(['chromium'], 'the page on which a browser is a device', ({ chromium }) => {
  let fleet: RunningFleet;
  let browser: Browser;
  let release: ReleaseView;
  let tab: RunPage;
  let device: string;

  beforeAll(async () => {
    await buildRunPage(() => undefined);
    fleet = await startRunningFleet({}, 'demo-models');
    await fleet.operator.pushPipeline(readSigns);
    const policies = {
      egress: { outputs: ['readings'], edges: [], sinks: [] },
      ...{ capture: { enabled: false }, retention: { resultDays: 30 }, power: {} },
    };
    release = await fleet.operator.createRelease({ name: 'signs-1', pipeline: `${readSigns.name}@${readSigns.version}`, policies });
    browser = await launchRunBrowser(chromium);
  }, SETUP_TIMEOUT_MS);
  afterAll(async () => {
    await browser?.close();
    await fleet?.stop();
  });

  const link = (): Promise<string> => newRunLink(fleet, release);

  test('enrols by its link, takes the token out of sight, pulls, tests itself, and runs', async () => {
    tab = await openRunPage(browser, await link());
    expect(new URL(tab.page.url()).hash).toBe('');
    await untilRuns(tab.page);
    device = await factOf(tab.page, 'Device');
    const view = await fleet.untilRunning(device, release);
    expect(view.online).toBe(true);
    expect(view.profile).toBe('browser-wasm');
    expect(view.capabilities).toMatchObject({ environment: 'browser', architecture: 'wasm', cpu: { isa: ['simd128', 'threads'] } });
    expect(view.reported?.running?.providers).toEqual({ 'text-detection': 'wasm', 'text-recognition': 'wasm' });
    expect(tab.complaints).toEqual([]);
  });

  test('reads in a picture what the fleet reads through it', async () => {
    const picture = await paintSign('EXIT 42');
    expect(await readPicture(tab.page, 'sign.png', picture)).toEqual(['EXIT 42']);
    const { result } = await fleet.client.call(api.inferOnDevice, { params: { id: device }, raw: picture });
    const readings = z.array(readingSchema).parse(result.outputs.readings);
    expect(readings.map(({ text }) => text)).toEqual(['EXIT 42']);
  });

  test('measures what it runs, for more than no processor time and no energy', async () => {
    const body = {
      name: 'benchmark' as const,
      arguments: { minimumIdleShare: 0, idleWaitMs: 0, maximumLoadShare: 1, runs: 2, warmUpRuns: 1 },
      waitMs: 0,
    };
    const { id } = await fleet.client.call(api.commandDevice, { params: { id: device }, body });
    const { result, error } = await until(
      'the benchmark is over',
      async () => {
        const command = await fleet.client.call(api.showCommand, { params: { id } });
        return (command.result !== null || command.error !== null) && command;
      },
      180_000,
    );
    expect(error).toBeNull();
    const { artefacts } = commandTable.benchmark.result.parse(result);
    expect(artefacts).toHaveLength(2);
    for (const { record } of artefacts) {
      expect(record).toMatchObject({ runs: 2, energyMethod: 'modelled' });
      expect(record?.cpuSecondsPerInference).toBeGreaterThan(0);
      expect(record?.joulesPerInference).toBeGreaterThan(0);
    }
  });

  const failuresOf = async (): Promise<number> => {
    const { failures } = await fleet.client.call(api.summariseTelemetry, { params: { id: device }, query: {} });
    return failures;
  };

  test('says in words what is no picture, and counts it as no failure; a picture that is damaged is one', async () => {
    const before = await failuresOf();
    const text = { mimeType: 'text/plain', buffer: Buffer.from('not a picture') };
    await tab.page.locator('#files').setInputFiles([
      { name: 'notes.txt', ...text },
      { name: 'notes.png', ...text, mimeType: 'image/png' },
    ]);
    const notice = tab.page.getByRole('status').filter({ hasText: '2 files were not taken: notes.txt, notes.png.' });
    await notice.waitFor();
    // What was read before stands there still.
    expect(await tab.page.locator('#readings li').allTextContents()).toEqual(['EXIT 42']);
    const torn = { name: 'torn.png', mimeType: 'image/png', buffer: (await paintSign('EXIT 42')).subarray(0, 200) };
    await tab.page.locator('#files').setInputFiles(torn);
    await tab.page.getByRole('alert').filter({ hasText: 'torn.png is damaged' }).waitFor();
    await notice.waitFor({ state: 'detached' });
    await until('the failure is counted', async () => (await failuresOf()) > before, 60_000);
    expect(await failuresOf()).toBe(before + 1);
  });

  test('of several files what was read in each stays to be seen, also where the last one is damaged', async () => {
    const picture = { mimeType: 'image/png' };
    const torn = (await paintSign('EXIT 42')).subarray(0, 200);
    const { page } = tab;
    await page.locator('#files').setInputFiles([
      { ...picture, name: 'first.png', buffer: await paintSign('EXIT 42') },
      { ...picture, name: 'exit.png', buffer: await paintSign('EXIT 42') },
      { ...picture, name: 'last.png', buffer: torn },
    ]);
    const error = page.getByRole('alert').filter({ hasText: 'last.png is damaged' });
    await error.waitFor();
    const lines = ['first.png', 'EXIT 42', 'exit.png', 'EXIT 42', 'last.png', 'not read'];
    expect(await page.locator('#readings li').allTextContents()).toEqual(lines);
    // What is said of the next file takes the place of what was said of this one.
    await page.locator('#files').setInputFiles({ name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('not a picture') });
    await page.getByRole('status').filter({ hasText: 'notes.txt was not taken.' }).waitFor();
    expect(await error.count()).toBe(0);
    expect(await page.locator('#readings li').allTextContents()).toEqual(lines);
    expect(await readPicture(page, 'one.png', await paintSign('EXIT 42'))).toEqual(['EXIT 42']);
  });

  test('a page that is loaded again says at once who it is and what it ran', async () => {
    const shown = await tab.page.evaluate(() => document.querySelector('#facts')?.textContent ?? '');
    expect(shown).toContain(device);
    await tab.page.addInitScript(() => {
      const seen: string[] = [];
      Object.assign(globalThis, { seen });
      addEventListener('DOMContentLoaded', () =>
        new MutationObserver(() => {
          const text = ['#link', '#notices', '#steps', '#facts'].map((id) => document.querySelector(id)?.textContent ?? '').join(' | ');
          if (text !== seen.at(-1)) seen.push(text);
        }).observe(document.body, { childList: true, subtree: true, characterData: true }),
      );
    });
    await tab.page.reload();
    await untilRuns(tab.page);
    const seen = await tab.page.evaluate(() => (globalThis as { seen?: string[] }).seen ?? []);
    expect(seen.filter((text) => text.includes('Join the fleetunder way') || text.includes('Releasenone yet'))).toEqual([]);
    const again = seen.filter((text) => text.includes('starting again'));
    expect(again.length).toBeGreaterThan(0);
    for (const text of again) expect(text).toContain(`${release.digest.slice(0, 12)} (starting again)`);
    expect(again.at(-1)).toContain(device);
  });

  test('a second tab waits, and takes over when the first is closed', async () => {
    const second = await openTab(tab.context, `${fleet.baseUrl}/run/`);
    await second.page.getByText('Another tab of this browser is the device.').waitFor();
    await tab.page.close();
    await untilRuns(second.page);
    expect(await factOf(second.page, 'Device')).toBe(device);
    tab = { ...tab, ...second };
  });

  test('starts and reads without a network, as the same device', async () => {
    await tab.context.setOffline(true);
    await tab.page.reload();
    await untilRuns(tab.page);
    expect(await tab.page.evaluate(() => crossOriginIsolated)).toBe(true);
    expect(await readPicture(tab.page, 'offline.png', await paintSign('EXIT 42'))).toEqual(['EXIT 42']);
  });

  test('is back as soon as the network is, however long it was to wait for its next try', async () => {
    const longest = tab.page.waitForEvent('console', {
      predicate: (message) => Number(/"?delayMs"?[:=] ?(\d+)/.exec(message.text())?.[1] ?? 0) > 20_000,
    });
    await longest;
    await tab.context.setOffline(false);
    await tab.page.getByText('online', { exact: true }).waitFor({ timeout: 20_000 });
    await tab.close();
  });

  test('a browser without a link says what to do', async () => {
    const stranger = await openRunPage(browser, `${fleet.baseUrl}/run/`);
    await stranger.page.getByRole('alert').filter({ hasText: 'open the link of "Add a device"' }).waitFor();
    expect(await stranger.page.locator('#leaves li').allTextContents()).toEqual(['Nothing: this browser has joined no fleet.']);
    await stranger.close();
    const whole = await link();
    const cut = await openRunPage(browser, whole.slice(0, whole.length - 40));
    await cut.page.getByRole('alert').filter({ hasText: 'is not whole' }).getByText('Scan the code again').waitFor();
    await cut.close();
  });

  test('reads what a camera sees, shows it, and says how fast', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'starling-camera-'));
    const film = join(folder, 'sign.mjpeg');
    const frame = await sharp(await paintSign('EXIT 42'))
      .extend({ top: 120, bottom: 120, background: '#f4f4ee' })
      .jpeg({ quality: 92 })
      .toBuffer();
    await writeFile(film, Buffer.concat(Array.from({ length: 8 }, () => frame)));
    const filming = await launchRunBrowser(chromium, [
      ...['--disable-gpu', '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream'],
      `--use-file-for-fake-video-capture=${film}`,
    ]);
    const { page, complaints, close } = await openRunPage(filming, await link());
    await untilRuns(page);
    await page.getByRole('button', { name: 'Start camera' }).click();
    await page.locator('#readings li', { hasText: 'EXIT 42' }).waitFor();
    await page.locator('#rate', { hasText: '/s' }).waitFor();
    expect(await page.locator('#latency').textContent()).toMatch(/^\d+ ms$/);
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByRole('button', { name: 'Start camera' }).waitFor();
    expect(complaints).toEqual([]);
    await close();
    await filming.close();
    await rm(folder, { recursive: true });
  });
});
