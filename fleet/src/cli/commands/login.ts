import { hostname, userInfo } from 'node:os';
import { type Actor, api } from '@starling/shared';
import type { Command } from 'commander';
import { z } from 'zod';
import { chooseAuthority } from '../certificate.ts';
import { type Connection, type Context, openConnection, readAuthority, requireSafe } from '../context.ts';
import { cliError } from '../errors.ts';
import type { Credential } from '../login-store.ts';
import { type ContextOf, examples, numberOption, readOptions } from '../options.ts';
import { signIn, signOut } from '../sign-in.ts';
import { formatFields } from '../table.ts';

const loginOptions = z.object({
  email: z.email('is no e-mail address').optional(),
  passwordStdin: z.boolean().default(false),
  tokenStdin: z.boolean().default(false),
  caFingerprint: z
    .string()
    .regex(/^(sha256:)?([0-9a-f]{2}[: ]?){32}$/i, 'is no SHA-256 fingerprint (64 hexadecimal digits)')
    .optional(),
  expiresInDays: numberOption().int().min(1).max(3650).default(90),
});
type LoginOptions = z.infer<typeof loginOptions>;

export function defineLogin(program: Command, contextOf: ContextOf): void {
  program
    .command('login')
    .summary('sign in at a fleet and remember it')
    .description('Signs in with an API token, or with e-mail and password, which it trades for a token of its own. Stored with mode 0600.')
    .option('--email <address>', 'e-mail of the account; the password is asked for')
    .option('--password-stdin', 'read the password from standard input')
    .option('--token-stdin', 'read an API token from standard input')
    .option('--ca-fingerprint <sha256>', "fingerprint of the fleet's own certificate authority, as its Settings page shows it")
    .option('--expires-in-days <n>', 'life of the token that is made (default 90)')
    .addHelpText(
      'after',
      examples(
        ['starling login --fleet http://localhost:8080 --email admin@starling.local', 'asks for the password'],
        ['starling login --fleet https://fleet.example:8443 --token-stdin <token.txt', 'an API token'],
      ),
    )
    .action(async (_options, command: Command) => {
      const context = contextOf(command);
      const options = readOptions(command, loginOptions);
      const fleet = context.settings.fleet ?? (await context.logins.current());
      if (fleet === undefined)
        throw cliError('usage', 'which fleet?', { field: '--fleet', hint: 'give --fleet https://fleet.example:8443' });
      requireSafe(fleet, context.settings);
      const given = await readAuthority(context.settings);
      const pinned = (await context.logins.find(fleet))?.authority;
      const authority = await chooseAuthority({ ...context, fleet, given, pinned, fingerprint: options.caFingerprint });
      const { credential, actor } = await obtainCredential(context, { fleet, authority }, options);
      await context.logins.save(fleet, { credential, ...(authority === undefined ? {} : { authority }) });
      context.output.result({ fleet, actor, credential: credential.kind }, () => `signed in at ${fleet} as ${actor.name} (${actor.role})`);
    });
  defineLogout(program, contextOf);
}

function defineLogout(program: Command, contextOf: ContextOf): void {
  program
    .command('logout')
    .summary('forget a fleet, and revoke the token that login made')
    .addHelpText(
      'after',
      examples(['starling logout', 'the fleet of the last login'], ['starling logout --fleet https://fleet.example:8443', 'another one']),
    )
    .action(async (_options, command: Command) => {
      const context = contextOf(command);
      const fleet = context.settings.fleet ?? (await context.logins.current());
      const login = fleet === undefined ? undefined : await context.logins.find(fleet);
      if (fleet === undefined || login === undefined) {
        context.output.result({ fleet: fleet ?? null, revoked: false }, () => 'you were not signed in');
        return;
      }
      const connection = openConnection({ fleet, ...login, signal: context.signal });
      const revoked = await revoke(connection).finally(() => connection.transport.close());
      await context.logins.remove(fleet);
      if (!revoked) context.output.warn('the token could not be revoked; it is forgotten here');
      context.output.result({ fleet, revoked }, () => `signed out of ${fleet}`);
    });

  program
    .command('whoami')
    .summary('who is signed in, and where')
    .addHelpText('after', examples(['starling whoami', 'name, role and fleet'], ['starling whoami --json', 'for scripts']))
    .action(async (_options, command: Command) => {
      const context = contextOf(command);
      const { client, fleet } = await context.connect();
      const actor = await client.call(api.whoAmI, {});
      context.output.result(
        { fleet, ...actor },
        () =>
          formatFields([
            ['fleet', fleet],
            ['name', actor.name],
            ['role', actor.role],
            ['scopes', actor.scopes?.join(', ') ?? 'all'],
            ['by', actor.via],
          ]),
        () => [actor.name],
      );
    });
}

interface Where {
  fleet: string;
  authority: string | undefined;
}

async function obtainCredential(context: Context, where: Where, options: LoginOptions): Promise<{ credential: Credential; actor: Actor }> {
  const { prompt, settings, signal } = context;
  let token = options.tokenStdin ? await prompt.readAll() : options.email === undefined ? settings.token : undefined;
  if (token === undefined && options.email === undefined)
    token = await prompt.askSecret('API token (or use --email): ', 'pipe it in and give --token-stdin');
  const credential: Credential =
    token === undefined
      ? { kind: 'session', cookie: await signInWithPassword(context, where, options) }
      : { kind: 'token', token: token.trim(), madeAtLogin: false };
  const connection = openConnection({ ...where, credential, signal });
  try {
    const actor = await connection.client.call(api.whoAmI, {});
    // Only an admin may make tokens; everybody else goes on with the session, which ends after a week.
    if (credential.kind === 'token' || actor.role !== 'admin') return { credential, actor };
    const { secret } = await connection.client.call(api.createApiToken, {
      body: { name: `cli ${userInfo().username}@${hostname()}`.slice(0, 100), role: actor.role, expiresInDays: options.expiresInDays },
    });
    await signOut(connection.transport, where.fleet);
    return { credential: { kind: 'token', token: secret, madeAtLogin: true }, actor };
  } finally {
    connection.transport.close();
  }
}

async function signInWithPassword({ prompt, signal }: Context, { fleet, authority }: Where, options: LoginOptions): Promise<string> {
  const email = options.email ?? '';
  const password = options.passwordStdin
    ? await prompt.readAll()
    : await prompt.askSecret(`Password of ${email}: `, 'pipe it in and give --password-stdin');
  const { transport } = openConnection({ fleet, credential: { kind: 'session', cookie: '' }, authority, signal });
  try {
    return await signIn(transport, fleet, { email, password });
  } finally {
    transport.close();
  }
}

async function revoke({ fleet, credential, client, transport }: Connection): Promise<boolean> {
  try {
    if (credential.kind === 'session') await signOut(transport, fleet);
    else if (credential.madeAtLogin) {
      const id = /^stl_([a-z2-7]{26})_/.exec(credential.token)?.[1] ?? '';
      await client.call(api.revokeApiToken, { params: { id } });
    }
    return true;
  } catch {
    return false;
  }
}
