import { readFileSync } from 'node:fs';
import { api, capabilitiesSchema, createTopics, jsonEncode, parseClaimToken, type ReportedState } from '@starling/shared';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchChromium, openPage, overflow, seriousFindings, settle, signIn } from '../dashboard/open-browser.ts';
import { buildDashboard, buildRunPage } from '../demo/pages.ts';
import { createProtocolDevice, type ProtocolDevice, startSession } from '../harness/protocol-device.ts';
import { type ReadyFleet, startReadyFleet } from '../harness/ready-fleet.ts';
import { describeWith } from '../harness/requires.ts';
import { until } from '../harness/running-fleet.ts';

const SETUP_TIMEOUT_MS = 400_000;
const address = 'https://fleet.example:8443';
const looks = [
  { name: 'light', colorScheme: 'light', viewport: { width: 1280, height: 900 } },
  { name: 'dark, on a phone', colorScheme: 'dark', viewport: { width: 390, height: 844 } },
] as const;

describeWith(['chromium'], 'a browser is added in the dashboard', ({ chromium }) => {
  let fleet: ReadyFleet;
  let browser: Browser;
  let phone: ProtocolDevice;
  let storageState: NonNullable<BrowserContextOptions['storageState']>;

  beforeAll(async () => {
    await buildDashboard(() => undefined);
    await buildRunPage(() => undefined);
    fleet = await startReadyFleet({ 'public-url': address });
    phone = await createProtocolDevice(fleet.baseUrl);
    await phone.enrol(await fleet.claim(), { claim: { capabilities: recorded('browser-chrome-android') } });
    browser = await launchChromium(chromium);
    const { page, close } = await openPage(browser, {});
    await page.goto(`${fleet.baseUrl}/login`);
    await signIn(page, fleet.login);
    storageState = await page.context().storageState();
    await close();
  }, SETUP_TIMEOUT_MS);
  afterAll(async () => {
    await browser?.close();
    await fleet?.stop();
  });

  const shownLink = async (page: Page): Promise<string> =>
    (await page.getByRole('region', { name: 'Or open this link:' }).textContent()) ?? '';

  test.each(looks)('by a code, a link and the certificate behind them: $name', async ({ colorScheme, viewport }) => {
    const { page, complaints, close } = await openPage(browser, { storageState, colorScheme, viewport });
    await page.goto(`${fleet.baseUrl}/enrolment`);
    await settle(page);
    await page.getByRole('tab', { name: 'Browser or phone' }).click();
    await page.getByRole('button', { name: 'Make the code' }).click();
    const code = page.getByRole('img', { name: `Code that makes a phone a device of the fleet at ${address}` });
    // Whole, where somebody looks who pressed the button.
    await expect
      .poll(async () => {
        const { y = -1, height = 0 } = (await code.boundingBox()) ?? {};
        return y >= 0 && y + height <= viewport.height;
      })
      .toBe(true);
    expect(await page.getByRole('button', { name: 'Make the code' }).count()).toBe(0);

    const link = new URL(await shownLink(page));
    expect([link.origin, link.pathname, link.search]).toEqual([address, '/run/', '']);
    const claim = parseClaimToken(link.hash.replace('#token=', ''));
    const device = await createProtocolDevice(fleet.baseUrl);
    await device.enrol(claim ?? expect.unreachable(), { claim: { capabilities: recorded('browser-safari-iphone') } });

    await page.getByRole('button', { name: 'The phone warns of the certificate' }).click();
    await page.getByRole('img', { name: 'Code that opens the certificate of the fleet' }).waitFor();
    const { certificateDigest } = await fleet.client.call(api.settings, {});
    await page.getByText((certificateDigest ?? '').toUpperCase().match(/../g)?.join(':') ?? 'none').waitFor();
    // It is used up: when it would have ended says nothing any more.
    await expect.poll(() => page.locator('td[data-title=Ends]').first().textContent()).toBe('–');
    // Where no phone is at hand.
    const here = await page.getByRole('link', { name: 'Make this browser the device' }).getAttribute('href');
    expect(here).toBe(`${fleet.baseUrl}/run/${link.hash}`);
    expect([await overflow(page), await seriousFindings(page), complaints]).toEqual([0, [], []]);
    await page.getByRole('button', { name: 'Make another code' }).click();
    await page.getByRole('button', { name: 'Make the code' }).waitFor();
    await close();
  });

  test('a code that nobody scans is revoked by a press', async () => {
    const { page, complaints, close } = await openPage(browser, { storageState, viewport: looks[0].viewport });
    await page.goto(`${fleet.baseUrl}/enrolment`);
    await settle(page);
    await page.getByRole('tab', { name: 'Browser or phone' }).click();
    await page.getByRole('textbox', { name: 'Name' }).fill('unused');
    await page.getByRole('button', { name: 'Make the code' }).click();
    await page.getByText('also when you leave this page').waitFor();
    expect(await openTokens('unused')).toEqual(['open']);
    await page.getByRole('button', { name: 'Revoke this code' }).click();
    await page.getByRole('button', { name: 'Make the code' }).waitFor();
    expect(await openTokens('unused')).toEqual(['revoked']);
    expect(complaints).toEqual([]);
    await close();
  });

  test('by one press, where somebody sits: the page that opens enrols, comes online and tells what it is', async () => {
    const { page, complaints, close } = await openPage(browser, { storageState, viewport: looks[0].viewport });
    await page.goto(`${fleet.baseUrl}/enrolment`);
    await settle(page);
    await page.getByRole('tab', { name: 'Browser or phone' }).click();
    await page.getByRole('textbox', { name: 'Labels' }).fill('kind=here');
    await page.getByRole('button', { name: 'Make the code' }).click();
    const opened = page.context().waitForEvent('page');
    await page.getByRole('link', { name: 'Make this browser the device' }).click();
    const device = await opened;
    const found = await until('the browser is online', async () => {
      const { items } = await fleet.client.call(api.listDevices, { query: { limit: 100, offset: 0 } });
      return items.find(({ labels, online }) => labels.kind === 'here' && online);
    });
    const { capabilities, profile } = await fleet.client.call(api.showDevice, { params: { id: found.id } });
    expect(capabilities.browser).toMatchObject({ secureContext: true, crossOriginIsolated: true, wasm: { simd: true } });
    expect(capabilities.browser?.wasm.threads).toBeGreaterThan(1);
    expect(profile).toMatch(/^browser-/);
    // Nobody who looks over a shoulder later finds the token in the address.
    await expect.poll(() => new URL(device.url()).hash).toBe('');
    expect(complaints).toEqual([]);
    await close();
  });

  const openTokens = async (name: string) => {
    const { items } = await fleet.client.call(api.listClaimTokens, { query: { limit: 200 } });
    return items.filter((token) => token.name === name).map(({ revokedAtMs }) => (revokedAtMs === null ? 'open' : 'revoked'));
  };

  test('whoever leaves the form before the command is there leaves no token behind', async () => {
    const { page, complaints, close } = await openPage(browser, { storageState, viewport: looks[0].viewport });
    const packages = Promise.withResolvers<void>();
    await page.route('**/api/v1/agent/packages', async (route) => {
      await packages.promise;
      await route.fulfill({ json: { packages: [] } });
    });
    await page.goto(`${fleet.baseUrl}/enrolment`);
    await settle(page);
    await page.getByRole('textbox', { name: 'Name' }).fill('left-early');
    await page.getByRole('button', { name: 'Make the token' }).click();
    await page.getByText('the first time the agent packages are built').waitFor();
    await page.getByRole('tab', { name: 'Browser or phone' }).click();
    packages.resolve();
    // What was asked for in the form is over once the next one has its answer.
    await page.getByRole('button', { name: 'Make the code' }).click();
    await page.getByRole('link', { name: 'Make this browser the device' }).waitFor();
    expect(await openTokens('left-early')).toEqual([]);
    expect(complaints).toEqual([]);
    await close();
  });

  test('a token that was made in the moment of leaving is revoked', async () => {
    const { page, complaints, close } = await openPage(browser, { storageState, viewport: looks[0].viewport });
    const [made, left] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    await page.route('**/api/v1/claim-tokens', async (route) => {
      if (route.request().method() !== 'POST') return route.continue();
      const response = await route.fetch();
      made.resolve();
      await left.promise;
      await route.fulfill({ response });
    });
    await page.goto(`${fleet.baseUrl}/enrolment`);
    await settle(page);
    await page.getByRole('tab', { name: 'Browser or phone' }).click();
    await page.getByRole('textbox', { name: 'Name' }).fill('left-late');
    await page.getByRole('button', { name: 'Make the code' }).click();
    await made.promise;
    expect(await openTokens('left-late')).toEqual(['open']);
    await page.getByRole('link', { name: 'Devices', exact: true }).click();
    await page.getByRole('heading', { level: 1, name: 'Devices' }).waitFor();
    left.resolve();
    await expect.poll(() => openTokens('left-late')).toEqual(['revoked']);
    expect(complaints).toEqual([]);
    await close();
  });

  test('the certificate comes in the form and type that phones install', async () => {
    const response = await fetch(`${fleet.baseUrl}/api/v1/trust/ca.crt`);
    expect(response.headers.get('content-type')).toBe('application/x-x509-ca-cert');
    const digest = await crypto.subtle.digest('SHA-256', await response.arrayBuffer());
    expect(Buffer.from(digest).toString('hex')).toBe((await fleet.client.call(api.settings, {})).certificateDigest);
  });

  test.each(looks)('its page shows what it is and can do, and on which provider it runs: $name', async ({ colorScheme, viewport }) => {
    const session = await startSession(fleet.broker, phone);
    const running = { release: 'ab'.repeat(32), artefacts: {}, verified: true, since: 1, providers: { 'text-detection': 'webgpu' } };
    const state: ReportedState = {
      ...{ schemaVersion: 1, epoch: 1, generation: 1, phase: 'running', steps: [] },
      ...{ running, previous: null, error: null, refused: [], atMs: Date.now() },
    };
    await session.client.publishAsync(createTopics().build('reported', { device: phone.id }), Buffer.from(jsonEncode(state)), { qos: 1 });
    const { page, complaints, close } = await openPage(browser, { storageState, colorScheme, viewport });
    await page.goto(`${fleet.baseUrl}/devices/${phone.id}?tab=hardware`);
    await settle(page);
    await page.getByRole('heading', { name: 'Profile: browser-webgpu-fp16' }).waitFor();
    const panel = page.getByRole('region', { name: 'Browser', exact: true });
    await panel.getByText('text-detection: webgpu').waitFor();
    await panel.getByText('nothing was read in the last hour').waitFor();
    const text = (await panel.textContent()) ?? '';
    for (const fact of ['Chrome 142 on Android', 'vectors', '4 threads', 'qualcomm adreno-7xx', 'fp16', 'shader-f16, timestamp-query']) {
      expect(text).toContain(fact);
    }
    await page.getByText('energy is modelled').waitFor();
    expect([await overflow(page), await seriousFindings(page), complaints]).toEqual([0, [], []]);
    await close();
    await session.end();
  });
});

function recorded(name: string) {
  const file = new URL(`../../device-profiles/recordings/${name}.json`, import.meta.url);
  return capabilitiesSchema.parse(JSON.parse(readFileSync(file, 'utf8')).capabilities);
}
