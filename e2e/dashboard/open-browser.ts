/** A browser and a fleet's address -> pages that remember what went wrong in them. */
import { AxeBuilder } from '@axe-core/playwright';
import { messageOf, StarlingError } from '@starling/shared';
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Locator, type Page } from 'playwright-core';
import type { Login } from '../harness/operator.ts';

export interface WatchedPage {
  page: Page;
  /** Errors and warnings of the console, and exceptions that nobody caught, each with the path where it came up. */
  complaints: string[];
  close(): Promise<void>;
}

const ACTION_TIMEOUT_MS = 30_000;
/** Not frame by frame: a page that draws nothing for a while may be done all the same. */
const BY_CLOCK = { polling: 100 };

export function launchChromium(executablePath: string): Promise<Browser> {
  // Root has no sandbox in Chromium; what is opened is our own.
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
}

export async function openPage(browser: Browser, options: BrowserContextOptions): Promise<WatchedPage> {
  const context: BrowserContext = await browser.newContext({ reducedMotion: 'reduce', ...options });
  context.setDefaultTimeout(ACTION_TIMEOUT_MS);
  const page = await context.newPage();
  const complaints: string[] = [];
  const complain = (what: string): void => void complaints.push(`${new URL(page.url()).pathname}: ${what}`);
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complain(message.text());
  });
  page.on('pageerror', (error) => complain(error.message));
  return { page, complaints, close: () => context.close() };
}

/** Fills the form of the login page and waits for the page behind it. */
export async function signIn(page: Page, { email, password }: Login): Promise<void> {
  await page.getByLabel('E-mail').fill(email);
  await page.getByRole('textbox', { name: 'Password' }).fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForURL(({ pathname }) => pathname !== '/login');
}

/** What a browser keeps of somebody who has signed in, for the pages of further contexts. */
export async function signedIn(
  browser: Browser,
  { baseUrl, login }: { baseUrl: string; login: Login },
): Promise<NonNullable<BrowserContextOptions['storageState']>> {
  const { page, close } = await openPage(browser, { viewport: WIDE });
  await page.goto(`${baseUrl}/login`);
  await signIn(page, login);
  const state = await page.context().storageState();
  await close();
  return state;
}

/** Waits until what the page reads is there: no stand-in is left, and its title is. */
export async function settle(page: Page): Promise<void> {
  await orShow(page, page.getByRole('heading', { level: 1 }).waitFor());
  await orShow(
    page,
    page.waitForFunction(() => document.querySelector('[aria-busy=true]') === null, undefined, BY_CLOCK),
  );
  await page.evaluate(() => document.fonts.ready);
}

/** @throws StarlingError what the page shows, where it was waited for something in vain */
async function orShow(page: Page, wait: Promise<unknown>): Promise<void> {
  try {
    await wait;
  } catch (cause) {
    const shown = await page.evaluate(() => document.body.outerHTML.replaceAll(/<(script|style|svg).*?<\/\1>/gs, '').slice(0, 4_000));
    throw new StarlingError('page-waits', `${page.url()}: ${messageOf(cause)}\n${shown}`, { cause });
  }
}

/**
 * What axe finds serious or critical, each as one line.
 * @throws StarlingError for a page with frames: they are not looked into
 */
export async function seriousFindings(page: Page): Promise<string[]> {
  if (page.frames().length > 1) throw new StarlingError('has-frames', `${page.url()} has frames, which are not looked into`);
  // In the page itself: the other way opens a tab for each page that is looked at, only to bring the findings of frames together.
  const { violations } = await new AxeBuilder({ page })
    .setLegacyMode()
    .options({ resultTypes: ['violations'] })
    .analyze();
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) =>
      nodes.map((node) => `${id}: ${node.html.slice(0, 160)} ${node.any[0]?.message ?? node.failureSummary ?? ''}`),
    );
}

export const WIDE = { width: 1440, height: 900 };
export const PHONE = { width: 390, height: 844 };

/** The ways in which pages are looked at. In one of them every page is opened by its address, as from a bookmark. */
export const modes = [
  { name: 'light', colorScheme: 'light', viewport: WIDE, way: 'address' },
  { name: 'dark', colorScheme: 'dark', viewport: WIDE, way: 'inside' },
  { name: 'on a phone', colorScheme: 'light', viewport: PHONE, way: 'inside' },
] as const;

/**
 * Opens page after page.
 * @param way `inside`: from page to page without loading the whole dashboard again, as a link does
 * @returns what is wider than the window, and what axe finds serious, each with its path
 */
export async function tour(page: Page, baseUrl: string, paths: readonly string[], way: 'address' | 'inside'): Promise<string[]> {
  const findings: string[] = [];
  for (const path of paths) {
    const before = page.url().startsWith(baseUrl) ? new URL(page.url()).pathname : undefined;
    // Within one page nothing says when the next part of it is there, but a page that was just opened does.
    const isInside = way === 'inside' && before !== undefined && before !== new URL(path, baseUrl).pathname;
    await (isInside ? follow(page, path) : page.goto(`${baseUrl}${path}`));
    await settle(page);
    const wider = await overflow(page);
    if (wider > 0) findings.push(`${path} is ${wider} px wider than the window`);
    findings.push(...(await seriousFindings(page)).map((finding) => `${path} ${finding}`));
  }
  return findings;
}

/** Goes to another page as a link does, and waits until the page before is gone. */
async function follow(page: Page, path: string): Promise<void> {
  await page.evaluate((to) => {
    for (const title of document.querySelectorAll('h1')) title.setAttribute('data-left', '');
    history.pushState({}, '', to);
  }, path);
  await orShow(
    page,
    page.waitForFunction(() => document.querySelector('h1[data-left]') === null, undefined, BY_CLOCK),
  );
}

/** Drops files and folders on an element as a person drags them out of a file manager: the page gets real entries. */
export async function dropFiles(page: Page, target: Locator, paths: readonly string[]): Promise<void> {
  await target.scrollIntoViewIfNeeded();
  const box = await target.boundingBox();
  if (box === null) throw new StarlingError('not-shown', 'what is to be dropped on is not shown');
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  const session = await page.context().newCDPSession(page);
  const data = { items: [], files: [...paths], dragOperationsMask: 1 };
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) await session.send('Input.dispatchDragEvent', { type, x, y, data });
  await session.detach();
}

/** Pixels by which the page is wider than the window. */
export function overflow(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}
