import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { webhookSchema } from '@starling/shared';
import { afterEach, expect, test } from 'vitest';
import { systemIds } from '../ids.ts';
import { createWebhooks } from './index.ts';

interface Received {
  headers: IncomingMessage['headers'];
  body: string;
}

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** Answers the first call with the first status, and so on; 0 never answers. */
async function listen(statuses: readonly number[]): Promise<{ url: string; received: Received[] }> {
  const received: Received[] = [];
  server = createServer(async (request, response) => {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const status = statuses[Math.min(received.length, statuses.length - 1)] as number;
    received.push({ headers: request.headers, body: Buffer.concat(pieces).toString() });
    if (status > 0) response.writeHead(status, { location: 'http://127.0.0.1:1/elsewhere' }).end('words that nobody reads');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, received };
}

const secret = 'a secret of the fleet';
const pauses: number[] = [];
const webhooks = createWebhooks({
  ...{ clock: { nowMs: () => 1_800_000_000_500 }, ids: systemIds, secret },
  pause: async (delayMs) => void pauses.push(delayMs),
});
const call = { kind: 'pre-rollout' as const, rollout: { id: 'r1', name: 'signs-2' }, phase: 'running' };
const hookTo = (url: string, change: object = {}) => webhookSchema.parse({ name: 'load-test', kind: 'pre-rollout', url, ...change });

test('a call is signed over its time and its bytes, and says what it is about', async () => {
  const { url, received } = await listen([204]);
  expect(await webhooks.call(hookTo(url, { metadata: { cmd: 'hey' } }), call)).toEqual({
    accepted: true,
    status: 204,
    reason: 'load-test agrees',
    attempts: 1,
  });
  const [{ headers, body }] = received as [Received];
  expect(JSON.parse(body)).toEqual({ ...call, metadata: { cmd: 'hey' }, atMs: 1_800_000_000_500 });
  expect(headers['starling-timestamp']).toBe('1800000000');
  expect(headers['starling-signature']).toBe(`v1=${createHmac('sha256', secret).update(`1800000000.${body}`).digest('hex')}`);
});

test('a server that fails is asked again with the same key; one that refuses is not', async () => {
  const failing = await listen([503, 500, 200]);
  expect(await webhooks.call(hookTo(failing.url), call)).toMatchObject({ accepted: true, attempts: 3 });
  expect(new Set(failing.received.map(({ headers }) => headers['idempotency-key'])).size).toBe(1);
  expect(pauses).toEqual([500, 2_000]);
  server?.close();
  const refusing = await listen([403]);
  expect(await webhooks.call(hookTo(refusing.url), call)).toEqual({
    accepted: false,
    status: 403,
    reason: 'load-test answered 403',
    attempts: 1,
  });
});

test('where an answer leads is not followed', async () => {
  const { url, received } = await listen([302]);
  expect(await webhooks.call(hookTo(url), call)).toMatchObject({ accepted: false, status: 302 });
  expect(received).toHaveLength(1);
});

test('silence and absence are answers too', async () => {
  const { url } = await listen([0]);
  expect(await webhooks.call(hookTo(url, { timeoutMs: 100, retries: 0 }), call)).toEqual({
    ...{ accepted: false, status: null, reason: 'load-test did not answer within 100 ms', attempts: 1 },
  });
  expect(await webhooks.call(hookTo('http://127.0.0.1:1/', { retries: 1 }), call)).toMatchObject({
    ...{ accepted: false, status: null, reason: 'load-test cannot be reached: ECONNREFUSED', attempts: 2 },
  });
});
