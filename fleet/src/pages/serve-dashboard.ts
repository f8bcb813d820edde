import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Env, Hono } from 'hono';
import { createBuiltFiles, pathOf } from './built-files.ts';
import { ASKED_EACH_TIME, KEPT_FOR_GOOD } from './caching.ts';

const built = fileURLToPath(new URL('../../dashboard/dist', import.meta.url));

const notBuilt =
  '<!doctype html><title>Starling</title><p>The dashboard is not built. Run <code>pnpm --filter @starling/dashboard build</code>.';

/**
 * Serves the built dashboard; every path that is no file is its page, which routes by itself.
 * @param folder where it was built
 */
export function serveDashboard<E extends Env>(app: Hono<E>, folder: string = built): void {
  const files = createBuiltFiles(folder);
  app.get('*', async (context) => {
    const path = pathOf(context.req.path);
    if (path === undefined) return context.notFound();
    const isAsset = extname(path) !== '';
    const cacheControl = path.startsWith('/assets/') ? KEPT_FOR_GOOD : ASKED_EACH_TIME;
    const answer = await files.answer(context, isAsset ? path : 'index.html', { 'cache-control': cacheControl });
    return answer ?? (isAsset ? context.notFound() : context.html(notBuilt, 503));
  });
}
