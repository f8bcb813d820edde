import { writeFile } from 'node:fs/promises';
import { arch } from 'node:os';
import { join } from 'node:path';
import { type AgentBuildView, api } from '@starling/shared';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createStarling, type Ended, type Starling } from '../cli/starling.ts';
import { buildDashboard } from '../demo/pages.ts';
import { describeWith } from '../harness/requires.ts';
import { type RunningFleet, startRunningFleet, until } from '../harness/running-fleet.ts';
import { makePackage } from '../updates/agent-packages.ts';
import { type PlainAgent, runAgent } from '../updates/plain-agent.ts';
import { launchChromium, modes, openPage, settle, signedIn, tour, WIDE } from './open-browser.ts';

const SETUP_TIMEOUT_MS = 400_000;
const SIMULATED = 3;
const VERSION = '2.0.0-crashing';

describeWith(['chromium'], 'agents and keys in the dashboard', ({ chromium }) => {
  let fleet: RunningFleet;
  let browser: Browser;
  let storageState: NonNullable<BrowserContextOptions['storageState']>;
  let starling: Starling;
  let agent: PlainAgent;
  let device: string;
  let build: AgentBuildView;
  let crowd: Promise<Ended>;
  const stopCrowd = new AbortController();

  beforeAll(async () => {
    await buildDashboard(() => undefined);
    fleet = await startRunningFleet();
    starling = createStarling(fleet.folder, fleet.folder);
    const as = ['--fleet', fleet.baseUrl, '--token', fleet.token];
    const enrolled = await fleet.startAgent('agent');
    device = enrolled.ready.device;
    await enrolled.kill();
    agent = runAgent(fleet.agentFolder('agent'));
    await writeFile(join(fleet.folder, 'publisher.json'), JSON.stringify(fleet.keys.publisher), { mode: 0o600 });
    const file = await makePackage(fleet.folder, 'crashing', VERSION);
    const published = await starling.run([...as, 'agent', 'publish', VERSION, '--package', `linux-${arch()}=${file}`, '--json'], {
      environment: { STARLING_PUBLISHER_KEY: join(fleet.folder, 'publisher.json') },
    });
    expect(published.exitCode).toBe(0);
    build = JSON.parse(published.stdout);
    crowd = starling.run([...as, 'simulate', '--devices', `${SIMULATED}`, '--drops-per-hour', '0', '--json'], {
      interrupt: stopCrowd.signal,
    });
    const online = async (): Promise<boolean> => (await fleet.client.call(api.overview, {})).devices.online === SIMULATED + 1;
    await until('all devices are online', online, 120_000, () => agent.output());
    browser = await launchChromium(chromium);
    storageState = await signedIn(browser, fleet);
  }, SETUP_TIMEOUT_MS);
  afterAll(async () => {
    stopCrowd.abort();
    await crowd;
    await browser?.close();
    await agent?.kill();
    // A build on trial is a child of the process that was started: it ends by itself when that is gone.
    await new Promise((resolve) => setTimeout(resolve, 2500));
    await fleet?.stop();
  });

  /** In the form that a page has opened: for whom, and yes. */
  const send = async (page: Page, select: string, devices: number): Promise<void> => {
    await page.getByRole('textbox', { name: 'Devices', exact: true }).fill(select);
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Send it' }).click();
    const verb = `Send to ${devices} ${devices === 1 ? 'device' : 'devices'}`;
    await page.getByRole('dialog').getByRole('button', { name: verb }).click();
  };

  test('agents: what runs, what may follow, an update after a question, and why it failed', { timeout: 240_000 }, async () => {
    const { page, complaints, close } = await openPage(browser, { storageState, viewport: WIDE });
    await page.goto(`${fleet.baseUrl}/agents`);
    await settle(page);
    const running = page.getByRole('group', { name: 'Agents that run' });
    await running.getByText('the one that was installed').first().waitFor();
    await page.getByText('None was started yet').waitFor();
    await page.getByRole('link', { name: `Update devices to ${VERSION}` }).click();
    await page.getByRole('heading', { level: 1, name: 'New command' }).waitFor();
    expect(await page.getByRole('combobox', { name: 'Command' }).inputValue()).toBe('update-agent');
    expect(await page.getByRole('textbox', { name: 'build' }).inputValue()).toBe(build.digest);
    expect(await page.getByRole('textbox', { name: 'Connected devices at a time' }).inputValue()).toBe('5');
    await send(page, 'true', SIMULATED + 1);
    await page.getByRole('heading', { level: 1, name: 'update-agent' }).waitFor();
    await page.getByText('have ended.').waitFor();
    const ended = async (): Promise<boolean> => {
      const query = { name: 'update-agent', newest: 'true', status: 'failed' } as const;
      return (await fleet.client.call(api.listNamedCommands, { query })).total === SIMULATED + 1;
    };
    await until('all have failed', ended, 120_000, () => agent.output());

    await page.goto(`${fleet.baseUrl}/agents`);
    await settle(page);
    const one = page.getByRole('group', { name: 'Devices one by one' });
    await one.getByText(/started 3 times/).waitFor();
    await one.getByText('update-failed').waitFor();
    expect(await one.getByText('simulated-device').count()).toBe(SIMULATED);
    await page.getByRole('group', { name: 'Updates' }).getByRole('link', { name: 'update-agent' }).waitFor();
    await page.getByLabel('State', { exact: true }).selectOption('done');
    await page.getByText('No device is in this state').waitFor();
    const history = ['command', 'history', 'update-agent', '--newest', '--status', 'failed'];
    const told = await starling.run(['--fleet', fleet.baseUrl, '--token', fleet.token, ...history]);
    expect(told.stdout).toMatch(/failed .*update-failed: .*started 3 times/);
    expect(complaints).toEqual([]);
    await close();
  });

  test('keys: what counts, and device keys that are replaced after a question', { timeout: 240_000 }, async () => {
    const { page, complaints, close } = await openPage(browser, { storageState, viewport: WIDE });
    await page.goto(`${fleet.baseUrl}/keys`);
    await settle(page);
    const { key } = await fleet.client.call(api.fleetKey, {});
    await page.getByRole('group', { name: 'Keys of the fleet' }).getByTitle(key.kid).waitFor();
    const { authorities } = await fleet.client.call(api.listAuthorities, {});
    await page
      .getByRole('group', { name: 'Certificate authorities' })
      .getByTitle(authorities[0]?.digest ?? '-')
      .waitFor();
    for (const [select, devices] of [
      [`id == "${device}"`, 1],
      ['labels.simulated == "true"', SIMULATED],
    ] as const) {
      await page.getByRole('link', { name: 'Replace device keys' }).click();
      await send(page, select, devices);
      await page.getByText(`${devices} of ${devices} have ended.`).waitFor();
      await page.goto(`${fleet.baseUrl}/keys`);
      await settle(page);
    }
    const one = page.getByRole('group', { name: 'Devices one by one' });
    await one.getByText('a new key').waitFor();
    expect(await one.getByText('simulated-device').count()).toBe(SIMULATED);
    expect(
      await page.getByRole('group', { name: 'Device keys that were replaced' }).getByRole('link', { name: 'rotate-key' }).count(),
    ).toBe(2);
    // The same again: where each device stands now is one line, all that was sent are two.
    await fleet.client.call(api.commandDevice, { params: { id: device }, body: { name: 'rotate-key', waitMs: 30_000 } });
    await page.getByLabel('State', { exact: true }).selectOption('done');
    await until('one line', async () => (await one.getByText('a new key').count()) === 1);
    await page.getByLabel('Which', { exact: true }).selectOption('all');
    await until('two lines', async () => (await one.getByText('a new key').count()) === 2);
    expect(complaints).toEqual([]);
    await close();
  });

  test.each([...modes, { ...modes[2], name: 'dark on a phone', colorScheme: 'dark' }] as const)(
    'their pages keep within the window, complain of nothing, and give axe nothing serious: $name',
    async ({ colorScheme, viewport, way }) => {
      const { page, complaints, close } = await openPage(browser, { storageState, colorScheme, viewport });
      expect(await tour(page, fleet.baseUrl, ['/agents', '/keys', `/commands/new?name=update-agent&build=${build.digest}`], way)).toEqual(
        [],
      );
      expect(complaints).toEqual([]);
      await close();
    },
  );
});
