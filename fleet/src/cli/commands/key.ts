import { type ApiClient, generatePrivateKey, type PrivateKey, type PublicKey, publicKeyOf } from '@starling/shared';
import type { Command } from 'commander';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { cliError } from '../errors.ts';
import { fingerprintOf, readKeyFile, writeKeyFile } from '../key-files.ts';
import { type ContextOf, collect, examples, readOptions, wordsSchema } from '../options.ts';
import { exists } from '../private-files.ts';
import { newestRoot, publishNextRoot, requireSignedBy } from '../roots.ts';
import { rootLife, sayPublished } from './key-published.ts';
import { defineRotate } from './key-rotate.ts';
import { showKeys } from './key-show.ts';

const createOptions = z.object({
  root: z.boolean().default(false),
  publisher: z.boolean().default(false),
  out: z.string().optional(),
  publisherKey: z.string().optional(),
  publish: z.boolean(),
  expiresInDays: rootLife,
});
const publishOptions = z.object({
  rootKey: z.string().optional(),
  publisherKey: wordsSchema,
  drop: wordsSchema,
  expiresInDays: rootLife,
  acceptFleetKey: z.boolean().default(false),
});

/** Root and publisher keys stay with people: the fleet never sees their private halves. */
export function defineKeyCommands(program: Command, contextOf: ContextOf): void {
  const key = program
    .command('key')
    .summary('root and publisher keys, and the root document that names them')
    .description(
      'The root key names who may publish; the publisher key signs models, pipelines and releases. Both are files of mode 0600 on your machine; the fleet never has them.',
    );
  key
    .command('create')
    .summary('make a key')
    .option('--root', 'make the root key, and a publisher key if there is none, and publish the first root document')
    .option('--publisher', 'make a publisher key')
    .option('--out <file>', 'where to write it (default: keys/root.json or keys/publisher.json beside the login)')
    .option('--publisher-key <file>', 'with --root: the publisher key to name')
    .option('--no-publish', 'with --root: make the key alone')
    .option('--expires-in-days <n>', 'life of the root document (default 365)')
    .addHelpText(
      'after',
      examples(
        ['starling key create --root', 'everything that a new fleet needs'],
        ['starling key create --publisher --out ci-publisher.json', 'one more publisher; add it with "starling key publish"'],
      ),
    )
    .action(async (_options, command: Command) => {
      const context = contextOf(command);
      const options = readOptions(command, createOptions);
      if (options.root === options.publisher)
        throw cliError('usage', 'which kind of key?', { field: '--root', hint: 'give --root or --publisher, one of them' });
      await (options.root ? createRootKey(context, options) : createPublisherKey(context, options));
    });
  definePublish(key, contextOf);
  defineRotate(key, contextOf);
  key
    .command('show')
    .argument('[file...]', 'key files; your own ones if none is given')
    .summary('ids and fingerprints of key files and of the root; never private parts')
    .addHelpText(
      'after',
      examples(
        ['starling key show', 'the root of the fleet, and which of its keys you hold'],
        ['starling key show ci-publisher.json', 'one file'],
      ),
    )
    .action((files: string[], _options, command: Command) => showKeys(contextOf(command), files));
}

function definePublish(key: Command, contextOf: ContextOf): void {
  key
    .command('publish')
    .summary('publish the next root document: first publication, new publishers, a longer life')
    .option('--root-key <file>', 'the root key (default: keys/root.json beside the login)')
    .option('--publisher-key <file>', 'a publisher to add; may be repeated', collect)
    .option('--drop <id>', 'id of a publisher key to remove; what it signed is refused from then on; may be repeated', collect)
    .option('--expires-in-days <n>', 'life of the root document (default 365)')
    .option('--accept-fleet-key', 'also name the key that the fleet has now')
    .addHelpText(
      'after',
      examples(
        ['starling key publish --publisher-key ci-publisher.json', 'add a publisher'],
        ['starling key publish', 'renew before it expires'],
      ),
    )
    .action(async (_options, command: Command) => {
      const context = contextOf(command);
      const options = readOptions(command, publishOptions);
      const rootKey = await readKeyFile(options.rootKey ?? context.settings.rootKeyFile, '--root-key');
      const { client } = await context.connect();
      const current = await newestRoot(client);
      if (current !== undefined) await requireSignedBy(current, publicKeyOf(rootKey));
      const files = options.publisherKey ?? (current === undefined ? [context.settings.publisherKeyFile] : []);
      const added: PublicKey[] = [];
      for (const file of files) added.push(publicKeyOf(await readKeyFile(file, '--publisher-key')));
      const publishers = dropKeys([...(current?.root.keys.publisher ?? []), ...added], options.drop ?? []);
      const published = await publishNextRoot(client, current, {
        ...options,
        rootKey,
        publishers,
        lifeDays: options.expiresInDays,
        nowMs: context.nowMs(),
      });
      sayPublished(context, published);
    });
}

