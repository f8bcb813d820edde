import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { glob, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { constants, setPriority } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** A package that Vite builds into a page. */
interface Page {
  folder: string;
  /** What a build leaves behind, relative to the folder. */
  built: string;
  /** What it is made of, relative to the folder. */
  sources: string[];
}

const root = fileURLToPath(new URL('../..', import.meta.url));
const configuration = ['*.{html,ts}', 'package.json', 'public/**/*.*'];

const dashboard: Page = {
  folder: join(root, 'fleet/dashboard'),
  built: 'dist/index.html',
  sources: ['src/**/*.{ts,tsx,css,svg}', ...configuration, '../../shared/src/**/*.ts'],
};
const runPage: Page = {
  folder: join(root, 'agent'),
  built: 'dist/browser/index.html',
  sources: ['src/{browser,core}/**/*.{ts,tsx,css,svg,html,json,webmanifest}', ...configuration, '../shared/src/**/*.ts'],
};

/** Builds the dashboard if it was never built, or its sources are newer. */
export function buildDashboard(say: (progress: string) => void): Promise<void> {
  return build(dashboard, say);
}

/** Builds the page on which a browser is a device, likewise, and lets everything else go first. */
export function buildRunPage(say: (progress: string) => void): Promise<void> {
  return build(runPage, say, constants.priority.PRIORITY_LOW);
}

async function build({ folder, built, sources }: Page, say: (progress: string) => void, priority = 0): Promise<void> {
  if (!existsSync(join(folder, 'vite.config.ts'))) return say('nothing to build');
  await alone(join(folder, 'node_modules/.building'), () => buildIfOld({ folder, built, sources }, say, priority));
}

/** One process at a time: two builds of one page take each other's files away. A lock whose process is gone counts for nothing. */
async function alone(lock: string, work: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      await writeFile(lock, String(process.pid), { flag: 'wx' });
      break;
    } catch {
      const holder = Number(await readFile(lock, 'utf8').catch(() => ''));
      if (holder > 0 ? !isAlive(holder) : await isOld(lock)) await rm(lock, { force: true });
      else await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
  try {
    await work();
  } finally {
    await rm(lock, { force: true });
  }
}

/** Somebody ended before it had written who it was. */
async function isOld(lock: string): Promise<boolean> {
  const made = await stat(lock).catch(() => undefined);
  return made !== undefined && made.mtimeMs < performance.timeOrigin + performance.now() - 10_000;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function buildIfOld({ folder, built, sources }: Page, say: (progress: string) => void, priority: number): Promise<void> {
  const page = join(folder, built);
  if (existsSync(page) && (await stat(page)).mtimeMs > (await newestMs(folder, sources))) return say('there already');
  const vite = join(dirname(createRequire(join(folder, 'package.json')).resolve('vite/package.json')), 'bin/vite.js');
  const building = promisify(execFile)(process.execPath, [vite, 'build', '--logLevel', 'error'], { cwd: folder });
  if (priority !== 0 && building.child.pid !== undefined) setPriority(building.child.pid, priority);
  await building;
}

async function newestMs(folder: string, sources: string[]): Promise<number> {
  let newest = 0;
  for await (const file of glob(sources, { cwd: folder })) newest = Math.max(newest, (await stat(join(folder, file))).mtimeMs);
  return newest;
}
