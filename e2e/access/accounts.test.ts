import { request } from 'node:http';
import { request as requestTls } from 'node:https';
import { API_BASE, api, type User } from '@starling/shared';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCaller, signIn } from '../harness/browser-session.ts';
import { type ReadyFleet, startReadyFleet } from '../harness/ready-fleet.ts';

let fleet: ReadyFleet;
beforeAll(async () => {
  fleet = await startReadyFleet();
});
afterAll(() => fleet?.stop());

let people = 0;
async function makePerson(role: User['role']): Promise<{ user: User; password: string }> {
  people += 1;
  return fleet.client.call(api.createUser, { body: { email: `person-${people}@example.org`, name: 'Person', role } });
}
let callers = 0;
/** Signs in from an address of its own: how often one may is limited for each, and none of these is about the limit. */
function enterAt(address: URL, { user, password }: { user: User; password: string }, origin = address.origin) {
  callers += 1;
  const send = address.protocol === 'https:' ? requestTls : request;
  const headers = { 'content-type': 'application/json', origin };
  const options = { method: 'POST', headers, family: 4, localAddress: `127.0.1.${callers}`, rejectUnauthorized: false };
  return new Promise<{ status: number | undefined; cookies: string[] }>((resolve, reject) => {
    const sent = send(new URL('/api/auth/sign-in/email', address), options, (answer) => {
      answer.resume();
      resolve({ status: answer.statusCode, cookies: answer.headers['set-cookie'] ?? [] });
    });
    sent.on('error', reject);
    sent.end(JSON.stringify({ email: user.email, password }));
  });
}
const enter = async (person: { user: User; password: string }) => {
  const { status, cookies } = await enterAt(new URL(fleet.baseUrl), person);
  expect(status).toBe(200);
  const cookie = cookies.map((each) => each.split(';')[0]).join('; ');
  return { caller: createCaller(fleet.baseUrl, { cookie, origin: fleet.baseUrl }), cookies };
};
/** By the TLS port under a name of this machine, from a page of `origin`. */
function enterOverTls(person: { user: User; password: string }, host: string, origin = host) {
  const { port } = new URL(fleet.process.ready.addresses.https);
  return enterAt(new URL(`https://${host}:${port}`), person, `https://${origin}:${port}`);
}
const newestAudit = async (): Promise<string> => (await fleet.client.call(api.listAudit, { query: { limit: 1 } })).items[0]?.action ?? '';

