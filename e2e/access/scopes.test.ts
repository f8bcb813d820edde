import {
  API_BASE,
  api,
  coversScope,
  type Endpoint,
  type FileEndpoint,
  fileEndpoints,
  type Role,
  type Scope,
  scopeSchema,
} from '@starling/shared';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Caller, createCaller } from '../harness/browser-session.ts';
import { type ReadyFleet, startReadyFleet } from '../harness/ready-fleet.ts';

let fleet: ReadyFleet;
beforeAll(async () => {
  fleet = await startReadyFleet();
});
afterAll(() => fleet?.stop());

/** Requests that change nothing, though they are no GET. */
const questions: readonly string[] = [
  'draftModel',
  'checkPipeline',
  'checkSelector',
  'draftRelease',
  'previewChoices',
  'previewExperiment',
  'previewRollout',
];
const forAll: readonly string[] = ['whoAmI'];
/** Building the packages of the agent takes a minute where it is allowed. */
const guarded = Object.entries<Endpoint>(api).filter(([name, { access }]) => access !== 'public' && name !== 'listAgentPackages');

async function callerWith(role: Role, scopes: Scope[]): Promise<Caller> {
  const { secret } = await fleet.client.call(api.createApiToken, { body: { name: 'scoped', role, scopes } });
  return createCaller(fleet.baseUrl, { authorization: `Bearer ${secret}` });
}

/** How each guarded endpoint answers: by its code where access is refused, else `allowed`. */
async function verdicts(caller: Caller): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const [name, { method, path }] of guarded) {
    // Names that nothing has, and a body that is none: access is decided before anybody looks at either.
    const url = `${API_BASE}${path.replaceAll(/\{\w+\}/g, 'nothing')}`;
    const { status, body } = await caller.call(method.toUpperCase(), url);
    found[name] = status === 403 || status === 401 ? (body as { code: string }).code : 'allowed';
  }
  return found;
}

function expected(scope: Scope): Record<string, string> {
  const [area, right] = scope.split(':');
  return Object.fromEntries(
    guarded.map(([name, { tag, method }]) => {
      const isRead = method === 'get' || questions.includes(name);
      const isOpen = forAll.includes(name) || (tag === area && (isRead || right === 'write'));
      return [name, isOpen ? 'allowed' : 'out-of-scope'];
    }),
  );
}

test('there are scopes for every endpoint that asks for a login, and for none that does not', () => {
  const areas = new Set(guarded.map(([, { tag }]) => tag));
  expect(new Set(scopeSchema.options.map((scope) => scope.split(':')[0]))).toEqual(areas);
  expect(scopeSchema.options).toContain('devices:write');
  expect(scopeSchema.options).not.toContain('telemetry:write');
});

describe("an admin's token", () => {
  test.each(scopeSchema.options)('for %s reaches that over the whole table, and nothing else', async (scope) => {
    expect(await verdicts(await callerWith('admin', [scope]))).toEqual(expected(scope));
  });

  test.each(scopeSchema.options)('for %s has the files that the table says, and no other', async (scope) => {
    const caller = await callerWith('admin', [scope]);
    for (const [name, { path, scope: needed }] of Object.entries<FileEndpoint>(fileEndpoints)) {
      const isOpen = needed !== 'all' && coversScope([scope], needed);
      // A stream without end, which has a test of its own.
      if (isOpen && path === fileEndpoints.events.path) continue;
      const { body, status } = await caller.call('GET', `${API_BASE}${path.replaceAll(/\{\w+\}/g, 'nothing')}`);
      const verdict = status === 403 ? (body as { code: string }).code : 'allowed';
      expect([name, verdict]).toEqual([name, isOpen ? 'allowed' : 'out-of-scope']);
    }
  });

  test('for nothing of a part hears no events, and for the fleet does', async () => {
    const listen = (caller: Caller) => caller.call('GET', `${API_BASE}/events?x`, { headers: { connection: 'close' } });
    const deaf = await listen(await callerWith('admin', ['devices:write']));
    expect([deaf.status, deaf.body]).toEqual([403, expect.objectContaining({ code: 'out-of-scope' })]);
    const { secret } = await fleet.client.call(api.createApiToken, { body: { name: 'fleet', role: 'viewer', scopes: ['fleet:read'] } });
    const hearing = await fetch(`${fleet.baseUrl}${API_BASE}/events`, { headers: { authorization: `Bearer ${secret}` } });
    expect(hearing.status).toBe(200);
    await hearing.body?.cancel();
  });
});

