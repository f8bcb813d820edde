import {
  type Actor,
  type ApiToken,
  coversScope,
  type PageQuery,
  type Role,
  roleSchema,
  type Scope,
  StarlingError,
  scopeSchema,
  type User,
} from '@starling/shared';
import { betterAuth } from 'better-auth';
import { drizzleAdapter } from 'better-auth/adapters/drizzle';
import { admin } from 'better-auth/plugins';
import { createAccessControl } from 'better-auth/plugins/access';
import { adminAc, defaultStatements } from 'better-auth/plugins/admin/access';
import { appendAudit } from '../audit/index.ts';
import type { Database, Transaction } from '../db/index.ts';
import { secretDigest } from '../devices/index.ts';
import type { Clock, Ids } from '../ports.ts';
import { atLeast } from './roles.ts';
import {
  accountTables,
  activeAdmins,
  countUsers,
  insertToken,
  liveToken,
  ownerOfToken,
  readScopes,
  revokeToken,
  selectTokens,
  selectUsers,
  setDisabled,
  setRole,
  toApiToken,
  touchToken,
  userById,
} from './store.ts';

export interface Accounts {
  /** The routes of better-auth: sign in and out, under /api/auth. */
  handler(request: Request): Promise<Response>;
  /** Who calls, by API token or session cookie; undefined if nobody is signed in. */
  identify(headers: Headers): Promise<Actor | undefined>;
  /** Who the text of an API token stands for; undefined if it stands for nobody. */
  byToken(text: string): Promise<Actor | undefined>;
  /** The same by the id of a token, for whoever has shown its text before. */
  ofToken(id: string): Promise<Actor | undefined>;
  /** Makes the first admin. @returns its one-time password, or undefined if there are users already */
  bootstrap(email: string): Promise<string | undefined>;
  /** @throws StarlingError `forbidden` for a token that may do less than the person could */
  createUser(user: { email: string; name: string; role: Role }, actor: Actor): Promise<{ user: User; password: string }>;
  changeUser(id: string, change: { role?: Role | undefined; disabled?: boolean | undefined }, actor: Actor): Promise<User>;
  listUsers(page: PageQuery): Promise<{ items: User[]; total: number }>;
  changePassword(headers: Headers, change: { current: string; next: string }, actor: Pick<Actor, 'name'>): Promise<void>;
  /** @throws StarlingError `forbidden` for a token that makes one that may do more */
  createToken(token: NewToken, actor: Actor, within?: TokenWork): Promise<{ token: ApiToken; secret: string }>;
  listTokens(page: PageQuery): Promise<{ items: ApiToken[]; total: number }>;
  revokeToken(id: string, actor: Actor, within?: TokenWork): Promise<void>;
}

/** In the transaction that makes or ends a token, in the place of its audit entry. */
export type TokenWork = (tx: Transaction, id: string) => Promise<void>;

export interface NewToken {
  name: string;
  role: Role;
  scopes?: Scope[] | undefined;
  expiresInDays?: number | undefined;
}

export interface AccountPorts {
  db: Database;
  clock: Clock;
  ids: Ids;
  /** Signs session cookies. */
  secret: string;
  publicUrl: string;
  trustedOrigins: readonly string[];
}

const tokenPattern = /^stl_([a-z2-7]{26})_([A-Za-z0-9_-]{32})$/;
/** Last use of a token is written at most this often. */
const TOUCH_INTERVAL_MS = 60_000;

