import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Hono } from 'hono';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { serveDashboard } from './serve-dashboard.ts';

const page = '<!doctype html><title>Starling</title>';
const script = `export const words = '${'starling '.repeat(500)}';`;

describe('the built dashboard', () => {
  const parent = mkdtempSync(join(tmpdir(), 'starling-dashboard-'));
  const folder = join(parent, 'dist');
  const app = new Hono();

  beforeAll(() => {
    mkdirSync(join(folder, 'assets'), { recursive: true });
    writeFileSync(join(parent, 'secret.json'), '{}');
    writeFileSync(join(folder, 'index.html'), page);
    writeFileSync(join(folder, 'assets/index-abc.js'), script);
    serveDashboard(app, folder);
  });
  afterAll(() => rmSync(parent, { recursive: true }));

  test.each(['/', '/devices', '/devices/abc?tab=measures'])('answers %s with the page, which is asked for each time', async (path) => {
    const response = await app.request(path);
    expect(response.status).toBe(200);
    expect(response.headers.get('cache-control')).toBe('no-cache');
    expect(await response.text()).toBe(page);
  });

  test('keeps assets for good, since their names carry their hash, and sends them compressed to who takes it', async () => {
    const plain = await app.request('/assets/index-abc.js');
    expect(plain.headers.get('cache-control')).toContain('immutable');
    expect(plain.headers.get('content-type')).toContain('text/javascript');
    expect(await plain.text()).toBe(script);

    const small = await app.request('/assets/index-abc.js', { headers: { 'accept-encoding': 'gzip, deflate' } });
    expect(small.headers.get('content-encoding')).toBe('gzip');
    const bytes = Buffer.from(await small.arrayBuffer());
    expect(bytes.length).toBeLessThan(script.length / 4);
    expect(gunzipSync(bytes).toString()).toBe(script);
  });

  test('sends nothing again that the browser has, until a new build', async () => {
    const etag = (await app.request('/')).headers.get('etag') ?? '';
    expect((await app.request('/', { headers: { 'if-none-match': etag } })).status).toBe(304);
    writeFileSync(join(folder, 'index.html'), `${page}new`);
    utimesSync(join(folder, 'index.html'), 1, 2);
    const changed = await app.request('/', { headers: { 'if-none-match': etag } });
    expect(changed.status).toBe(200);
    expect(await changed.text()).toBe(`${page}new`);
  });

  test.each(['/../secret.json', '/..%2fsecret.json', '/assets/..%2f..%2fsecret.json', '/%', '/missing.js'])(
    'gives nothing outside the folder, and nothing for %s',
    async (path) => {
      expect((await app.request(path)).status).toBe(404);
    },
  );
});
