import { expect, test } from 'vitest';
import { readConfig } from './config.ts';
import { openListeners } from './listeners.ts';
import { createOrigins } from './origins.ts';

const noTls = { key: '', certificate: '' };

test('what is asked while the fleet starts is answered once it has', async () => {
  const listeners = await openListeners(readConfig(['--http-port', '0', '--https-port', '0', '--host', '127.0.0.1'], {}), noTls);
  try {
    const asked = fetch(`http://127.0.0.1:${listeners.httpPort}/early`, { method: 'POST', body: 'a nonce, please' });
    await new Promise((resolve) => setTimeout(resolve, 200));
    const api = { fetch: async (request: Request) => new Response(`${new URL(request.url).pathname}: ${await request.text()}`) };
    listeners.serve(api as never, createOrigins([], []), undefined);
    expect(await (await asked).text()).toBe('/early: a nonce, please');
    expect(await (await fetch(`http://127.0.0.1:${listeners.httpPort}/later`)).text()).toBe('/later: ');
  } finally {
    await listeners.close();
  }
});