export function createAccounts(ports: AccountPorts): Accounts {
  const { db, clock, ids } = ports;
  const auth = createAuth(ports);

  const ofToken = async (id: string, digest?: string): Promise<Actor | undefined> => {
    const { token: row, owner } = (await liveToken(db, id, clock.nowMs())) ?? {};
    if (row === undefined || (digest !== undefined && row.secretDigest !== digest)) return undefined;
    // Attack: keep a token for the day on which one is shut out. It may never do more than the person who made it may now.
    if (owner?.disabled === true) return undefined;
    const role = owner === undefined || atLeast(owner.role, row.role) ? row.role : owner.role;
    if (clock.nowMs() - (row.lastUsedAtMs ?? 0) > TOUCH_INTERVAL_MS) await touchToken(db, id, clock.nowMs());
    // What an audit shows has to lead to a person, whatever somebody called the token.
    return { id: row.id, name: `token ${row.name} of ${row.owner}`, role, via: 'token', scopes: readScopes(row.scopes) };
  };
  const byToken = async (text: string): Promise<Actor | undefined> => {
    const [, id, secret] = tokenPattern.exec(text) ?? [];
    return id === undefined || secret === undefined ? undefined : ofToken(id, secretDigest(secret));
  };
  const makeUser = async ({
    email,
    name,
    role,
  }: {
    email: string;
    name: string;
    role: Role;
  }): Promise<{ user: User; password: string }> => {
    const password = Buffer.from(ids.bytes(12)).toString('base64url');
    const created = await auth.api.createUser({ body: { email, name, password, role } }).catch((cause: unknown) => {
      throw new StarlingError('user-exists', `the user ${email} cannot be created`, {
        field: 'email',
        hint: 'is there one with this address already?',
        cause,
      });
    });
    const user = await userById(db, created.user.id);
    if (user === undefined) throw new StarlingError('not-found', 'the user was not stored');
    return { user, password };
  };
  return {
    handler: (request) => auth.handler(request),
    async identify(headers) {
      const authorization = headers.get('authorization');
      if (authorization !== null) return authorization.startsWith('Bearer ') ? byToken(authorization.slice('Bearer '.length)) : undefined;
      const found = await auth.api.getSession({ headers });
      if (found === null || found.user.banned === true) return undefined;
      const { id, email, role } = found.user;
      return { id, name: email, role: roleSchema.safeParse(role).data ?? 'viewer', via: 'session', scopes: null };
    },
    byToken,
    ofToken: (id) => ofToken(id),
    async bootstrap(email) {
      if ((await countUsers(db)) > 0) return undefined;
      return (await makeUser({ email, name: 'Admin', role: 'admin' })).password;
    },
    async createUser(user, actor) {
      requirePowerOver(user.role, actor);
      const created = await makeUser(user);
      await appendAudit(db, clock, actor, 'user.create', user.email, { role: user.role });
      return created;
    },
    async changeUser(id, change, actor) {
      const before = await userById(db, id);
      if (before === undefined) throw new StarlingError('not-found', `there is no user ${id}`, { field: 'id' });
      const gains = change.role !== undefined || change.disabled === false;
      if (gains) requirePowerOver(change.role ?? before.role, actor);
      const losesAdmin = before.role === 'admin' && !before.disabled && (change.disabled === true || (change.role ?? 'admin') !== 'admin');
      if (losesAdmin && (await activeAdmins(db)) <= 1) {
        throw new StarlingError('last-admin', 'the last admin cannot be disabled or lose the role', {
          field: 'role',
          hint: 'make another admin first',
        });
      }
      await db.transaction(async (tx) => {
        if (change.role !== undefined) await setRole(tx, id, change.role);
        if (change.disabled !== undefined) await setDisabled(tx, id, change.disabled);
        await appendAudit(tx, clock, actor, 'user.change', before.email, change);
      });
      return (await userById(db, id)) ?? before;
    },
    listUsers: (page) => selectUsers(db, page),
    async changePassword(headers, { current, next }, actor) {
      await auth.api
        .changePassword({ headers, body: { currentPassword: current, newPassword: next, revokeOtherSessions: true } })
        .catch((cause: unknown) => {
          throw new StarlingError('wrong-password', 'the password could not be changed', {
            field: 'current',
            hint: 'check the current password',
            cause,
          });
        });
      await appendAudit(db, clock, actor, 'user.change-password', actor.name);
    },
    async createToken({ name, role, scopes, expiresInDays }, actor, within) {
      requireWithin(scopes, actor);
      const secret = Buffer.from(ids.bytes(24)).toString('base64url');
      const nowMs = clock.nowMs();
      const row = {
        id: ids.next(),
        secretDigest: secretDigest(secret),
        name,
        role,
        scopes: scopes ?? null,
        owner: (actor.via === 'token' ? await ownerOfToken(db, actor.id) : undefined) ?? actor.name,
        createdAtMs: nowMs,
        expiresAtMs: expiresInDays === undefined ? null : nowMs + expiresInDays * 86_400_000,
        lastUsedAtMs: null,
        revokedAtMs: null,
      };
      await db.transaction(async (tx) => {
        await insertToken(tx, row);
        if (within === undefined) await appendAudit(tx, clock, actor, 'api-token.create', name, { id: row.id, role, scopes: row.scopes });
        else await within(tx, row.id);
      });
      return { token: toApiToken(row), secret: `stl_${row.id}_${secret}` };
    },
    listTokens: (page) => selectTokens(db, page),
    async revokeToken(id, actor, within) {
      await db.transaction(async (tx) => {
        if (!(await revokeToken(tx, id, clock.nowMs())))
          throw new StarlingError('not-found', `there is no live API token ${id}`, { field: 'id' });
        if (within === undefined) await appendAudit(tx, clock, actor, 'api-token.revoke', id);
        else await within(tx, id);
      });
    },
  };
}

