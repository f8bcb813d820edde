import type { ReleaseView } from '@starling/shared';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildDashboard } from '../demo/pages.ts';
import type { AgentProcess } from '../harness/processes.ts';
import { describeWith } from '../harness/requires.ts';
import { until } from '../harness/running-fleet.ts';
import { type Machines, startMachines } from '../placement/two-machines.ts';
import { launchChromium, modes, openPage, settle, signedIn, tour, WIDE } from './open-browser.ts';

const SETUP_TIMEOUT_MS = 400_000;

describeWith(['chromium'], 'a device whose pipeline runs on several machines, in the dashboard', ({ chromium }) => {
  let machines: Machines;
  let browser: Browser;
  let home: AgentProcess;
  let worker: AgentProcess;
  let storageState: NonNullable<BrowserContextOptions['storageState']>;

  beforeAll(async () => {
    await buildDashboard(() => undefined);
    machines = await startMachines({ 'telemetry-window-ms': '1000' });
    const release: ReleaseView = await machines.fleet.operator.createRelease({
      ...{ name: 'deep-1', pipeline: 'deep' },
      policies: {
        egress: { outputs: ['y'], edges: ['deep-in.json', 'first.value'], sinks: [], streams: ['deep-in.json', 'hidden.value'] },
        ...{ capture: { enabled: false }, retention: { resultDays: 30 }, power: {} },
      },
    });
    worker = await machines.start('worker', release, { place: 'cloud' });
    home = await machines.start('home', release);
    await machines.untilWorksFor(worker.ready.device, home.ready.device);
    browser = await launchChromium(chromium);
    storageState = await signedIn(browser, machines.fleet);
  }, SETUP_TIMEOUT_MS);
  afterAll(async () => {
    await browser?.close();
    await machines?.fleet.stop();
  });

  const open = async (path: string): Promise<Awaited<ReturnType<typeof openPage>>> => {
    const opened = await openPage(browser, { storageState, viewport: WIDE });
    await opened.page.goto(`${machines.fleet.baseUrl}${path}`);
    await settle(opened.page);
    return opened;
  };
  const node = (page: Page, name: string) => page.locator(`.react-flow__node[data-node="${name}"]`);
  const push = async (count: number): Promise<void> => {
    for (let x = 0; x < count; x += 1) expect((await machines.post(home, 'deep', { x })).status).toBe(200);
  };

  test('its graph shows where each node runs, with live figures of the device and of its worker', { timeout: 180_000 }, async () => {
    const { page, complaints, close } = await open(`/devices/${home.ready.device}?tab=graph`);
    for (const name of ['first', 'second', 'hidden'])
      await page.getByRole('group', { name: new RegExp(`^${name}: .*runs in the cloud`) }).waitFor();
    expect(await page.getByRole('group', { name: /^last: / }).getAttribute('aria-label')).not.toContain('cloud');
    const { name: workerName } = await machines.fleet.device(worker.ready.device);
    const told = (of: AgentProcess, has: string) =>
      until(`${has} is told`, async () => {
        const windows = await machines.fleet.telemetry(of.ready.device, 'inference');
        return windows.some(({ payload }) => JSON.stringify(payload).includes(`"${has}"`));
      });
    await push(20);
    await told(home, 'last');
    await told(worker, 'second');
    await page.reload();
    await settle(page);

    // Inside of the part what the worker tells, outside of it what the device does.
    await node(page, 'second').click();
    await page.getByText(new RegExp(`runs, .* each; on ${workerName}, for all that it works for`)).waitFor();
    await node(page, 'last').click();
    await page.getByText(/runs, [^;]* each$/).waitFor();
    await page.getByText(`Those inside of parts are of ${workerName}`).waitFor();
    const edges = page.getByRole('region', { name: 'Edges' }).getByRole('row');
    for (const port of ['first.value', 'hidden.value'])
      expect(await edges.filter({ hasText: port }).first().textContent()).toMatch(/\d values a second/);
    expect(complaints).toEqual([]);
    await close();
  });

  test('its overview names who runs what for it, and the page of the worker for whom it is there', async () => {
    const { page, complaints, close } = await open(`/devices/${home.ready.device}`);
    const { name: workerName } = await machines.fleet.device(worker.ready.device);
    const [nodes = '', by] = ((await page.getByText(/: by /).textContent()) ?? '').split(': by ');
    expect([nodes.split(', ').toSorted(), by]).toEqual([['first', 'hidden', 'second'], workerName]);
    await page.getByRole('link', { name: workerName }).click();
    await page.getByText('It works for other devices: it runs the nodes of cloud, and takes no items itself.').waitFor();
    expect(complaints).toEqual([]);
    await close();
  });

  test.each(modes)('both pages keep within the window, and give axe nothing serious: $name', async ({ colorScheme, viewport, way }) => {
    const { page, complaints, close } = await openPage(browser, { storageState, colorScheme, viewport });
    const paths = [`/devices/${home.ready.device}?tab=graph`, `/devices/${home.ready.device}`, `/devices/${worker.ready.device}`];
    expect(await tour(page, machines.fleet.baseUrl, paths, way)).toEqual([]);
    expect(complaints).toEqual([]);
    await close();
  });
});
