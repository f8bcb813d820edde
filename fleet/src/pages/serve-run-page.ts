import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RUN_PAGE_PATH } from '@starling/shared';
import type { Env, Hono } from 'hono';
import { createBuiltFiles, pathOf } from './built-files.ts';
import { ASKED_EACH_TIME, KEPT_FOR_GOOD } from './caching.ts';

const built = fileURLToPath(new URL('../../../agent/dist/browser', import.meta.url));

const SERVICE_WORKER = 'service-worker.js';

const notBuilt = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Starling</title>
<h1>This fleet has no page for browsers yet</h1>
<p>It runs from a source tree in which the page was not built. On the machine of the fleet, run
<code>pnpm --filter @starling/agent build</code>, then load this page again.</p>
</html>
`;

/**
 * Serves the agent for browsers below `/run/`.
 * @param folder where it was built
 */
export function serveRunPage<E extends Env>(app: Hono<E>, folder: string = built): void {
  const files = createBuiltFiles(folder);
  // Relative addresses of the page need the slash. A browser takes the fragment, which holds the claim token, along.
  app.get(RUN_PAGE_PATH, (context) => context.redirect(`${RUN_PAGE_PATH}/`, 308));
  app.get(`${RUN_PAGE_PATH}/*`, async (context) => {
    const path = pathOf(context.req.path.slice(RUN_PAGE_PATH.length));
    if (path === undefined) return context.notFound();
    const name = extname(path) === '' ? '/index.html' : path;
    const answer = await files.answer(context, name, {
      'cache-control': name.startsWith('/assets/') ? KEPT_FOR_GOOD : ASKED_EACH_TIME,
      ...(name === `/${SERVICE_WORKER}` ? { 'service-worker-allowed': `${RUN_PAGE_PATH}/` } : {}),
    });
    if (answer !== undefined) return answer;
    return name === '/index.html' ? context.html(notBuilt, 503) : context.notFound();
  });
}
