import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { build } from 'vite';
import { z } from 'zod';

const HELP = `npm run pack:agent -- [--to FOLDER]

Builds the agent for browsers and packs it as the npm package @starling/agent, for "npm install FILE" in a site of your own.
Prints the path of the package alone on the first line, then its size.

  --to FOLDER   where the package is to lie (default: agent/dist)`;

const root = fileURLToPath(new URL('.', import.meta.url));
/** What npm says of the packages that it made. */
const packedSchema = z.tuple([z.object({ filename: z.string(), size: z.number(), unpackedSize: z.number() })]);

/** `npm run pack:agent`: sources -> the package that other people's pages install. */
async function main(): Promise<void> {
  const { help, to } = parseArgs({
    options: { help: { type: 'boolean' }, to: { type: 'string', default: join(root, 'dist') } },
    strict: true,
  }).values;
  if (help === true) {
    console.log(HELP);
    return;
  }
  await build({ root, configFile: join(root, 'vite.package.config.ts'), logLevel: 'error' });
  await mkdir(to, { recursive: true });
  const pack = ['pack', '--json', '--silent', '--pack-destination', to];
  const { stdout } = await promisify(execFile)('npm', pack, { cwd: join(root, 'dist/package') });
  const [packed] = packedSchema.parse(JSON.parse(stdout));
  console.log(resolve(to, packed.filename));
  console.log(`${megabytes(packed.size)} MB, ${megabytes(packed.unpackedSize)} MB installed; in your site: npm install PATH`);
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  process.exit(1);
});
