import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { OpenAPIHono } from '@hono/zod-openapi';
import { Scalar } from '@scalar/hono-api-reference';
import type { ApiEnv } from './route.ts';

const require = createRequire(import.meta.url);

/** The interactive documentation, with its script from our own packages: nothing is fetched from elsewhere. */
export function serveDocs(app: OpenAPIHono<ApiEnv>): void {
  app.get('/api/docs/reference.js', async (context) => {
    const file = join(dirname(require.resolve('@scalar/api-reference/package.json')), 'dist/browser/standalone.js');
    return context.body(await readFile(file, 'utf8'), 200, { 'content-type': 'text/javascript', 'cache-control': 'public, max-age=86400' });
  });
  app.get('/api/docs', async (context, next) => {
    const page = Scalar({
      url: '/api/v1/openapi.json',
      cdn: '/api/docs/reference.js',
      pageTitle: 'Starling fleet API',
      withDefaultFonts: false,
    });
    const response = await page(context as never, next);
    // The page of the documentation has an inline script of its own.
    context.header('content-security-policy', "default-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; frame-ancestors 'none'");
    return response as Response;
  });
}
