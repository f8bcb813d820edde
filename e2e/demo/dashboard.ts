import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { glob, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const folder = fileURLToPath(new URL('../../fleet/dashboard', import.meta.url));

/** Builds the dashboard if it was never built, or its sources are newer. */
export async function buildDashboard(say: (progress: string) => void): Promise<void> {
  const page = join(folder, 'dist/index.html');
  if (existsSync(page) && (await stat(page)).mtimeMs > (await newestSourceMs())) return say('there already');
  const vite = join(dirname(createRequire(join(folder, 'package.json')).resolve('vite/package.json')), 'bin/vite.js');
  await promisify(execFile)(process.execPath, [vite, 'build', '--logLevel', 'error'], { cwd: folder });
}

async function newestSourceMs(): Promise<number> {
  let newest = 0;
  for await (const file of glob(['src/**/*.{ts,tsx,css,svg}', 'index.html', 'vite.config.ts', 'package.json'], { cwd: folder }))
    newest = Math.max(newest, (await stat(join(folder, file))).mtimeMs);
  return newest;
}
