import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Env, Hono } from 'hono';

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

const notBuilt =
  '<!doctype html><title>Starling</title><p>The dashboard is not built. Run <code>pnpm --filter @starling/dashboard build</code>.';

/** Serves the built dashboard; every path that is no file is its page, which routes by itself. */
export function serveDashboard<E extends Env>(app: Hono<E>): void {
  app.get('*', async (context) => {
    const path = normalize(decodeURIComponent(context.req.path)).replace(/^(\.\.[/\\])+/, '');
    const isAsset = extname(path) !== '';
    const file = join(built, isAsset ? path : 'index.html');
    if (!file.startsWith(built) || !existsSync(file)) return isAsset ? context.notFound() : context.html(notBuilt, 503);
    // Names of assets carry the hash of their content; the page itself must be asked for each time.
    const cacheControl = path.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache';
    const headers = { 'content-type': contentTypes[extname(file)] ?? 'application/octet-stream', 'cache-control': cacheControl };
    return context.body(new Uint8Array(await readFile(file)), 200, headers);
  });
}
