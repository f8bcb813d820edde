import { type ApiClient, api, generatePrivateKey, type PrivateKey, publicKeyOf } from '@starling/shared';
import type { Command } from 'commander';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { cliError } from '../errors.ts';
import { fingerprintOf, readKeyFile, writeKeyFile } from '../key-files.ts';
import { type ContextOf, examples, readOptions } from '../options.ts';
import { replacePrivateFile } from '../private-files.ts';
import { type NextRoot, newestRoot, publishNextRoot, requireSignedBy, type SignedRoot } from '../roots.ts';
import { rootLife, sayPublished } from './key-published.ts';

const kinds = ['root', 'publisher', 'fleetKey', 'tls'] as const;

const rotateOptions = z.object({
  root: z.boolean().default(false),
  publisher: z.boolean().default(false),
  fleetKey: z.boolean().default(false),
  tls: z.boolean().default(false),
  rootKey: z.string().optional(),
  out: z.string().optional(),
  dropOld: z.boolean().default(false),
  force: z.boolean().default(false),
  expiresInDays: rootLife,
  acceptFleetKey: z.boolean().default(false),
});
type RotateOptions = z.infer<typeof rotateOptions>;

/** One key in the place of another, each by a root that the root key of now has signed. */
export function defineRotate(key: Command, contextOf: ContextOf): void {
  key
    .command('rotate')
    .summary("replace the root key, the publisher key, the fleet's own key or its certificate authority, in a root signed by the root key")
    .option('--root', 'replace the root key')
    .option('--publisher', 'replace the publisher key; what the old one signed stays valid unless --drop-old')
    .option(
      '--fleet-key',
      "replace the fleet's own key, at once; of what the old one signed, artefacts alone stay valid, unless --drop-old",
    )
    .option(
      '--tls',
      "replace the fleet's certificate authority, when the fleet starts again; devices believe the old one too, until --drop-old",
    )
    .option('--root-key <file>', 'the root key of now (default: keys/root.json beside the login)')
    .option(
      '--out <file>',
      'with --root or --publisher: where to write the new key (default: in place of the old file, which is kept beside it)',
    )
    .option('--drop-old', 'no longer name the old keys; with --tls, after the fleet was started again: believe the authority of now alone')
    .option('--force', 'with --tls --drop-old: also where a process or the broker still shows the old one, and would lose its devices')
    .option('--expires-in-days <n>', 'life of the root document (default 365)')
    .option('--accept-fleet-key', 'also name the key that the fleet has now')
    .addHelpText(
      'after',
      examples(
        ['starling key rotate --root', 'devices follow, for the old key signs the new root'],
        ['starling key rotate --publisher --out publisher-2027.json --drop-old', 'after a publisher key was lost'],
        ['starling key rotate --fleet-key', 'once a year, or after somebody had access to the machine of the fleet'],
        ['starling key rotate --tls', 'then start the fleet again; devices that were away meanwhile follow too'],
      ),
    )
    .action(async (_options, command: Command) => rotate(contextOf(command), readOptions(command, rotateOptions)));
}

async function rotate(context: Context, options: RotateOptions): Promise<void> {
  if (options.force && !(options.tls && options.dropOld))
    throw cliError('usage', 'nothing is to be forced', { field: '--force', hint: 'it belongs to --tls --drop-old' });
  const [kind, ...others] = kinds.filter((each) => options[each]);
  if (kind === undefined || others.length > 0)
    throw cliError('usage', 'which key?', { field: '--root', hint: 'give --root, --publisher, --fleet-key or --tls, one of them' });
  const old = await readKeyFile(options.rootKey ?? context.settings.rootKeyFile, '--root-key');
  const { client } = await context.connect();
  const current = await newestRoot(client);
  if (current === undefined)
    throw cliError('key-not-in-root', 'the fleet has no root yet', { field: '--root', hint: 'run "starling key create --root"' });
  await requireSignedBy(current, publicKeyOf(old));
  if (kind === 'root' || kind === 'publisher') await rotateOwn(context, client, current, old, options);
  else await rotateOfFleet(context, client, current, old, options);
}

/** A key that lies with the operator. */
async function rotateOwn(context: Context, client: ApiClient, current: SignedRoot, old: PrivateKey, options: RotateOptions): Promise<void> {
  const { rootKeyFile, publisherKeyFile } = context.settings;
  const made = await generatePrivateKey();
  const place = options.out ?? (options.root ? (options.rootKey ?? rootKeyFile) : publisherKeyFile);
  const file = options.out ?? `${place}.new`;
  // On disk before the fleet knows it: a key that the root names and nobody has would lock everybody out.
  await writeKeyFile(file, made, '--out');
  const before = current.root.keys.publisher;
  const next = options.root
    ? { rootKey: made, oldRootKey: old, publishers: before }
    : { rootKey: old, publishers: options.dropOld ? [publicKeyOf(made)] : [...before, publicKeyOf(made)] };
  const { expiresInDays: lifeDays, acceptFleetKey } = options;
  const published = await publishNextRoot(client, current, { ...next, lifeDays, acceptFleetKey, nowMs: context.nowMs() });
  if (file !== place) await replacePrivateFile(place, file, `${place}.before-root-${published.version}`);
  context.output.notice(`the new ${options.root ? 'root' : 'publisher'} key ${made.kid} lies in ${place}; keep a copy offline`);
  sayPublished(context, published);
}

/** What lies with the fleet: it makes the new one, and the root key says that it counts. */
async function rotateOfFleet(
  context: Context,
  client: ApiClient,
  current: SignedRoot,
  rootKey: PrivateKey,
  options: RotateOptions,
): Promise<void> {
  const { expiresInDays: lifeDays, acceptFleetKey, dropOld, force } = options;
  const { keys } = current.root;
  const rest = { rootKey, publishers: keys.publisher, lifeDays, acceptFleetKey, force, nowMs: context.nowMs() };
  let change: Pick<NextRoot, 'fleet' | 'authorities'>;
  if (options.fleetKey) {
    const { key } = await client.call(api.prepareFleetKey, { body: {} });
    const retired = [...(keys.retired ?? []), ...keys.fleet].filter(({ kid }) => kid !== key.kid);
    change = { fleet: { keys: [key], retired: dropOld ? [] : retired } };
    context.output.notice(`the new key of the fleet is ${key.kid}, ${await fingerprintOf(key)}`);
    if (dropOld) context.output.notice('artefacts that were built until now are refused from here on: build them anew');
  } else {
    change = { authorities: await (dropOld ? newestAuthority(client, current) : nextAuthorities(context, client)) };
  }
  sayPublished(context, await publishNextRoot(client, current, { ...rest, ...change }));
}

async function nextAuthorities({ output }: Context, client: ApiClient): Promise<string[]> {
  const { digest, current } = await client.call(api.prepareAuthority, { body: {} });
  output.notice(`start the fleet again: then it shows certificates of the authority ${digest}, and people sign in again`);
  return [digest, current];
}

/**
 * The one that stays. A process that was not started again since the change still shows the one of before; the fleet then says so, and
 * who else does.
 */
async function newestAuthority(client: ApiClient, { root }: SignedRoot): Promise<string[]> {
  const { authorities } = await client.call(api.listAuthorities, {});
  const follows = authorities.find(({ state, digest }) => state === 'next' && root.authorities?.includes(digest) === true);
  const kept = follows ?? authorities.find(({ state }) => state === 'now');
  if (kept === undefined)
    throw cliError('usage', 'the certificate of this fleet is given by files, so it has no authority', { field: '--tls' });
  return [kept.digest];
}
