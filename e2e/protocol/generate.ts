/**
 * The schemas, the wire table and the endpoint table -> docs/protocol. With `--check` it writes nothing, and ends with 1 if a file
 * is not what they say.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { protocolFiles } from './files.ts';

const folder = fileURLToPath(new URL('../../docs/protocol', import.meta.url));
const files = protocolFiles(readFileSync(new URL('README.template.md', import.meta.url), 'utf8'));

const present = existsSync(folder)
  ? readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
  : [];
const stale = present.filter((name) => !files.has(name));
const different = [...files].filter(([name, text]) => !present.includes(name) || readFileSync(join(folder, name), 'utf8') !== text);

if (process.argv.includes('--check')) {
  for (const name of [...stale, ...different.map(([changed]) => changed)]) {
    console.error(`docs/protocol/${name} is not what the schemas say: run "npm run generate"`);
    process.exitCode = 1;
  }
} else {
  for (const name of stale) rmSync(join(folder, name));
  for (const [name, text] of different) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  console.log(`docs/protocol: ${files.size} files, ${different.length} written, ${stale.length} removed`);
}
