import { api, type DeviceView, type ReleaseView } from '@starling/shared';
import type { Browser, CDPSession } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildRunPage } from '../demo/pages.ts';
import { paintPlain } from '../harness/picture.ts';
import { describeWith } from '../harness/requires.ts';
import { type RunningFleet, startRunningFleet, until } from '../harness/running-fleet.ts';
import { hangingModel, publishMapRelease } from '../harness/small-models.ts';
import { openDroppingProxy } from './dropping-proxy.ts';
import { factOf, launchRunBrowser, newRunLink, openRunPage, type RunPage, readPicture, SOFTWARE_GPU, untilRuns } from './run-page.ts';

const SETUP_TIMEOUT_MS = 300_000;

describeWith(['chromium'], 'what runs models in a browser', ({ chromium }) => {
  let fleet: RunningFleet;
  let release: ReleaseView;
  const browsers: Browser[] = [];

  beforeAll(async () => {
    await buildRunPage(() => undefined);
    fleet = await startRunningFleet();
    release = await publishMapRelease(fleet, hangingModel(), 0);
  }, SETUP_TIMEOUT_MS);
  afterAll(async () => {
    for (const browser of browsers) await browser.close();
    await fleet?.stop();
  });

  const launch = async (flags?: readonly string[]): Promise<Browser> => {
    const browser = await launchRunBrowser(chromium, flags);
    browsers.push(browser);
    return browser;
  };
  /** Opens the page as a new device, with settings that try something out. */
  const open = async (
    browser: Browser,
    settings: string,
    address = fleet.baseUrl,
  ): Promise<RunPage & { device: string; view: DeviceView }> => {
    const tab = await openRunPage(browser, `${await newRunLink(fleet, release, address)}&${settings}`);
    await untilRuns(tab.page);
    const device = await factOf(tab.page, 'Device');
    return { ...tab, device, view: await fleet.untilRunning(device, release) };
  };
  const events = async (device: string, code: string): Promise<string[]> =>
    (await fleet.telemetry(device, 'events')).filter(({ payload }) => payload.code === code).map(({ payload }) => String(payload.message));
  const read = async ({ page }: RunPage, name: string): Promise<string[]> => readPicture(page, name, await paintPlain(40, 90, 160));

  test('as many threads as asked for, and one where memory is not shared', async () => {
    const browser = await launch();
    const single = await open(browser, 'threads=1');
    await single.page.getByText('wasm, 1 thread', { exact: true }).waitFor();
    expect(single.view.capabilities.browser?.wasm).toMatchObject({ simd: true, threads: 1 });
    expect(await read(single, 'one.png')).toEqual([]);
    await single.close();
    const several = await open(browser, 'threads=2');
    await several.page.getByText('wasm, 2 threads', { exact: true }).waitFor();
    expect(await read(several, 'two.png')).toEqual([]);
    await several.close();
  });

  test('several threads although a proxy drops the headers for them: the service worker sends them again', async () => {
    const proxy = await openDroppingProxy(fleet.baseUrl);
    const { headers } = await fetch(`${proxy.origin}/run/`);
    expect(headers.get('cross-origin-embedder-policy')).toBeNull();
    const tab = await open(await launch(), 'threads=2', proxy.origin);
    expect(await tab.page.evaluate(() => crossOriginIsolated)).toBe(true);
    await tab.page.getByText('wasm, 2 threads', { exact: true }).waitFor();
    expect(tab.view.capabilities.browser).toMatchObject({ crossOriginIsolated: true, wasm: { threads: 2 } });
    expect(await read(tab, 'two.png')).toEqual([]);
    await tab.close();
    await proxy.close();
  });

  test('a run that hangs fails alone: its worker is replaced, and the next picture is read', async () => {
    const tab = await open(await launch(), 'runTimeoutMs=20000');
    await tab.page.locator('#files').setInputFiles({ name: 'white.png', mimeType: 'image/png', buffer: await paintPlain(255, 255, 255) });
    await tab.page.getByRole('alert').filter({ hasText: 'white.png: the runtime host ended: it has not answered' }).waitFor();
    expect(await read(tab, 'blue.png')).toEqual([]);
    await until('the crash is reported', async () => (await events(tab.device, 'host-recovered')).length === 1);
    await tab.close();
  });

  test('goes on while the fleet is gone, and comes back by itself', async () => {
    const tab = await open(await launch(), 'threads=1');
    await fleet.process.kill();
    await tab.page.getByText('offline', { exact: true }).waitFor();
    expect(await read(tab, 'alone.png')).toEqual([]);
    await fleet.start();
    await tab.page.getByText('online', { exact: true }).waitFor();
    // What was read meanwhile is told.
    const told = async (): Promise<boolean> =>
      (await fleet.telemetry(tab.device, 'inference')).some(({ payload }) => Number(payload.items) > 0);
    await until('the inference is told', told);
    await tab.close();
  });

  test('a page that is hidden answers the fleet, and shows what it gave and what else may leave', async () => {
    const tab = await open(await launch(), 'threads=1');
    const other = await tab.context.newPage();
    await other.bringToFront();
    const { result } = await fleet.client.call(api.inferOnDevice, { params: { id: tab.device }, raw: await paintPlain(40, 90, 160) });
    expect(result.outputs.boxes).toEqual([]);
    await tab.page.bringToFront();
    await tab.page.getByText('The fleet was just given what was read in a picture that it sent.').waitFor();
    expect(await tab.page.locator('#leaves li').allTextContents()).toContain('Results, when the fleet asks for them: boxes.');
    await tab.close();
  });

  test('runs on a GPU, and on the processor once the GPU is lost, and says why', async () => {
    const browser = await launch(SOFTWARE_GPU);
    const tab = await open(browser, 'providers=webgpu,wasm');
    expect(tab.view.reported?.running?.providers).toEqual({ map: 'webgpu' });
    expect(tab.view.profile).toBe('browser-webgpu');
    expect(tab.view.capabilities.browser?.webgpu).toMatchObject({ software: true });
    expect(await read(tab, 'gpu.png')).toEqual([]);

    const session: CDPSession = await browser.newBrowserCDPSession();
    await session.send('Browser.crashGpuProcess').catch(() => undefined);
    const view = await until('the model runs elsewhere', async () => {
      const now = await fleet.device(tab.device);
      return now.reported?.running?.providers.map === 'wasm' && now;
    });
    expect(view.reported?.running?.verified).toBe(true);
    expect(await read(tab, 'processor.png')).toEqual([]);
    await until('the loss is reported', async () => (await events(tab.device, 'host-crashed')).some((text) => text.includes('GPU')));
    await tab.close();
  });

  test('a provider that does not run here gives way to the next, and the reason stands with the hardware, not in events', async () => {
    const tab = await open(await launch(), 'providers=webgpu,wasm');
    expect(tab.view.reported?.running?.providers).toEqual({ map: 'wasm' });
    const probe = tab.view.capabilities.executionProviders.find(({ name }) => name === 'webgpu');
    expect(probe?.ran).toBe(false);
    expect(probe?.error).toMatch(/\S/);
    await until('an event has come', async () => (await events(tab.device, 'release-verified')).length > 0);
    expect(await events(tab.device, 'provider-fell-back')).toEqual([]);
    await tab.close();
  });
});
