import { createHash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { extname, join, normalize, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Context, Env, Hono } from 'hono';

const built = fileURLToPath(new URL('../dashboard/dist', import.meta.url));

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.json': 'application/json',
};
const compressible = new Set(['.html', '.js', '.css', '.svg', '.json']);
const compress = promisify(gzip);

const notBuilt =
  '<!doctype html><title>Starling</title><p>The dashboard is not built. Run <code>pnpm --filter @starling/dashboard build</code>.';

interface ServedFile {
  plain: Uint8Array<ArrayBuffer>;
  gzipped: Uint8Array<ArrayBuffer> | undefined;
  etag: string;
  modifiedMs: number;
}

/**
 * Serves the built dashboard; every path that is no file is its page, which routes by itself.
 * @param folder where it was built
 */
export function serveDashboard<E extends Env>(app: Hono<E>, folder: string = built): void {
  // Read and compressed once; a new build has new times.
  const files = new Map<string, ServedFile>();
  app.get('*', async (context) => {
    const path = pathOf(context.req.path);
    if (path === undefined) return context.notFound();
    const isAsset = extname(path) !== '';
    const file = join(folder, isAsset ? path : 'index.html');
    if (!file.startsWith(folder + sep) || !existsSync(file)) return isAsset ? context.notFound() : context.html(notBuilt, 503);
    return answer(context, file, await load(file, files), path.startsWith('/assets/'));
  });
}

function answer(context: Context, file: string, { plain, gzipped, etag }: ServedFile, isHashed: boolean): Response {
  const headers: Record<string, string> = {
    'content-type': contentTypes[extname(file)] ?? 'application/octet-stream',
    // Names of assets carry the hash of their content; the page itself must be asked for each time.
    'cache-control': isHashed ? 'public, max-age=31536000, immutable' : 'no-cache',
    etag,
    vary: 'accept-encoding',
  };
  if (context.req.header('if-none-match') === etag) return context.body(null, 304, headers);
  const takesGzip = /\bgzip\b/.test(context.req.header('accept-encoding') ?? '');
  if (gzipped === undefined || !takesGzip) return context.body(plain, 200, headers);
  return context.body(gzipped, 200, { ...headers, 'content-encoding': 'gzip' });
}

async function load(file: string, files: Map<string, ServedFile>): Promise<ServedFile> {
  const modifiedMs = statSync(file).mtimeMs;
  const known = files.get(file);
  if (known?.modifiedMs === modifiedMs) return known;
  const plain = new Uint8Array(await readFile(file));
  const gzipped = compressible.has(extname(file)) ? new Uint8Array(await compress(plain)) : undefined;
  // Weak: the compressed and the plain form are one.
  const etag = `W/"${createHash('sha256').update(plain).digest('base64url').slice(0, 22)}"`;
  const served = { plain, gzipped, etag, modifiedMs };
  files.set(file, served);
  return served;
}

/** Attack: paths that climb out of the folder. @returns undefined for one that is no path at all */
function pathOf(requested: string): string | undefined {
  try {
    return normalize(decodeURIComponent(requested)).replace(/^(\.\.[/\\])+/, '');
  } catch {
    return undefined;
  }
}
