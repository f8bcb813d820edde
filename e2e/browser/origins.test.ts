import { request } from 'node:http';
import { API_BASE, api } from '@starling/shared';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, createCaller } from '../harness/browser-session.ts';
import { createProtocolDevice } from '../harness/protocol-device.ts';
import { type ReadyFleet, startReadyFleet } from '../harness/ready-fleet.ts';

/** A developer's own site, which the fleet was told of. */
const site = 'https://site.example';
const stranger = 'https://stranger.example';

let fleet: ReadyFleet;
beforeAll(async () => {
  fleet = await startReadyFleet({ 'browser-origins': site });
});
afterAll(() => fleet?.stop());

const deviceCalls = [api.enrol, api.loginNonce, api.deviceLogin, api.deviceRekey, api.listRoots];

const call = (
  origin: string,
  method: string,
  path: string,
  more: { body?: unknown; headers?: Record<string, string> } = {},
): Promise<Answer> => createCaller(fleet.baseUrl, { origin }).call(method, `${API_BASE}${path}`, more);
const preflight = (origin: string, method: string, path: string): Promise<Answer> =>
  call(origin, 'OPTIONS', path, { headers: { 'access-control-request-method': method, 'access-control-request-headers': 'content-type' } });
const codeOf = ({ body }: Answer): unknown => (body as { code?: unknown }).code;

describe('a page of a site that the fleet was told of', () => {
  test.each(deviceCalls)('may ask $method $path and read the answer, without cookies', async ({ method, path }) => {
    const { status, headers } = await preflight(site, method.toUpperCase(), path);
    expect(status).toBe(204);
    expect(headers.get('access-control-allow-origin')).toBe(site);
    expect(headers.get('access-control-allow-methods')).toBe(method.toUpperCase());
    expect(headers.get('access-control-allow-headers')).toBe('content-type');
    expect(headers.get('access-control-allow-credentials')).toBeNull();
    expect(headers.get('vary')?.toLowerCase()).toContain('origin');
    const answer = await call(site, method.toUpperCase(), path, method === 'get' ? {} : { body: {} });
    expect(answer.headers.get('access-control-allow-origin')).toBe(site);
    expect(answer.headers.get('vary')?.toLowerCase()).toContain('origin');
    expect(codeOf(answer)).not.toBe('cross-origin');
  });

  test('enrols, logs in and opens the broker', async () => {
    const device = await createProtocolDevice(fleet.baseUrl);
    await device.enrol(await fleet.claim());
    const { nonce } = await device.nonce();
    const login = await device.login({ nonce });
    expect(login.brokers.some((address) => address.startsWith('ws'))).toBe(true);
    expect(await openMqtt(site)).toBe('open');
  });

  test.each([
    ['POST', '/claim-tokens', 'cross-origin'],
    // The same path as the roots that a device reads.
    ['POST', '/trust/roots', 'cross-origin'],
    ['DELETE', '/users/somebody', 'cross-origin'],
  ])('may not %s %s, whatever it has in its hands', async (method, path, code) => {
    const answer = await call(site, method, path, { body: {}, headers: { authorization: `Bearer ${'a'.repeat(40)}` } });
    expect([answer.status, codeOf(answer)]).toEqual([403, code]);
    expect((await preflight(site, method, path)).headers.get('access-control-allow-methods') ?? '').not.toContain(method);
  });

  test.each(['/overview', '/devices', '/settings', '/me'])('reads nothing of %s', async (path) => {
    expect((await call(site, 'GET', path)).headers.get('access-control-allow-origin')).toBeNull();
  });
});

describe('a page of any other site', () => {
  test.each(deviceCalls)('reads nothing of $method $path, and changes nothing', async ({ method, path }) => {
    for (const origin of [stranger, `${site}.evil`, 'http://site.example', 'null']) {
      expect((await preflight(origin, method.toUpperCase(), path)).headers.get('access-control-allow-origin')).toBeNull();
      const answer = await call(origin, method.toUpperCase(), path, method === 'get' ? {} : { body: {} });
      expect(answer.headers.get('access-control-allow-origin')).toBeNull();
      if (method !== 'get') expect([answer.status, codeOf(answer)]).toEqual([403, 'cross-origin']);
    }
  });

  test('may load the roots, unread, by which it knows that a fleet is there, and nothing else', async () => {
    const policyOf = async (path: string): Promise<string | null> =>
      (await call(stranger, 'GET', path)).headers.get('cross-origin-resource-policy');
    expect(await policyOf('/trust/roots')).toBe('cross-origin');
    for (const path of ['/overview', '/me', '/enrol', '/trust/roots/1', '/trust/ca.crt']) expect(await policyOf(path)).toBe('same-origin');
  });

  test('does not open the broker', async () => {
    for (const origin of [stranger, 'null', fleet.baseUrl.replace(/\d+$/, '1')]) {
      expect(await openMqtt(origin)).toBe('403');
    }
  });
});

describe('the broker by WebSocket', () => {
  test('is open to our own page and to agents outside browsers', async () => {
    expect(await openMqtt(fleet.baseUrl)).toBe('open');
    expect(await openMqtt(undefined)).toBe('open');
  });
});

/** @returns `open`, or the status of the answer */
function openMqtt(origin: string | undefined): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request(`${fleet.baseUrl}/mqtt`, {
      headers: {
        ...{ connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' },
        ...{ 'sec-websocket-key': Buffer.alloc(16).toString('base64'), 'sec-websocket-protocol': 'mqtt' },
        ...(origin === undefined ? {} : { origin }),
      },
    });
    asked.once('upgrade', (_response, socket) => {
      socket.destroy();
      resolve('open');
    });
    asked.once('response', ({ statusCode }) => resolve(`${statusCode}`));
    asked.once('error', reject);
    asked.end();
  });
}
