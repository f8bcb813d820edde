import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { Hono } from 'hono';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pageHeaders } from './page-headers.ts';
import { serveDashboard } from './serve-dashboard.ts';
import { serveRunPage } from './serve-run-page.ts';

const page = '<!doctype html><title>Starling</title>';
const wasm = Buffer.alloc(3 * 1024 * 1024, 'model ');
const parent = mkdtempSync(join(tmpdir(), 'starling-run-page-'));
const folder = join(parent, 'browser');
const write = (name: string, content: string | Uint8Array): void => writeFileSync(join(folder, name), content);

function appOver(run: string): Hono {
  const app = new Hono();
  app.use(pageHeaders(['wss://fleet.example:8443/mqtt']));
  serveRunPage(app, run);
  serveDashboard(app, join(parent, 'none'));
  return app;
}
const app = appOver(folder);

beforeAll(() => {
  mkdirSync(join(folder, 'assets'), { recursive: true });
  writeFileSync(join(parent, 'secret.json'), '{}');
  write('index.html', page);
  write('service-worker.js', 'self.skipWaiting();');
  write('manifest.webmanifest', '{"name":"Starling"}');
  write('assets/page-abc.js', `export const words = '${'starling '.repeat(500)}';`);
  write('assets/engine-abc.mjs', 'export default 1;');
  write('assets/engine-abc.wasm', wasm);
});
afterAll(() => rmSync(parent, { recursive: true }));

const get = (path: string, headers: Record<string, string> = {}): Response | Promise<Response> => app.request(path, { headers });
const bytesOf = async (response: Response): Promise<Buffer> => Buffer.from(await response.arrayBuffer());

describe('the page on which a browser is a device', () => {
  test('stands below its slash, which relative addresses need', async () => {
    const bare = await get('/run');
    expect([bare.status, bare.headers.get('location')]).toEqual([308, '/run/']);
    for (const path of ['/run/', '/run/settings']) expect(await (await get(path)).text()).toBe(page);
  });

  test.each([
    ['/run/', 'text/html; charset=utf-8', 'no-cache'],
    ['/run/service-worker.js', 'text/javascript; charset=utf-8', 'no-cache'],
    ['/run/manifest.webmanifest', 'application/manifest+json', 'no-cache'],
    ['/run/assets/page-abc.js', 'text/javascript; charset=utf-8', 'public, max-age=31536000, immutable'],
    ['/run/assets/engine-abc.mjs', 'text/javascript; charset=utf-8', 'public, max-age=31536000, immutable'],
    ['/run/assets/engine-abc.wasm', 'application/wasm', 'public, max-age=31536000, immutable'],
  ])('gives %s its type and life', async (path, type, life) => {
    const { headers } = await get(path);
    expect([headers.get('content-type'), headers.get('cache-control')]).toEqual([type, life]);
  });

  test('lets its service worker control what is below /run/, and says so of no other file', async () => {
    expect((await get('/run/service-worker.js')).headers.get('service-worker-allowed')).toBe('/run/');
    expect((await get('/run/assets/page-abc.js')).headers.get('service-worker-allowed')).toBeNull();
  });

  test.each([
    '/run/../secret.json',
    '/run/..%2fsecret.json',
    '/run/assets/..%2f..%2fsecret.json',
    '/run/%',
    '/run/missing.js',
    '/run/a%00.js',
  ])('gives nothing for %s', async (path) => {
    const response = await get(path);
    expect([response.status, (await response.text()).includes('{}')]).toEqual([404, false]);
  });

  test('says what to run where it was not built, and nothing that a cache would keep', async () => {
    const response = await appOver(join(parent, 'none')).request('/run/');
    expect(response.status).toBe(503);
    expect(await response.text()).toContain('@starling/agent build');
    expect((await appOver(join(parent, 'none')).request('/run/assets/page-abc.js')).status).toBe(404);
  });
});

