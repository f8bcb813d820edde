import { API_BASE, api, type Endpoint, type FileEndpoint, fileEndpoints, type Role } from '@starling/shared';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Caller, createCaller, signIn } from '../harness/browser-session.ts';
import { createProtocolDevice } from '../harness/protocol-device.ts';
import { type ReadyFleet, startReadyFleet } from '../harness/ready-fleet.ts';

const roles: readonly Role[] = ['viewer', 'operator', 'admin'];
const endpoints: [string, Endpoint][] = Object.entries(api);
const files: [string, FileEndpoint][] = Object.entries(fileEndpoints);
const mutations = endpoints.filter(([, { method }]) => method !== 'get');

let fleet: ReadyFleet;
const callers: Record<string, Caller> = {};

/** A user of the role, signed in as a browser and by an API token. */
async function makePerson(role: Role): Promise<void> {
  const email = `${role}@example.org`;
  const { password } = await fleet.client.call(api.createUser, { body: { email, name: role, role } });
  callers[`${role} in a browser`] = (await signIn(fleet.baseUrl, { email, password })).caller;
  const { secret } = await fleet.client.call(api.createApiToken, { body: { name: role, role } });
  callers[`${role} by token`] = createCaller(fleet.baseUrl, { authorization: `Bearer ${secret}` });
}

beforeAll(async () => {
  fleet = await startReadyFleet();
  for (const role of roles) await makePerson(role);
  const device = await createProtocolDevice(fleet.baseUrl);
  const token = await fleet.claim();
  await device.enrol(token);
  const { username, password } = await device.login();
  const basic = Buffer.from(`${username}:${password}`).toString('base64');
  callers.nobody = createCaller(fleet.baseUrl);
  callers['a device by its broker password'] = createCaller(fleet.baseUrl, { authorization: `Basic ${basic}` });
  callers['a device by its password as a token'] = createCaller(fleet.baseUrl, { authorization: `Bearer ${password}` });
  callers['a claim token'] = createCaller(fleet.baseUrl, { authorization: `Bearer ${token.secret}` });
  callers['a token that is none'] = createCaller(fleet.baseUrl, { authorization: `Bearer stl_${'a'.repeat(26)}_${'A'.repeat(32)}` });
  callers['a cookie that is none'] = createCaller(fleet.baseUrl, { cookie: 'starling.session_token=abc.def' });
});
afterAll(() => fleet?.stop());

/** Names that nothing has: what a caller may not do is refused before anybody looks for it. */
const pathOf = (endpoint: { path: string }): string => `${API_BASE}${endpoint.path.replaceAll(/\{\w+\}/g, 'nothing')}`;
const roleOf = (who: string): Role | undefined => roles.find((role) => who.startsWith(role));

/** What the table says of a caller. */
function expected({ access }: Pick<Endpoint, 'access'>, who: string): 'allowed' | 401 | 403 {
  if (access === 'public') return 'allowed';
  const role = roleOf(who);
  if (role === undefined) return 401;
  return roles.indexOf(role) >= roles.indexOf(access) ? 'allowed' : 403;
}

/** Building the packages of the agent takes a minute, and is allowed to nobody who is not asked here. */
const tooSlow: readonly string[] = ['listAgentPackages'];

const people = roles.flatMap((role) => [`${role} in a browser`, `${role} by token`]);
const strangers = [
  ...['nobody', 'a device by its broker password', 'a device by its password as a token', 'a claim token'],
  ...['a token that is none', 'a cookie that is none'],
];

