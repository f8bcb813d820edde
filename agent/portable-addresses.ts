import { glob, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Plugin } from 'vite';

/** How Vite writes the address of a worker: right in a browser, but not what any bundler knows again. */
const WORKER = /new URL\(\s*(?:\/\* @vite-ignore \*\/\s*)?new URL\(`([\w./-]+)`,import\.meta\.url\)\.href,``\+import\.meta\.url\)/g;
/** What lies beside the code of a file of ours, as Vite writes it. */
const FILE = /new URL\(`((?:assets\/)?[\w.-]+-[\w-]{8}\.(?:js|mjs|wasm))`,import\.meta\.url\)/g;

/** Where the engine would look for itself to start a worker of its own, which it is told not to. */
const UNUSED = /new URL\((`ort\.\w+\.min\.mjs`,import\.meta\.url\))/g;

/**
 * Writes the addresses of workers and of the engine's files as `new URL('./name', import.meta.url)`, the form in which Vite, webpack,
 * Rollup and Parcel find files that go along. In a browser without a bundler it means the same.
 */
export function portableAddresses(folder: string): Plugin {
  return {
    name: 'portable-addresses',
    async closeBundle() {
      for await (const file of glob('**/*.js', { cwd: folder })) {
        const path = join(folder, file);
        const code = await readFile(path, 'utf8');
        const written = code
          .replace(WORKER, 'new URL(`$1`,import.meta.url)')
          .replace(FILE, `new URL("./$1",import.meta.url)`)
          .replace(UNUSED, 'new URL(/* @vite-ignore */ $1');
        if (written !== code) await writeFile(path, written);
      }
    },
  };
}
