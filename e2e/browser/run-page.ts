/** A browser and a fleet's link -> its page in a tab, and what a person sees on it. */
import { api, type ReleaseView, runPageLink } from '@starling/shared';
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import type { RunningFleet } from '../harness/running-fleet.ts';

export interface RunPage {
  page: Page;
  context: BrowserContext;
  /** Errors of the console, and exceptions that nobody caught. */
  complaints: string[];
  close(): Promise<void>;
}

const WAIT_MS = 120_000;
/** A busy machine draws no frames for a while, and whoever looks with each frame does not look. */
export const BY_CLOCK = { polling: 100 };

export function launchRunBrowser(executablePath: string, flags: readonly string[] = ['--disable-gpu']): Promise<Browser> {
  // Root has no sandbox in Chromium; what is opened is our own.
  return chromium.launch({ executablePath, args: ['--no-sandbox', ...flags] });
}

/** WebGPU by the software adapter: slow, but it takes the same way. */
export const SOFTWARE_GPU = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--enable-features=Vulkan'];

/** The link by which one browser becomes a device that runs a release. @param address another one of the fleet than that of this machine */
export async function newRunLink({ client, baseUrl }: RunningFleet, { digest }: ReleaseView, address = baseUrl): Promise<string> {
  const { text } = await client.call(api.createClaimToken, { body: { name: 'browser', uses: 1, release: digest } });
  return runPageLink(address, text);
}

export async function openRunPage(browser: Browser, address: string, options: BrowserContextOptions = {}): Promise<RunPage> {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(WAIT_MS);
  return { ...(await openTab(context, address)), context, close: () => context.close() };
}

export async function openTab(context: BrowserContext, address: string): Promise<Pick<RunPage, 'page' | 'complaints'>> {
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.goto(address);
  return { page, complaints };
}

/** Waits until a release runs. @throws with what the page shows */
export async function untilRuns(page: Page, timeoutMs = WAIT_MS): Promise<void> {
  const last = page.locator('#steps li').last();
  await last.and(page.locator('[data-state=done]')).waitFor({ timeout: timeoutMs });
}

/** What stands beside a name in the list of facts. */
export async function factOf(page: Page, name: string): Promise<string> {
  return (await page.locator('#facts dt', { hasText: name }).locator('xpath=following-sibling::dd[1]').textContent()) ?? '';
}

/** Gives the page a picture and waits for what was read in it. */
export async function readPicture(page: Page, name: string, picture: Buffer): Promise<string[]> {
  const reads = page.waitForFunction((file) => document.querySelector('#picture')?.getAttribute('data-read') === file, name, BY_CLOCK);
  await page.locator('#files').setInputFiles({ name, mimeType: 'image/png', buffer: picture });
  await reads;
  return page.locator('#readings li:not(.none)').allTextContents();
}