describe.each([...people, ...strangers])('%s', (who) => {
  test.each(endpoints)('at %s gets what the table says', async (name, endpoint) => {
    const verdict = expected(endpoint, who);
    if (verdict === 'allowed' && tooSlow.includes(name)) return;
    const caller = callers[who] ?? expect.unreachable();
    const answer = await caller.call(endpoint.method.toUpperCase(), pathOf(endpoint));
    if (verdict === 'allowed') {
      expect([401, 403]).not.toContain(answer.status);
      expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(500);
      if (answer.status === 200) expect(endpoint.response.safeParse(answer.body).error?.issues ?? []).toEqual([]);
      return;
    }
    expect(answer.status).toBe(verdict);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect(answer.body).toMatchObject({ code: verdict === 401 ? 'not-signed-in' : 'forbidden', status: verdict });
  });

  test.each(files)('at the file %s gets what the table says', async (_name, endpoint) => {
    const verdict = expected(endpoint, who);
    // A stream without end.
    if (verdict === 'allowed' && endpoint.path === fileEndpoints.events.path) return;
    const { status, headers, body } = await (callers[who] ?? expect.unreachable()).call('GET', pathOf(endpoint));
    if (verdict === 'allowed') {
      // Nothing has that name; what needs no name is there.
      expect(status).toBe(endpoint.path.includes('{') ? 404 : 200);
      expect(headers.get('content-type')).toContain(status === 200 ? endpoint.contentType : 'application/problem+json');
      return;
    }
    expect([status, body]).toEqual([verdict, expect.objectContaining({ code: verdict === 401 ? 'not-signed-in' : 'forbidden' })]);
  });
});

describe('access is asked for first', () => {
  test.each(endpoints.filter(([, { access }]) => access !== 'public'))('at %s, whatever is sent', async (_name, endpoint) => {
    const nobody = callers.nobody ?? expect.unreachable();
    const path = `${pathOf(endpoint)}?limit=none&offset=-1&fromMs=x`;
    const answer = await nobody.call(endpoint.method.toUpperCase(), path, endpoint.method === 'get' ? {} : { body: '{"broken' });
    expect([answer.status, answer.body]).toEqual([401, expect.objectContaining({ code: 'not-signed-in' })]);
  });
});

describe('a query that is none', () => {
  const paged = endpoints.filter(([name, { query }]) => query !== undefined && 'limit' in query.shape && !tooSlow.includes(name));
  test.each(paged)('at %s is told which field', async (_name, endpoint) => {
    const admin = callers['admin by token'] ?? expect.unreachable();
    for (const [query, field] of [
      ['limit=none', 'query.limit'],
      ['limit=0', 'query.limit'],
      ['limit=201', 'query.limit'],
      ['offset=-1', 'query.offset'],
    ] as const) {
      const answer = await admin.call(endpoint.method.toUpperCase(), `${pathOf(endpoint)}?${query}`);
      expect([query, answer.status, answer.body]).toEqual([query, 400, expect.objectContaining({ code: 'invalid-request', field })]);
    }
  });
});

describe('a page of another site', () => {
  test.each(mutations)('changes nothing by %s, though the browser sends the cookie', async (_name, endpoint) => {
    const admin = callers['admin in a browser'] ?? expect.unreachable();
    const origins = ['https://evil.example', 'null', 'http://localhost:1', `${fleet.baseUrl}.evil.example`, 'nonsense'];
    for (const origin of origins) {
      const answer = await admin.call(endpoint.method.toUpperCase(), pathOf(endpoint), { headers: { origin } });
      expect([origin, answer.status, answer.body]).toEqual([origin, 403, expect.objectContaining({ code: 'cross-origin' })]);
    }
  });

  test('cannot send a form as if it were JSON', async () => {
    const admin = callers['admin in a browser'] ?? expect.unreachable();
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
      const body = '{"name":"x","role":"admin"}';
      const answer = await admin.call('POST', `${API_BASE}/api-tokens`, { body, headers: { 'content-type': type } });
      expect([type, answer.status]).toEqual([type, 400]);
    }
  });

  test('signs nobody in', async () => {
    const answer = await createCaller(fleet.baseUrl, { origin: 'https://evil.example' }).call('POST', '/api/auth/sign-in/email', {
      body: fleet.login,
    });
    expect(answer.status).toBe(403);
    expect(answer.headers.getSetCookie()).toEqual([]);
  });

  test('gets no leave to read answers', async () => {
    const admin = callers['admin in a browser'] ?? expect.unreachable();
    for (const method of ['GET', 'OPTIONS']) {
      const answer = await admin.call(method, `${API_BASE}/me`, { headers: { origin: 'https://evil.example' } });
      expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    }
  });
});