test('the role stays the upper bound, whatever the scopes say', async () => {
  const all = scopeSchema.options.filter((scope) => scope.endsWith(':write'));
  const found = await verdicts(await callerWith('viewer', all));
  for (const [name, { access, tag }] of guarded) {
    const isCovered = all.includes(`${tag}:write` as Scope) || forAll.includes(name);
    expect([name, found[name]]).toEqual([name, access !== 'viewer' ? 'forbidden' : isCovered ? 'allowed' : 'out-of-scope']);
  }
});

test('a token says what it may, and is told which scope it lacks', async () => {
  const caller = await callerWith('operator', ['models:read', 'devices:write']);
  expect((await caller.call('GET', `${API_BASE}/me`)).body).toMatchObject({ role: 'operator', scopes: ['models:read', 'devices:write'] });
  const refused = await caller.call('POST', `${API_BASE}/models`, { body: '{"broken' });
  expect(refused.body).toMatchObject({
    code: 'out-of-scope',
    status: 403,
    detail: 'this needs the scope models:write, the token has models:read, devices:write',
    hint: expect.stringMatching(/\w/),
  });
});

test('a token with scopes makes none that may do more', async () => {
  const caller = await callerWith('admin', ['people:write', 'devices:read']);
  const make = async (scopes?: Scope[]) => {
    const { status, body } = await caller.call('POST', `${API_BASE}/api-tokens`, { body: { name: 'child', role: 'admin', scopes } });
    return [status, (body as { code?: string; field?: string }).code, (body as { field?: string }).field];
  };
  for (const wider of [undefined, ['devices:write'], ['devices:read', 'models:read']] satisfies (Scope[] | undefined)[])
    expect(await make(wider)).toEqual([403, 'forbidden', 'scopes']);
  for (const within of [['devices:read'], ['people:read', 'people:write']] satisfies Scope[][])
    expect(await make(within)).toEqual([200, undefined, undefined]);
});

test('a token with scopes makes no person who may do more', async () => {
  const { client } = fleet;
  const caller = await callerWith('admin', ['people:write', 'devices:read']);
  const reader = await callerWith('admin', ['people:write', ...scopeSchema.options.filter((scope) => scope.endsWith(':read'))]);
  const { user } = await client.call(api.createUser, { body: { email: 'kept@starling.local', name: 'Kept', role: 'viewer' } });
  const make = async (by: typeof caller, email: string, role: Role) => {
    const { status, body } = await by.call('POST', `${API_BASE}/users`, { body: { email, name: 'New', role } });
    return [status, (body as { field?: string }).field];
  };
  const change = async (by: typeof caller, body: { role?: Role; disabled?: boolean }) =>
    (await by.call('PATCH', `${API_BASE}/users/${user.id}`, { body })).status;
  for (const role of ['viewer', 'operator', 'admin'] as const) {
    expect(await make(caller, `${role}-1@starling.local`, role)).toEqual([403, 'role']);
    expect(await change(caller, { role })).toBe(403);
  }
  expect(await change(caller, { disabled: true })).toBe(200);
  expect(await change(caller, { disabled: false })).toBe(403);
  expect(await make(reader, 'reader@starling.local', 'viewer')).toEqual([200, undefined]);
  expect(await make(reader, 'admin-2@starling.local', 'admin')).toEqual([403, 'role']);
});

test.each([[[]], [['nothing:read']], [['devices']], ['devices:read']])('scopes that are none (%j) are told apart', async (scopes) => {
  const admin = createCaller(fleet.baseUrl, { authorization: `Bearer ${await freshToken()}` });
  const { status, body } = await admin.call('POST', `${API_BASE}/api-tokens`, { body: { name: 'x', role: 'viewer', scopes } });
  expect([status, body]).toEqual([400, expect.objectContaining({ code: 'invalid-request', field: expect.stringMatching(/^scopes/) })]);
});

async function freshToken(): Promise<string> {
  return (await fleet.client.call(api.createApiToken, { body: { name: 'admin', role: 'admin' } })).secret;
}