describe('compression', () => {
  test('takes the best form that the browser takes, and tells the length', async () => {
    for (const path of ['/run/assets/page-abc.js', '/run/assets/engine-abc.wasm']) {
      const plain = await bytesOf(await get(path));
      const br = await get(path, { 'accept-encoding': 'gzip, deflate, br, zstd' });
      expect(br.headers.get('content-encoding')).toBe('br');
      const compressed = await bytesOf(br);
      expect(br.headers.get('content-length')).toBe(`${compressed.length}`);
      expect(br.headers.get('vary')).toBe('accept-encoding');
      expect(compressed.length).toBeLessThan(plain.length / 10);
      expect(brotliDecompressSync(compressed).equals(plain)).toBe(true);
      const gz = await get(path, { 'accept-encoding': 'gzip, br;q=0' });
      expect(gz.headers.get('content-encoding')).toBe('gzip');
      expect(gunzipSync(await bytesOf(gz)).equals(plain)).toBe(true);
    }
  });

  test('sends what the build compressed as it is, unless an earlier build did', async () => {
    write('assets/other-abc.js', 'x'.repeat(1000));
    write('assets/other-abc.js.br', 'compressed by the build');
    const path = '/run/assets/other-abc.js';
    expect(await (await get(path, { 'accept-encoding': 'br' })).text()).toBe('compressed by the build');
    utimesSync(join(folder, 'assets/other-abc.js.br'), 1, 1);
    utimesSync(join(folder, 'assets/other-abc.js'), 5, 5);
    expect(brotliDecompressSync(await bytesOf(await get(path, { 'accept-encoding': 'br' }))).toString()).toBe('x'.repeat(1000));
  });

  test('answers HEAD and a known tag without a body', async () => {
    const head = await app.request('/run/assets/engine-abc.wasm', { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length'), (await bytesOf(head)).length]).toEqual([200, `${wasm.length}`, 0]);
    const etag = head.headers.get('etag') ?? '';
    expect((await get('/run/assets/engine-abc.wasm', { 'if-none-match': etag })).status).toBe(304);
  });
});

describe('the headers of the page', () => {
  const policyOf = (response: Response): Map<string, string[]> =>
    new Map(
      (response.headers.get('content-security-policy') ?? '').split('; ').map((directive) => {
        const [name = '', ...sources] = directive.split(' ');
        return [name, sources];
      }),
    );

  test('isolate it, so that threads may share memory, on the page and on every asset', async () => {
    for (const path of ['/run/', '/run/assets/page-abc.js', '/run/service-worker.js']) {
      const { headers } = await get(path);
      expect(headers.get('cross-origin-opener-policy')).toBe('same-origin');
      expect(headers.get('cross-origin-embedder-policy')).toBe('require-corp');
      expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
    }
  });

  test('let WebAssembly compile, and no text become code', async () => {
    const policy = policyOf(await get('/run/'));
    expect(policy.get('script-src')).toEqual(["'self'", "'wasm-unsafe-eval'"]);
    expect(policy.get('worker-src')).toEqual(["'self'"]);
    expect(policy.get('default-src')).toEqual(["'none'"]);
    expect(policy.get('frame-ancestors')).toEqual(["'none'"]);
    for (const sources of policy.values()) expect(sources).not.toContain("'unsafe-eval'");
    for (const sources of policy.values()) expect(sources).not.toContain("'unsafe-inline'");
  });

  test('let it speak to this host and the broker of the fleet alone', async () => {
    const at = async (url: string): Promise<string[] | undefined> => policyOf(await app.request(url)).get('connect-src');
    expect(await at('https://10.0.0.7:8443/run/')).toEqual(["'self'", 'wss://10.0.0.7:8443', 'wss://fleet.example:8443/mqtt']);
    expect(await at('http://localhost:8080/run/')).toEqual(["'self'", 'ws://localhost:8080', 'wss://fleet.example:8443/mqtt']);
    // Attack: a Host header that adds a source or ends the directive.
    expect(await at('https://a;script-src=*/run/')).toEqual(["'self'", "'self'", 'wss://fleet.example:8443/mqtt']);
  });

  test('let it ask for the camera, the microphone and the screen, and for nothing that says where somebody is', async () => {
    const policy = (await get('/run/')).headers.get('permissions-policy');
    for (const allowed of ['camera', 'microphone', 'display-capture', 'screen-wake-lock']) expect(policy).toContain(`${allowed}=(self)`);
    expect(policy).toMatch(/geolocation=(\(\)|none)/);
  });

  test('leave those of the dashboard as they are', async () => {
    const policy = policyOf(await get('/'));
    expect(policy.get('default-src')).toEqual(["'self'"]);
    expect(policy.has('script-src')).toBe(false);
    expect((await get('/runs')).headers.get('cross-origin-embedder-policy')).toBe('credentialless');
  });
});