async function createPublisherKey({ settings, output }: Context, { out }: z.infer<typeof createOptions>): Promise<void> {
  const file = out ?? settings.publisherKeyFile;
  const key = await generatePrivateKey();
  await writeKeyFile(file, key, '--out');
  const fingerprint = await fingerprintOf(key);
  output.notice('add it to the root with "starling key publish --publisher-key FILE"; keep a copy offline');
  output.result(
    { role: 'publisher', file, kid: key.kid, fingerprint },
    () => `publisher key ${key.kid} in ${file}`,
    () => [key.kid],
  );
}

async function createRootKey(context: Context, options: z.infer<typeof createOptions>): Promise<void> {
  const { settings, output, nowMs } = context;
  const file = options.out ?? settings.rootKeyFile;
  const client = options.publish ? (await context.connect()).client : undefined;
  if (client !== undefined) await requireNoRoot(client);
  const publisherFile = options.publisherKey ?? settings.publisherKeyFile;
  // Everything that can refuse has been asked before the first file is written.
  const publisher = client === undefined ? undefined : await readOrMakePublisher(context, publisherFile);
  const rootKey = await generatePrivateKey();
  await writeKeyFile(file, rootKey, '--out');
  output.notice(`root key ${rootKey.kid} in ${file}; keep a copy offline: without it no key can ever be replaced`);
  const made = { role: 'root', file, kid: rootKey.kid, fingerprint: await fingerprintOf(rootKey) };
  if (client === undefined || publisher === undefined) {
    output.result(
      made,
      () => `root key ${rootKey.kid} in ${file}`,
      () => [rootKey.kid],
    );
    return;
  }
  const { version, digest } = await publishNextRoot(client, undefined, {
    ...{ rootKey, publishers: [publicKeyOf(publisher)], nowMs: nowMs(), lifeDays: options.expiresInDays, acceptFleetKey: true },
  });
  output.result(
    { ...made, publisher: { file: publisherFile, kid: publisher.kid }, root: { version, digest } },
    () => `root ${version} is published: root key ${rootKey.kid}, publisher ${publisher.kid}`,
    () => [rootKey.kid],
  );
}

async function requireNoRoot(client: ApiClient): Promise<void> {
  const known = await newestRoot(client);
  if (known === undefined) return;
  throw cliError('root-exists', `the fleet has root ${known.root.version} already`, {
    field: '--root',
    hint: 'replace its key with "starling key rotate --root", or make the key alone with --no-publish',
  });
}

async function readOrMakePublisher({ output }: Context, file: string): Promise<PrivateKey> {
  if (await exists(file)) return readKeyFile(file, '--publisher-key');
  const key = await generatePrivateKey();
  await writeKeyFile(file, key, '--publisher-key');
  output.notice(`publisher key ${key.kid} in ${file}`);
  return key;
}

function dropKeys(keys: readonly PublicKey[], dropped: readonly string[]): PublicKey[] {
  for (const kid of dropped) {
    if (!keys.some((key) => key.kid === kid))
      throw cliError('usage', `the root names no publisher ${kid}`, { field: '--drop', hint: 'see "starling key show"' });
  }
  const kept = keys.filter(({ kid }) => !dropped.includes(kid));
  if (kept.length === 0) throw cliError('usage', 'a root needs a publisher', { field: '--drop', hint: 'add another with --publisher-key' });
  return kept;
}
