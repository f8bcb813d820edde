import { createHash } from 'node:crypto';
import { glob, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { Plugin } from 'vite';

const compressBrotli = promisify(brotliCompress);
const compressGzip = promisify(gzip);

const SERVICE_WORKER = 'service-worker.js';
const COMPRESSIBLE = /\.(js|mjs|css|html|svg|json|webmanifest|wasm)$/;
/** Below this a header is longer than what is saved. */
const COMPRESSED_FROM_BYTES = 1024;
/** Large files at the best quality would take minutes. */
const LARGE_BYTES = 2 * 1024 * 1024;
const LARGE_QUALITY = 9;
const cacheFolder = fileURLToPath(new URL('./node_modules/.cache/starling-page', import.meta.url));
/** Builds of the engine that only some browsers use, and what runs scripts, which not every pipeline has: kept when they are used. */
const KEPT_WHEN_USED = /ort-.+\.(asyncify|jspi)-|ort\.(webgpu|jspi)|script-worker|emscripten-module/;

/** What is left to do when everything is written: tell the service worker what to keep, and compress each file once for all. */
export function finishPage(folder: string): Plugin {
  return {
    name: 'finish-page',
    async closeBundle() {
      const files: string[] = [];
      for await (const file of glob('**/*.*', { cwd: folder })) files.push(file.replaceAll('\\', '/'));
      const served = files.filter((file) => !/\.(br|gz)$/.test(file)).sort();
      await nameFiles(join(folder, SERVICE_WORKER), served);
      await Promise.all(served.filter((name) => COMPRESSIBLE.test(name)).map((file) => compress(join(folder, file))));
    },
  };
}

async function nameFiles(serviceWorker: string, served: readonly string[]): Promise<void> {
  const kept = served
    .filter((file) => file !== SERVICE_WORKER && !KEPT_WHEN_USED.test(file))
    .map((file) => (file === 'index.html' ? './' : file));
  const code = await readFile(serviceWorker, 'utf8');
  await writeFile(
    serviceWorker,
    code.replaceAll('STARLING_FILES', () => JSON.stringify(kept)),
  );
}

async function compress(file: string): Promise<void> {
  const bytes = await readFile(file);
  if (bytes.length < COMPRESSED_FROM_BYTES) return;
  const isLarge = bytes.length > LARGE_BYTES;
  const quality = isLarge ? LARGE_QUALITY : constants.BROTLI_MAX_QUALITY;
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: quality,
    [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
    [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
  };
  const kinds = [
    { ending: `br`, name: `br-${quality}`, make: () => compressBrotli(bytes, { params }) },
    { ending: `gz`, name: `gz`, make: () => compressGzip(bytes, { level: 9 }) },
  ];
  await Promise.all(
    kinds.map(async ({ ending, name, make }) => writeFile(`${file}.${ending}`, await (isLarge ? once(bytes, name, make) : make()))),
  );
}

/** What was compressed before is not compressed again: the engine changes once a month, this code each hour. */
async function once(bytes: Uint8Array, name: string, make: () => Promise<Uint8Array>): Promise<Uint8Array> {
  const kept = join(cacheFolder, `${createHash('sha256').update(bytes).digest('hex').slice(0, 32)}.${name}`);
  try {
    return await readFile(kept);
  } catch {
    const made = await make();
    await mkdir(cacheFolder, { recursive: true });
    await writeFile(`${kept}.new`, made);
    await rename(`${kept}.new`, kept);
    return made;
  }
}
