import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Hono } from 'hono';
import type { ApiEnv } from './route.ts';

const require = createRequire(import.meta.url);

const assets = {
  'swagger-ui.css': 'text/css',
  'swagger-ui-bundle.js': 'text/javascript',
} as const;

const page = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Starling fleet API</title>
<link rel="stylesheet" href="/api/docs/swagger-ui.css"></head>
<body><div id="docs"></div><script src="/api/docs/swagger-ui-bundle.js"></script><script src="/api/docs/start.js"></script></body>
</html>`;

const start = `SwaggerUIBundle({ url: '/api/v1/openapi.json', dom_id: '#docs', deepLinking: true, validatorUrl: null });`;

/** The interactive documentation, with its script from our own packages: nothing is fetched from elsewhere. */
export function serveDocs(app: Hono<ApiEnv>): void {
  const folder = dirname(require.resolve('swagger-ui-dist/package.json'));
  app.get('/api/docs', (context) => {
    // The documentation sets styles on its elements, and draws its icons from data addresses.
    context.header(
      'content-security-policy',
      "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'",
    );
    return context.html(page);
  });
  app.get('/api/docs/start.js', (context) => context.body(start, 200, { 'content-type': 'text/javascript' }));
  for (const [name, type] of Object.entries(assets)) {
    app.get(`/api/docs/${name}`, async (context) =>
      context.body(await readFile(join(folder, name)), 200, { 'content-type': type, 'cache-control': 'public, max-age=86400' }),
    );
  }
}