/** Attack: a token that is bounded to some areas makes itself another that is not. */
function requireWithin(scopes: readonly Scope[] | undefined, { scopes: own }: Actor): void {
  if (own === null) return;
  const beyond = scopes === undefined ? 'everything' : scopes.find((scope) => !coversScope(own, scope));
  if (beyond === undefined) return;
  throw new StarlingError('forbidden', `a token for ${own.join(', ')} can make none for ${beyond}`, {
    field: 'scopes',
    hint: 'ask for less, or make it as a person',
  });
}

/** Attack: a token that is bounded to some areas makes a person, who is bounded to none, and signs in as that person. */
function requirePowerOver(role: Role, { scopes: own }: Actor): void {
  const needed = scopeSchema.options.filter((scope) => role !== 'viewer' || scope.endsWith(':read'));
  const beyond = needed.find((scope) => !coversScope(own, scope));
  if (own === null || beyond === undefined) return;
  throw new StarlingError('forbidden', `a token for ${own.join(', ')} can make nobody ${role}, who may do more`, {
    field: 'role',
    hint: `the first scope that it lacks is ${beyond}: add what lacks, or do it as a person`,
  });
}

/** A machine has many names and addresses: a page that came from the very host that it asks is our own, whichever of them it used. */
function ownOrigin(request: Request | undefined): string[] {
  const origin = request?.headers.get('origin') ?? '';
  if (request === undefined || !URL.canParse(origin)) return [];
  return new URL(origin).host === new URL(request.url).host ? [origin] : [];
}

const accessControl = createAccessControl(defaultStatements);
const nothing = accessControl.newRole({ user: [], session: [] });

function createAuth({ db, secret, publicUrl, trustedOrigins }: AccountPorts) {
  return betterAuth({
    database: drizzleAdapter(db, { provider: 'pg', schema: accountTables }),
    secret,
    baseURL: publicUrl,
    basePath: '/api/auth',
    trustedOrigins: (request) => [...trustedOrigins, ...ownOrigin(request)],
    emailAndPassword: { enabled: true, disableSignUp: true, minPasswordLength: 12, autoSignIn: false },
    session: { expiresIn: 7 * 86_400, updateAge: 86_400 },
    rateLimit: { enabled: true, window: 60, max: 100, customRules: { '/sign-in/email': { window: 60, max: 8 } } },
    advanced: {
      cookiePrefix: 'starling',
      useSecureCookies: false,
      defaultCookieAttributes: { httpOnly: true, sameSite: 'strict', path: '/' },
      ipAddress: { ipAddressHeaders: ['x-starling-peer'] },
    },
    // People are managed through our own API, which audits; the plugin only brings roles and banning.
    plugins: [
      admin({
        ac: accessControl,
        roles: { viewer: nothing, operator: nothing, admin: accessControl.newRole(adminAc.statements) },
        defaultRole: 'viewer',
        adminRoles: ['admin'],
      }),
    ],
    disabledPaths: [
      '/admin/create-user',
      '/admin/set-role',
      '/admin/ban-user',
      '/admin/impersonate-user',
      '/admin/remove-user',
      '/admin/set-user-password',
    ],
    telemetry: { enabled: false },
  });
}
