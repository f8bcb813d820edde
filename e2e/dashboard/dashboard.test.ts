import { api, createTopics, jsonEncode, parseClaimToken, type ReleaseView, type ReportedState } from '@starling/shared';
import type { Browser, BrowserContextOptions } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildDashboard } from '../demo/pages.ts';
import { readSigns } from '../demo/read-signs.ts';
import type { Login } from '../harness/operator.ts';
import { paintSign } from '../harness/picture.ts';
import { createProtocolDevice, startSession } from '../harness/protocol-device.ts';
import { describeWith } from '../harness/requires.ts';
import { type RunningFleet, startRunningFleet } from '../harness/running-fleet.ts';
import { launchChromium, modes, openPage, overflow, PHONE, seriousFindings, settle, signIn, tour, WIDE } from './open-browser.ts';

const SETUP_TIMEOUT_MS = 400_000;
const TOUR_TIMEOUT_MS = 400_000;

describeWith(['chromium'], 'the dashboard', ({ chromium }) => {
  let fleet: RunningFleet;
  let browser: Browser;
  let admin: Login;
  let release: ReleaseView;
  let device: string;
  /** Cookies of a signed-in admin, so that the limit on logins is not met. */
  let storageState: NonNullable<BrowserContextOptions['storageState']>;

  beforeAll(async () => {
    await buildDashboard(() => undefined);
    fleet = await startRunningFleet({}, 'demo-models');
    admin = fleet.login;
    await fleet.operator.pushPipeline(readSigns);
    const policies = {
      egress: { outputs: ['readings'], edges: [], sinks: [] },
      capture: { enabled: false },
      retention: { resultDays: 30 },
      power: {},
    };
    release = await fleet.operator.createRelease({ name: 'signs-1', pipeline: `${readSigns.name}@${readSigns.version}`, policies });
    const agent = await fleet.startAgent('agent', { release });
    device = agent.ready.device;
    await fleet.untilRunning(device, release, SETUP_TIMEOUT_MS);
    browser = await launchChromium(chromium);
  }, SETUP_TIMEOUT_MS);
  afterAll(async () => {
    await browser?.close();
    await fleet?.stop();
  });

  test('refuses a wrong password in words, lets the right one in, and goes where one wanted to go', async () => {
    const { page, close } = await openPage(browser, { viewport: WIDE });
    await page.goto(`${fleet.baseUrl}/devices`);
    await page.waitForURL(({ pathname }) => pathname === '/login');
    expect(await seriousFindings(page)).toEqual([]);
    await page.getByLabel('E-mail').fill(admin.email);
    await page.getByRole('textbox', { name: 'Password' }).fill('not the password');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').filter({ hasText: 'Not signed in' }).waitFor();
    await signIn(page, admin);
    expect(new URL(page.url()).pathname).toBe('/devices');
    await page.getByRole('heading', { level: 1, name: 'Devices' }).waitFor();
    storageState = await page.context().storageState();

    // The session ends while the page is open: the next thing that is read leads back to the door.
    await page.context().clearCookies();
    await page.getByRole('link', { name: 'Models' }).click();
    await page.waitForURL(({ pathname }) => pathname === '/login');
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    await close();
  });

  test('a page that cannot be fetched says so in words, and comes when it can', async () => {
    const { page, close } = await openPage(browser, { storageState, viewport: WIDE });
    await page.goto(`${fleet.baseUrl}/settings`);
    await settle(page);
    await page.route('**/assets/**', (route) => route.abort());
    await page.getByRole('link', { name: 'Audit' }).click();
    await page.getByRole('alert').filter({ hasText: 'could not be fetched' }).waitFor();
    await page.unroute('**/assets/**');
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('heading', { level: 1, name: 'Audit' }).waitFor();
    await close();
  });

  test('what is not there has a title and says so', async () => {
    const { page, close } = await openPage(browser, { storageState, viewport: WIDE });
    await page.goto(`${fleet.baseUrl}/devices/${'a'.repeat(26)}`);
    await page.getByRole('heading', { level: 1, name: 'Device' }).waitFor();
    await page.getByRole('alert').waitFor();
    await page.goto(`${fleet.baseUrl}/nowhere`);
    await page.getByRole('heading', { level: 1, name: 'Not found' }).waitFor();
    await close();
  });

  test.each(modes)(
    'every page keeps within the window, complains of nothing, and gives axe nothing serious: $name',
    async ({ colorScheme, viewport, way }) => {
      const { page, complaints, close } = await openPage(browser, { storageState, colorScheme, viewport });
      expect(await tour(page, fleet.baseUrl, await paths(), way)).toEqual([]);
      expect(complaints).toEqual([]);
      await close();
    },
    TOUR_TIMEOUT_MS,
  );

  async function paths(): Promise<string[]> {
    const all = { query: { limit: 10 } };
    const [models, pipelines] = await Promise.all([fleet.client.call(api.listModels, all), fleet.client.call(api.listPipelines, all)]);
    return [
      ...['/', '/devices', '/groups', `/devices/${device}`, `/devices/${device}?tab=measures`],
      ...[`/devices/${device}?tab=events`, `/devices/${device}?tab=hardware`],
      ...['/builds', '/models', `/models/${models.items[0]?.digest}`, '/pipelines', `/pipelines/${pipelines.items[0]?.digest}`],
      ...['/releases', `/releases/${release.digest}`, '/rollouts', '/rollouts/new', '/enrolment', '/audit', '/settings'],
    ];
  }

  test('an image given to a device is shown at once, and what the device reads is drawn over it and said', async () => {
    const { page, complaints, close } = await openPage(browser, { storageState, viewport: WIDE });
    await page.goto(`${fleet.baseUrl}/devices/${device}`);
    await settle(page);
    const image = { name: 'sign.png', mimeType: 'image/png', buffer: await paintSign('EXIT 42') };
    await page.getByLabel('Image to try').setInputFiles(image);
    await page.getByAltText('Under test').waitFor();
    await page.getByText('Read one text').waitFor();
    await page.getByRole('button', { name: /EXIT 42/ }).waitFor();

    const quad = await page.locator('svg polygon').first().getAttribute('points');
    const points = (quad ?? '').split(' ').map((point) => point.split(',').map(Number));
    expect(points).toHaveLength(4);
    // The letters stand in the middle of a picture of 640 by 240.
    const [xs, ys] = [points.map(([x = 0]) => x), points.map(([, y = 0]) => y)];
    expect(Math.min(...xs)).toBeGreaterThan(20);
    expect(Math.max(...xs)).toBeLessThan(620);
    expect(Math.min(...ys)).toBeGreaterThan(40);
    expect(Math.max(...ys)).toBeLessThan(200);
    expect(complaints).toEqual([]);

    await page.getByLabel('Image to try').setInputFiles({ name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('no image') });
    await page.getByRole('alert').filter({ hasText: 'not an image' }).waitFor();
    await close();
  });

  test('a change made elsewhere shows without a reload', async () => {
    const { page, close } = await openPage(browser, { storageState, viewport: WIDE });
    await page.goto(`${fleet.baseUrl}/devices`);
    await settle(page);
    await page.getByRole('status').filter({ hasText: 'live' }).first().waitFor();
    await fleet.client.call(api.changeDevice, { params: { id: device }, body: { name: 'north gate', labels: { site: 'oslo' } } });
    await page.getByRole('link', { name: 'north gate' }).waitFor();
    await page.getByText('site=oslo').first().waitFor();
    await close();
  });

  test('a device that waits is let in, followed while it pulls, and shut out after a question', async () => {
    const body = { name: 'gate', uses: 1, requireApproval: true };
    const claim = parseClaimToken((await fleet.client.call(api.createClaimToken, { body })).text);
    const waiting = await createProtocolDevice(fleet.baseUrl);
    if (claim === undefined) throw new Error('the fleet makes claim tokens that are some');
    await waiting.enrol(claim);
    const { page, complaints, close } = await openPage(browser, { storageState, viewport: WIDE });
    await page.goto(fleet.baseUrl);
    await page.getByRole('region', { name: 'Needs attention' }).getByText('waits to be let in').waitFor();
    await page.goto(`${fleet.baseUrl}/devices/${waiting.id}`);
    await page.getByRole('button', { name: 'Let in' }).click();
    await page.getByText('offline', { exact: true }).waitFor();

    const session = await startSession(fleet.process.ready.addresses.mqtt, waiting);
    await page.getByText('online', { exact: true }).waitFor();
    const report = (doneBytes: number): Promise<unknown> => {
      const step = { step: 'pull-blobs', subject: 'text-detection', state: 'running' as const, doneBytes, totalBytes: 1_000_000 };
      const state: ReportedState = {
        ...{ schemaVersion: 1, epoch: 1, generation: 1, phase: 'pulling', steps: [step] },
        ...{ running: null, previous: null, error: null, refused: [], atMs: Date.now() },
      };
      return session.client.publishAsync(createTopics().build('reported', { device: waiting.id }), Buffer.from(jsonEncode(state)), {
        qos: 1,
      });
    };
    await report(250_000);
    await page.getByText('250 kB of 1 MB').waitFor();
    await report(900_000);
    await page.getByText('900 kB of 1 MB').waitFor();
    expect(await page.getByRole('progressbar', { name: 'pull-blobs text-detection' }).getAttribute('aria-valuenow')).toBe('90');

    await page.getByRole('button', { name: 'Revoke' }).click();
    await page.getByRole('button', { name: 'Revoke the device' }).click();
    await page.getByText('revoked', { exact: true }).waitFor();
    await session.closed;
    expect(await page.getByRole('button', { name: 'Assign a release' }).count()).toBe(0);
    expect(complaints).toEqual([]);
    await close();
  });

  test('the keyboard alone reaches the content, the places and, on a phone, the menu', async () => {
    const wide = await openPage(browser, { storageState, viewport: WIDE });
    await wide.page.goto(fleet.baseUrl);
    await settle(wide.page);
    await wide.page.keyboard.press('Tab');
    expect(await wide.page.evaluate(() => document.activeElement?.textContent)).toContain('Skip to the content');
    await wide.page.keyboard.press('Enter');
    expect(await wide.page.evaluate(() => document.activeElement?.id)).toBe('main');
    await wide.page.reload();
    await settle(wide.page);
    const reached: string[] = [];
    for (let press = 0; press < 18; press += 1) {
      await wide.page.keyboard.press('Tab');
      reached.push(await wide.page.evaluate(() => document.activeElement?.textContent ?? ''));
    }
    expect(reached).toEqual(expect.arrayContaining(['Devices', 'Enrolment', 'Models', 'Settings']));
    await wide.close();

    const phone = await openPage(browser, { storageState, viewport: PHONE });
    await phone.page.goto(fleet.baseUrl);
    await settle(phone.page);
    await phone.page.getByRole('button', { name: 'Open the menu' }).press('Enter');
    await phone.page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Devices' }).press('Enter');
    await phone.page.getByRole('heading', { level: 1, name: 'Devices' }).waitFor();
    await phone.page.getByRole('button', { name: 'Open the menu' }).waitFor();
    await phone.close();
  });

  test('a token is shown once with its command, and revoked after a question', async () => {
    const { page, close } = await openPage(browser, { storageState, viewport: WIDE });
    await page.goto(`${fleet.baseUrl}/enrolment`);
    await settle(page);
    await page.getByRole('textbox', { name: 'Name' }).fill('south gate');
    // The command for a bare machine comes with agent packages, which take a minute to build; they are tried elsewhere.
    await page.getByRole('checkbox', { name: 'The agent is installed there already' }).check();
    await page.getByRole('button', { name: 'Make the token' }).click();
    await page.getByText('Shown only this once').waitFor();
    await page.getByText(/^starling1\./).waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    await page.getByRole('button', { name: 'Revoke south gate' }).click();
    await page.getByRole('button', { name: 'Revoke the token' }).click();
    await page
      .getByRole('row', { name: /south gate/ })
      .getByText('revoked')
      .waitFor();
    await close();
  });

  test('a fleet that listens for its own machine alone says so instead of showing a code that no phone can open', async () => {
    const { page, close } = await openPage(browser, { storageState, viewport: PHONE });
    await page.goto(`${fleet.baseUrl}/enrolment`);
    await settle(page);
    await page.getByRole('tab', { name: 'Browser or phone' }).click();
    await page.getByRole('button', { name: 'Make the code' }).click();
    await page.getByText('No phone reaches this fleet').waitFor();
    expect(await page.getByRole('img', { name: /^Code that/ }).count()).toBe(0);
    await page.getByRole('link', { name: 'Make this browser the device' }).waitFor();
    expect([await overflow(page), await seriousFindings(page)]).toEqual([0, []]);
    await close();
  });

  test('a viewer sees the fleet and is offered nothing that a viewer may not do', async () => {
    const email = 'viewer@example.org';
    const { password } = await fleet.client.call(api.createUser, { body: { email, name: 'Viewer', role: 'viewer' } });
    const { page, complaints, close } = await openPage(browser, { viewport: WIDE });
    await page.goto(fleet.baseUrl);
    await signIn(page, { email, password });
    await settle(page);
    const places = page.getByRole('navigation', { name: 'Main' });
    // The places are there once the session is: signing in may still be under way.
    await expect
      .poll(() => places.getByRole('link').allInnerTexts(), { timeout: 15_000 })
      .toEqual([
        'Overview',
        'Map',
        'Devices',
        'Groups',
        'Rollouts',
        'Experiments',
        'Commands',
        'Agents',
        'Models',
        'Builds',
        'Pipelines',
        'Releases',
        'Keys',
        'Settings',
      ]);
    await page.goto(`${fleet.baseUrl}/devices/${device}`);
    await settle(page);
    expect(await page.getByRole('button', { name: 'Revoke' }).count()).toBe(0);
    await page.getByText('Trying images needs the role operator').waitFor();
    await page.goto(`${fleet.baseUrl}/enrolment`);
    await page.getByText('This needs the role operator').waitFor();
    expect(complaints.filter((complaint) => !complaint.includes('401'))).toEqual([]);
    await close();
  });
});
