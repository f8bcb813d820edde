/** Pictures on disk, a page with a field for files -> how long the page takes for all of them, and what was read in each. */
import { execFile } from 'node:child_process';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import { serveSite } from '../browser/static-site.ts';
import { demoModels } from '../demo/models.ts';
import { writeScenes } from '../scenes/index.ts';

const run = promisify(execFile);
const rivalFolder = fileURLToPath(new URL('./rival-page', import.meta.url));
const agentFolder = fileURLToPath(new URL('../../agent', import.meta.url));
const SEED = 1;
const WAIT_MS = 120_000;

/** Paints scenes. @returns their paths */
export async function paintFiles(folder: string, count: number): Promise<string[]> {
  const { scenes } = await writeScenes({ folder, count, seed: SEED });
  return scenes.map(({ file }) => join(folder, file));
}

/** Gives a page all files at once. @returns milliseconds from there until the last was read */
export async function readAllMs(page: Page, files: readonly string[]): Promise<number> {
  const last = basename(files.at(-1) ?? '');
  const read = page.evaluate(
    (name) =>
      new Promise<number>((resolve, reject) => {
        const [input, picture] = ['#files', '#picture'].map((id) => document.querySelector(id) as HTMLElement);
        // A name that was read before must not be taken for this one.
        picture?.removeAttribute('data-read');
        let startedMs = performance.now();
        input?.addEventListener('change', () => (startedMs = performance.now()), { once: true, capture: true });
        new MutationObserver((_changes, observer) => {
          const failed = picture?.getAttribute('data-failed');
          if (failed != null) reject(new RangeError(failed));
          if (picture?.getAttribute('data-read') !== name) return;
          observer.disconnect();
          resolve(performance.now() - startedMs);
        }).observe(picture as HTMLElement, { attributeFilter: ['data-read', 'data-failed'] });
      }),
    last,
  );
  await page.locator('#files').setInputFiles([...files]);
  return read;
}

/** The lines that a page shows for one picture. */
export async function linesRead(page: Page, file: string): Promise<string[]> {
  await readAllMs(page, [file]);
  return page.locator('#readings li:not(.none)').allTextContents();
}

export interface RivalSite {
  page: Page;
  close(): Promise<void>;
}

/**
 * Builds the page that was written by hand, serves it with models, and opens it.
 * @param models model -> path of its file
 * @param shows it draws each picture, with what was read in it
 */
export async function openRival(
  folder: string,
  browser: Browser,
  { models, threads, shows }: { models: ReadonlyMap<string, string>; threads: number; shows: boolean },
): Promise<RivalSite> {
  const built = join(folder, 'rival');
  await mkdir(built, { recursive: true });
  const vite = join(dirname(createRequire(join(agentFolder, 'package.json')).resolve('vite/package.json')), 'bin/vite.js');
  await run(process.execPath, [vite, 'build', '--config', join(rivalFolder, 'vite.config.ts'), '--outDir', built, '--logLevel', 'error']);
  for (const { name, file, assets = {} } of demoModels) {
    await copyFile(models.get(name) ?? file, join(built, `${name.replace('text-', '')}.onnx`));
    if (assets['dictionary'] !== undefined) await writeFile(join(built, 'dictionary.txt'), await readFile(assets['dictionary']));
  }
  const site = await serveSite(built, await readFile(join(built, 'index.html'), 'utf8'));
  const context = await browser.newContext();
  context.setDefaultTimeout(WAIT_MS);
  const page = await context.newPage();
  await page.goto(`${site.origin}/?threads=${threads}${shows ? '&shows' : ''}`);
  await page.locator('#files:enabled').waitFor();
  return {
    page,
    async close() {
      await context.close();
      await site.close();
    },
  };
}
