import { type ApiToken, api, roleSchema, scopeSchema } from '@starling/shared';
import type { Command } from 'commander';
import { z } from 'zod';
import { type ContextOf, collect, examples, numberOption, readOptions } from '../options.ts';
import { addPaging, fetchPages, showPage } from '../paging.ts';
import { formatTime } from '../printable.ts';
import { findApiToken } from '../references.ts';

const createOptions = z.object({
  name: z.string().min(1).max(100),
  role: z.enum(roleSchema.options, 'use viewer, operator or admin'),
  scope: z
    .array(
      z.enum(scopeSchema.options, { error: ({ input }) => `there is no scope "${String(input)}"; use ${scopeSchema.options.join(', ')}` }),
    )
    .optional(),
  expiresInDays: numberOption().int().min(1).max(3650).optional(),
});

/** API tokens: with one, a script or a person calls the API. */
export function defineApiTokenCommands(program: Command, contextOf: ContextOf): void {
  const token = program
    .command('api-token')
    .summary('tokens of people and scripts for the API')
    .description('Create, list and revoke API tokens (role admin).');
  token
    .command('create')
    .summary('create an API token; its text is shown once')
    .requiredOption('--name <text>', 'what it is for')
    .requiredOption('--role <role>', 'viewer, operator or admin')
    .option('--scope <area:read|write>', 'bounds the token to a part of what its role may; may be repeated, write includes read', collect)
    .option('--expires-in-days <n>', 'its life; for ever if none is given')
    .addHelpText(
      'after',
      `\nScopes:\n${scopesByLine()}\n${examples(
        ['starling api-token create --name ci --role operator --expires-in-days 90 --quiet', 'prints the token alone'],
        ['starling api-token create --name charts --role viewer --scope devices:read --scope telemetry:read', 'nothing else is open to it'],
      )}`,
    )
    .action(async (_options, command: Command) => {
      const context = contextOf(command);
      const { expiresInDays, scope, ...options } = readOptions(command, createOptions);
      const { client } = await context.connect();
      const created = await client.call(api.createApiToken, {
        body: {
          ...options,
          ...(expiresInDays === undefined ? {} : { expiresInDays }),
          ...(scope === undefined ? {} : { scopes: [...new Set(scope)] }),
        },
      });
      const { id, role, scopes } = created.token;
      context.output.notice(`API token ${id} (${[role, ...(scopes ?? [])].join(', ')}); it is shown this once`);
      context.output.result(
        created,
        () => created.secret,
        () => [created.secret],
      );
    });
  defineListAndRevoke(token, contextOf);
}

function defineListAndRevoke(token: Command, contextOf: ContextOf): void {
  addPaging(token.command('ls'))
    .summary('list API tokens')
    .addHelpText('after', examples(['starling api-token ls', 'with last use']))
    .action(async (_options, command: Command) => {
      const context = contextOf(command);
      const { client } = await context.connect();
      const page = await fetchPages(command, (query) => client.call(api.listApiTokens, { query }));
      const nowMs = context.nowMs();
      showPage(context, page, {
        columns: [
          { title: 'NAME', value: ({ name }) => name },
          { title: 'ID', value: ({ id }) => id },
          { title: 'ROLE', value: ({ role }) => role },
          { title: 'SCOPES', value: ({ scopes }) => scopes?.join(' ') ?? 'all' },
          { title: 'STATE', value: (view) => stateOf(view, nowMs) },
          { title: 'LAST USED', value: ({ lastUsedAtMs }) => formatTime(lastUsedAtMs) },
          { title: 'ENDS', value: ({ expiresAtMs }) => formatTime(expiresAtMs) },
          { title: 'OWNER', value: ({ owner }) => owner },
        ],
        name: ({ id }) => id,
        empty: 'no API tokens yet',
      });
    });
  token
    .command('revoke')
    .argument('<token>', 'id or name')
    .summary('revoke an API token at once')
    .addHelpText('after', examples(['starling api-token revoke ci', 'its name or id, as "starling api-token ls" shows them']))
    .action(async (reference: string, _options, command: Command) => {
      const context = contextOf(command);
      const { client } = await context.connect();
      const { id } = await findApiToken(client, reference, context.nowMs());
      await client.call(api.revokeApiToken, { params: { id } });
      context.output.result(
        { revoked: id },
        () => `revoked ${id}`,
        () => [id],
      );
    });
}

/** Of a token, or of an account that ends with its token. */
export function stateOf({ revokedAtMs, expiresAtMs }: Pick<ApiToken, 'revokedAtMs' | 'expiresAtMs'>, nowMs: number): string {
  if (revokedAtMs !== null) return 'revoked';
  return expiresAtMs !== null && expiresAtMs <= nowMs ? 'expired' : 'live';
}

/** One line an area, e.g. `devices:read, devices:write`. */
function scopesByLine(): string {
  const areas = Map.groupBy(scopeSchema.options, (scope) => scope.split(':')[0]);
  return [...areas.values()].map((scopes) => `  ${scopes.join(', ')}`).join('\n');
}
