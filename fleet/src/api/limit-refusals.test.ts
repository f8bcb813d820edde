import { isStarlingError } from '@starling/shared';
import { Hono } from 'hono';
import { expect, test } from 'vitest';
import { limitRefusals } from './limit-refusals.ts';
import type { ApiEnv } from './route.ts';

/** Answers 200 to `good` and 401 to everything else; the peer is what the header says. */
function createApp(): (peer: string, token: string) => Promise<number> {
  const app = new Hono<ApiEnv & { Bindings: { peer: string } }>();
  app.use(limitRefusals((environment) => (environment as { peer: string }).peer));
  app.post('/enrol', async (context) => ((await context.req.text()) === 'good' ? context.json({}) : context.json({}, 401)));
  app.onError((error, context) => context.json({}, isStarlingError(error) && error.code === 'too-many-requests' ? 429 : 500));
  return async (peer, token) => (await app.request('/enrol', { method: 'POST', body: token }, { peer })).status;
}

test('a peer that guesses is stopped after sixty refusals, and no other is', async () => {
  const send = createApp();
  for (let attempt = 0; attempt < 60; attempt += 1) expect(await send('10.0.0.1', 'bad')).toBe(401);
  expect(await send('10.0.0.1', 'bad')).toBe(429);
  expect(await send('10.0.0.1', 'good')).toBe(429);
  expect(await send('10.0.0.2', 'good')).toBe(200);
});

test('a site of many devices behind one address is never limited while their keys are good', async () => {
  const send = createApp();
  for (let device = 0; device < 500; device += 1) expect(await send('10.0.0.1', 'good')).toBe(200);
});