describe('the routes of the login library', () => {
  test.each(['sign-up/email', 'change-password', 'change-email', 'update-user', 'delete-user', 'request-password-reset', 'reset-password'])(
    '%s is shut: our own asks for a role, and leaves an audit entry',
    async (route) => {
      const viewer = callers['viewer in a browser'] ?? expect.unreachable();
      expect((await viewer.call('POST', `/api/auth/${route}`, { body: { name: 'x', role: 'admin' } })).status).toBe(404);
    },
  );

  test.each(['create-user', 'set-role', 'update-user', 'list-users', 'impersonate-user', 'unban-user', 'set-user-password'])(
    'admin/%s is shut',
    async (route) => {
      const admin = callers['admin in a browser'] ?? expect.unreachable();
      for (const method of ['GET', 'POST']) {
        const answer = await admin.call(
          method,
          `/api/auth/admin/${route}`,
          method === 'GET' ? {} : { body: { userId: 'x', role: 'admin' } },
        );
        expect(answer.status).toBe(404);
      }
    },
  );
});

describe('every answer', () => {
  test.each(['/', '/api/v1/health', '/api/v1/me', '/api/v1/nothing', '/api/docs', '/assets/nothing.js'])(
    'of %s keeps a browser safe',
    async (path) => {
      const { headers } = await (callers.nobody ?? expect.unreachable()).call('GET', path);
      const policy = headers.get('content-security-policy') ?? '';
      expect(policy).toContain("default-src 'self'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(/script-src[^;]*'unsafe/.test(policy)).toBe(false);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('referrer-policy')).toMatch(/same-origin|no-referrer/);
      expect(headers.get('x-powered-by')).toBeNull();
    },
  );

  test('of the API is kept by no proxy', async () => {
    for (const path of ['/me', '/devices', '/nothing']) {
      const answer = await (callers['viewer in a browser'] ?? expect.unreachable()).call('GET', `${API_BASE}${path}`);
      expect(answer.headers.get('cache-control')).toBe('no-store');
    }
  });

  test('about a failure is a problem, and tells nothing of the inside', async () => {
    const admin = callers['admin by token'] ?? expect.unreachable();
    for (const body of [
      '{',
      '[]',
      'null',
      '{"email":5}',
      '{"email":"a@example.org","name":"x","role":"king"}',
      '{"__proto__":{"role":"admin"}}',
    ]) {
      const answer = await admin.call('POST', `${API_BASE}/users`, { body });
      expect([answer.status, answer.body]).toEqual([400, expect.objectContaining({ code: 'invalid-request', detail: expect.any(String) })]);
      expect(JSON.stringify(answer.body)).not.toMatch(/node_modules|at \w+ \(|ZodError/);
    }
  });

  test('to a text that no database holds is no failure of the inside', async () => {
    const admin = callers['admin by token'] ?? expect.unreachable();
    const body = { name: 'cut\0off', role: 'viewer' };
    expect((await admin.call('POST', `${API_BASE}/api-tokens`, { body })).status).toBe(400);
    expect((await admin.call('GET', `${API_BASE}/devices?search=%00`)).status).toBeLessThan(500);
    expect((await admin.call('GET', `${API_BASE}/devices/%00`)).status).toBeLessThan(500);
  });

  test('is the one that the published document describes', async () => {
    const { body } = await (callers.nobody ?? expect.unreachable()).call('GET', `${API_BASE}/openapi.json`);
    const { openApiDocument } = await import('@starling/fleet');
    expect(body).toEqual(JSON.parse(JSON.stringify(openApiDocument())));
  });
});
