import { type ApiClient, api, type ClaimTokenView, runPageLink } from '@starling/shared';
import type { Command } from 'commander';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { type ContextOf, collect, examples, numberOption, readOptions, readPairs, wordsSchema } from '../options.ts';
import { addPaging, fetchPages, showPage } from '../paging.ts';
import { formatTime } from '../printable.ts';
import { findClaimToken } from '../references.ts';

const createOptions = z.object({
  name: z.string().min(1).max(100).default('device'),
  uses: numberOption().int().min(1).max(100_000).default(1),
  expiresInHours: numberOption().min(0.01).max(8760).default(24),
  requireApproval: z.boolean().default(false),
  label: wordsSchema,
  release: z.string().max(200).optional(),
  tokenOnly: z.boolean().default(false),
  link: z.boolean().default(false),
});

/** Claim tokens: with one, a device enrols. */
export function defineTokenCommands(program: Command, contextOf: ContextOf): void {
  const token = program
    .command('token')
    .summary('claim tokens, with which devices enrol')
    .description('Create, list and revoke claim tokens. For tokens of people and scripts see "starling api-token".');
  token
    .command('create')
    .summary('create a claim token and print the command that installs an agent')
    .option('--name <text>', 'what it is for (default "device")')
    .option('--uses <n>', 'devices that may enrol with it (default 1)')
    .option('--expires-in-hours <n>', 'its life (default 24)')
    .option('--require-approval', 'a person has to approve each device')
    .option('--label <key=value>', 'label that its devices get; may be repeated', collect)
    .option('--release <name>', 'release that its devices get')
    .option('--token-only', 'print the token alone, not the command that installs an agent')
    .option('--link', 'print the link that makes a phone or a browser a device')
    .addHelpText(
      'after',
      examples(
        ['starling token create --release read-signs-1', 'one device, one day'],
        ['starling token create --uses 500 --expires-in-hours 168 --require-approval', 'for a site'],
        ['starling token create --link --expires-in-hours 1 --quiet', 'for a phone: the link alone'],
      ),
    )
    .action(async (_options, command: Command) => {
      const context = contextOf(command);
      const { label, release, tokenOnly, link, ...options } = readOptions(command, createOptions);
      const { client } = await context.connect();
      // With --quiet the token alone is printed, so nobody needs the packages that the command would fetch.
      const install = !tokenOnly && !link && (context.output.json || !context.output.quiet);
      if (install) await buildPackages(context, client);
      const address = link ? await addressForPhones(client) : undefined;
      const created = await client.call(api.createClaimToken, {
        body: { ...options, install, labels: readPairs(label, '--label'), ...(release === undefined ? {} : { release }) },
      });
      const { installCommand, text } = created;
      const pageLink = address === undefined ? undefined : runPageLink(address, text);
      context.output.notice(`claim token ${created.token.id}; it is shown this once, ends ${formatTime(created.token.expiresAtMs)}`);
      if (pageLink !== undefined) context.output.notice('open this on the phone, or in the browser:');
      else if (installCommand === null) context.output.notice('give it to "starling-agent enrol" on standard input:');
      else context.output.notice('run this on the device:');
      context.output.result(
        pageLink === undefined ? created : { ...created, link: pageLink },
        () => pageLink ?? installCommand ?? text,
        () => [pageLink ?? text],
      );
    });
  defineListAndRevoke(token, contextOf);
}

/** The best one at which another machine reaches the fleet; that of its own machine if there is none. */
async function addressForPhones(client: ApiClient): Promise<string> {
  const { reachableUrls, addresses } = await client.call(api.settings, {});
  return reachableUrls[0] ?? addresses.http;
}

/** The fleet builds them when they are first asked for. Before the token is made: who breaks off here leaves no token behind. */
async function buildPackages({ output, nowMs }: Context, client: ApiClient): Promise<void> {
  const startedMs = nowMs();
  const progress = output.progress('agent packages');
  const seconds = (): string => `${Math.round((nowMs() - startedMs) / 1000)} s`;
  const tick = setInterval(() => progress.update(undefined, `the fleet builds them, once, which takes a minute; ${seconds()}`), 1000);
  try {
    const { packages } = await client.call(api.listAgentPackages, {});
    progress.done(packages.map(({ platform }) => platform).join(', '));
  } catch (error) {
    progress.failed();
    throw error;
  } finally {
    clearInterval(tick);
  }
}

function defineListAndRevoke(token: Command, contextOf: ContextOf): void {
  addPaging(token.command('ls'))
    .summary('list claim tokens')
    .addHelpText('after', examples(['starling token ls', 'newest first']))
    .action(async (_options, command: Command) => {
      const context = contextOf(command);
      const { client } = await context.connect();
      const page = await fetchPages(command, (query) => client.call(api.listClaimTokens, { query }));
      const nowMs = context.nowMs();
      showPage(context, page, {
        columns: [
          { title: 'NAME', value: ({ name }) => name },
          { title: 'ID', value: ({ id }) => id },
          { title: 'STATE', value: (view) => stateOf(view, nowMs) },
          { title: 'USES LEFT', value: ({ usesLeft, usesTotal }) => `${usesLeft} of ${usesTotal}`, right: true },
          { title: 'APPROVAL', value: ({ requireApproval }) => (requireApproval ? 'required' : null) },
          { title: 'ENDS', value: ({ expiresAtMs }) => formatTime(expiresAtMs) },
          { title: 'BY', value: ({ createdBy }) => createdBy },
        ],
        name: ({ id }) => id,
        empty: 'no claim tokens yet; make one with "starling token create"',
      });
    });
  token
    .command('revoke')
    .argument('<token>', 'id or name')
    .summary('revoke a claim token; devices that enrolled with it stay')
    .addHelpText('after', examples(['starling token revoke gate-3', 'its name or id, as "starling token ls" shows them']))
    .action(async (reference: string, _options, command: Command) => {
      const context = contextOf(command);
      const { client } = await context.connect();
      const { id } = await findClaimToken(client, reference, context.nowMs());
      await client.call(api.revokeClaimToken, { params: { id } });
      context.output.result(
        { revoked: id },
        () => `revoked ${id}`,
        () => [id],
      );
    });
}

function stateOf({ revokedAtMs, expiresAtMs, usesLeft }: ClaimTokenView, nowMs: number): string {
  if (revokedAtMs !== null) return 'revoked';
  if (expiresAtMs <= nowMs) return 'expired';
  return usesLeft === 0 ? 'used up' : 'open';
}
