import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'vite';

const root = fileURLToPath(new URL('.', import.meta.url));

/** What `npm pack` needs beside the code: a manifest without workspaces and dependencies, types, what it is, and the licence. */
export function writeManifest(folder: string): Plugin {
  return {
    name: 'write-manifest',
    async closeBundle() {
      const { name, version, license } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as Record<string, string>;
      const manifest = {
        ...{ name, version, license, type: 'module' },
        description: 'A browser as a device of a Starling fleet',
        exports: { '.': { types: './index.d.ts', default: './index.js' }, './browser': { types: './index.d.ts', default: './index.js' } },
        files: ['*.js', '*.d.ts', 'assets'],
        // Workers find their own files by their own addresses.
        sideEffects: true,
      };
      await writeFile(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
      await copyFile(join(root, 'src/browser/package.d.ts'), join(folder, 'index.d.ts'));
      await copyFile(join(root, 'src/browser/package-readme.md'), join(folder, 'README.md'));
      await copyFile(join(root, '../LICENSE'), join(folder, 'LICENSE'));
    },
  };
}