describe('a session', () => {
  test('is a cookie that no script reads and no other site sends', async () => {
    const { cookies } = await enter(await makePerson('viewer'));
    const session = cookies.find((cookie) => cookie.startsWith('starling.session_token=')) ?? expect.unreachable();
    expect(session).toMatch(/; HttpOnly/i);
    expect(session).toMatch(/; SameSite=Strict/i);
    expect(session).toMatch(/; Path=\//i);
  });

  test('that began over TLS never travels without', async () => {
    const { cookies } = await enterOverTls(await makePerson('viewer'), 'localhost');
    expect(cookies.length).toBeGreaterThan(0);
    for (const cookie of cookies) expect(cookie).toMatch(/; Secure/);
  });

  test('begins by whichever name or address of the machine the page was opened, and by no other', async () => {
    const person = await makePerson('viewer');
    // Of the loopback network, which no setting names.
    expect((await enterOverTls(person, '127.0.0.2')).status).toBe(200);
    expect(await enterOverTls(person, '127.0.0.2', 'evil.example')).toMatchObject({ status: 403, cookies: [] });
  });

  test('ends by signing out, and by a new password', async () => {
    const person = await makePerson('viewer');
    const [first, second] = [await enter(person), await enter(person)];
    expect((await first.caller.call('GET', `${API_BASE}/me`)).status).toBe(200);
    const next = { current: person.password, next: 'a longer password than before' };
    expect((await second.caller.call('POST', `${API_BASE}/me/password`, { body: { ...next, current: 'wrong password' } })).status).toBe(
      400,
    );
    expect((await second.caller.call('POST', `${API_BASE}/me/password`, { body: next })).status).toBe(200);
    expect(await newestAudit()).toBe('user.change-password');
    expect((await first.caller.call('GET', `${API_BASE}/me`)).status).toBe(401);
    const third = await enter({ ...person, password: next.next });
    expect((await third.caller.call('POST', '/api/auth/sign-out', { body: {} })).status).toBe(200);
    expect((await third.caller.call('GET', `${API_BASE}/me`)).status).toBe(401);
  });

  test('follows the person at once: another role, or none; and so do the API tokens of that person', async () => {
    const person = await makePerson('admin');
    const { caller } = await enter(person);
    const makeToken = async (by: typeof caller) => {
      const { body } = await by.call('POST', `${API_BASE}/api-tokens`, { body: { name: 'own', role: 'admin' } });
      return createCaller(fleet.baseUrl, { authorization: `Bearer ${(body as { secret: string }).secret}` });
    };
    const token = await makeToken(caller);
    // The second is made by the first, and so by the same person.
    const callers = [caller, token, await makeToken(token)];
    const statuses = (path: string) => Promise.all(callers.map(async (each) => (await each.call('GET', `${API_BASE}${path}`)).status));
    expect(await statuses('/users')).toEqual([200, 200, 200]);
    await fleet.client.call(api.changeUser, { params: { id: person.user.id }, body: { role: 'viewer' } });
    expect(await statuses('/users')).toEqual([403, 403, 403]);
    expect(await statuses('/me')).toEqual([200, 200, 200]);
    await fleet.client.call(api.changeUser, { params: { id: person.user.id }, body: { disabled: true } });
    expect(await statuses('/me')).toEqual([401, 401, 401]);
    expect(await newestAudit()).toBe('user.change');
  });
});

describe('an API token', () => {
  test('is shown once, works until it is revoked, and leaves its marks', async () => {
    const { token, secret } = await fleet.client.call(api.createApiToken, { body: { name: 'ci', role: 'viewer' } });
    expect(await newestAudit()).toBe('api-token.create');
    const caller = createCaller(fleet.baseUrl, { authorization: `Bearer ${secret}` });
    expect((await caller.call('GET', `${API_BASE}/me`)).body).toMatchObject({ role: 'viewer', via: 'token' });
    const listed = await fleet.client.call(api.listApiTokens, {});
    // The secret part may itself hold the sign that parts it from the id.
    expect(JSON.stringify(listed)).not.toContain(secret.slice(`stl_${token.id}_`.length));
    await fleet.client.call(api.revokeApiToken, { params: { id: token.id } });
    expect(await newestAudit()).toBe('api-token.revoke');
    expect((await caller.call('GET', `${API_BASE}/me`)).status).toBe(401);
  });

  test('is taken whole or not at all', async () => {
    const { secret } = await fleet.client.call(api.createApiToken, { body: { name: 'ci', role: 'viewer' } });
    const flipped = secret.slice(0, -1) + (secret.endsWith('A') ? 'B' : 'A');
    for (const text of [flipped, secret.slice(0, -1), `${secret}A`, secret.toUpperCase(), '']) {
      expect((await createCaller(fleet.baseUrl, { authorization: `Bearer ${text}` }).call('GET', `${API_BASE}/me`)).status).toBe(401);
    }
  });

  test('does not fall back to the cookie beside it', async () => {
    const { caller } = await enter(await makePerson('viewer'));
    expect((await caller.call('GET', `${API_BASE}/me`, { headers: { authorization: 'Bearer nonsense' } })).status).toBe(401);
  });
});

test('the last admin cannot lock everybody out', async () => {
  const { items } = await fleet.client.call(api.listUsers, {});
  const admins = items.filter(({ role, disabled }) => role === 'admin' && !disabled);
  expect(admins).toHaveLength(1);
  const params = { id: admins[0]?.id ?? '' };
  for (const body of [{ disabled: true }, { role: 'viewer' as const }]) {
    await expect(fleet.client.call(api.changeUser, { params, body })).rejects.toMatchObject({ code: 'last-admin' });
  }
});

describe('signing in', () => {
  let signIns = 0;
  const attempt = (email: string, headers: Record<string, string> = {}) => {
    signIns += 1;
    const body = { email, password: 'a wrong password' };
    return createCaller(fleet.baseUrl, { origin: fleet.baseUrl }).call('POST', '/api/auth/sign-in/email', { body, headers });
  };

  test('tells nobody who has an account, and is limited by where the caller really is', async () => {
    expect((await attempt('nobody@example.org')).status).toBe(401);
    const [known, unknown] = [await attempt(fleet.login.email), await attempt('somebody@example.org')];
    expect([known.status, known.body]).toEqual([unknown.status, unknown.body]);
    const admin =
      (await fleet.client.call(api.listUsers, {})).items.find(({ email }) => email === fleet.login.email) ?? expect.unreachable();
    const spoofed = (index: number): Record<string, string> => ({
      'x-forwarded-for': `10.0.0.${index}`,
      'x-starling-peer': `10.0.0.${index}`,
    });
    const statuses: number[] = [];
    for (let index = 0; index < 10; index += 1) statuses.push((await attempt(fleet.login.email, spoofed(index))).status);
    expect(statuses).toContain(429);
    expect(statuses.slice(statuses.indexOf(429)).every((status) => status === 429)).toBe(true);
    // Not even the right password gets in until the minute is over.
    await expect(signIn(fleet.baseUrl, fleet.login)).rejects.toMatchObject({ code: 'sign-in-failed' });
    expect(signIns).toBeGreaterThan(8);
    // Another address has a minute of its own.
    expect((await enterAt(new URL(fleet.baseUrl), { user: admin, password: fleet.login.password })).status).toBe(200);
  });
});
