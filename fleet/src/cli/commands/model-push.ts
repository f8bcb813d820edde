import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import {
  api,
  isStarlingError,
  MODEL_BYTES_MAXIMUM,
  type ModelAsset,
  type ModelCard,
  type ModelVersion,
  type ModelView,
  modelCardSchema,
  nameSchema,
  type PrivateKey,
  StarlingError,
  signDocument,
  signerOf,
  type Upload,
  versionSchema,
} from '@starling/shared';
import type { Command } from 'commander';
import { z } from 'zod';
import type { Connection, Context } from '../context.ts';
import { readDocument, requireFile } from '../document-files.ts';
import { cliError } from '../errors.ts';
import { readKeyFile } from '../key-files.ts';
import { readOptions, readPairs, wordsSchema } from '../options.ts';
import { formatBytes } from '../printable.ts';
import { requirePublisher } from '../roots.ts';
import { waitForBuilds } from './wait-for-builds.ts';

const pushOptions = z.object({
  name: nameSchema,
  version: versionSchema,
  card: z.string(),
  asset: wordsSchema,
  exampleShapes: wordsSchema,
  publisherKey: z.string().optional(),
  wait: z.boolean().default(false),
});

/** What is to be pushed, read and checked before the first byte is sent. */
interface Prepared {
  name: string;
  version: string;
  file: string;
  sizeBytes: number;
  card: ModelCard;
  assets: { name: string; file: string; sizeBytes: number }[];
  key: PrivateKey;
}

export async function pushModel(context: Context, file: string, command: Command): Promise<ModelView> {
  const options = readOptions(command, pushOptions);
  const prepared = await prepare(context, file, options);
  const connection = await context.connect();
  const { client } = connection;
  await requirePublisher(client, prepared.key);
  await requireNewVersion(connection, prepared);

  const source = await upload(context, connection, { ...prepared, kind: 'model' });
  const assets: ModelAsset[] = [];
  for (const asset of prepared.assets) {
    const { digest, sizeBytes, manifest } = await upload(context, connection, { ...asset, kind: 'file' });
    assets.push({ name: asset.name, digest, sizeBytes, manifest });
  }
  const { name, version, card, key } = prepared;
  const { document } = await client.call(api.draftModel, { body: { name, version, upload: source.manifest, card, assets } });
  requireAsAsked(document, { name, version, card, source, assets });
  const signed = await signDocument(await signerOf(key), 'model-version', document);
  const view = await client.call(api.createModel, { body: { signed } });
  return options.wait ? waitForBuilds(context, client, view) : view;
}

async function prepare({ settings }: Context, file: string, options: z.infer<typeof pushOptions>): Promise<Prepared> {
  const { name, version } = options;
  const sizeBytes = await requireFile(file, 'file', MODEL_BYTES_MAXIMUM);
  const card = await readDocument(options.card, '--card', modelCardSchema);
  const shapes = readShapes(options.exampleShapes);
  const assets: Prepared['assets'] = [];
  for (const [asset, path] of Object.entries(readPairs(options.asset, '--asset'))) {
    if (!nameSchema.safeParse(asset).success)
      throw cliError('usage', `"${asset}" is no name for an asset`, { field: '--asset', hint: 'use a-z, 0-9, _ and -' });
    assets.push({ name: asset, file: path, sizeBytes: await requireFile(path, `--asset ${asset}`, MODEL_BYTES_MAXIMUM) });
  }
  const key = await readKeyFile(options.publisherKey ?? settings.publisherKeyFile, '--publisher-key');
  const exampleShapes = { ...card.exampleShapes, ...shapes };
  return { name, version, file, sizeBytes, assets, key, card: Object.keys(exampleShapes).length === 0 ? card : { ...card, exampleShapes } };
}

function readShapes(words: readonly string[] | undefined): Record<string, number[]> {
  const shapes: Record<string, number[]> = {};
  for (const [input, text] of Object.entries(readPairs(words, '--example-shapes'))) {
    if (!/^[1-9]\d{0,8}([x,][1-9]\d{0,8}){0,7}$/.test(text)) {
      throw cliError('usage', `"${text}" is no shape`, { field: '--example-shapes', hint: 'write it like x=1x3x320x320' });
    }
    shapes[input] = text.split(/[x,]/).map(Number);
  }
  return shapes;
}

/** Versions never change: better to hear it before a gigabyte was sent than after. */
async function requireNewVersion({ client }: Connection, { name, version }: Prepared): Promise<void> {
  const { items } = await client.call(api.listModels, { query: { search: name, limit: 200, offset: 0 } });
  if (items.some((each) => each.name === name && each.version === version)) {
    throw new StarlingError('version-exists', `${name}@${version} exists; versions never change`, {
      field: '--version',
      hint: 'raise the version',
    });
  }
}

const ATTEMPTS_MAXIMUM = 3;
const PAUSE_MS = 1000;

/** Sends a file, and again if the connection breaks. @throws StarlingError `draft-differs` if something else arrived */
async function upload(
  context: Context,
  { transport, clientOver }: Connection,
  { file, sizeBytes, kind }: { file: string; sizeBytes: number; kind: 'model' | 'file' },
): Promise<Upload> {
  const progress = context.output.progress(`upload ${basename(file)}`);
  for (let attempt = 1; ; attempt += 1) {
    const hash = createHash('sha256');
    let sentBytes = 0;
    const sending = transport.sendFile(file, sizeBytes, (piece) => {
      hash.update(piece);
      sentBytes += piece.length;
      progress.update(sentBytes / sizeBytes, `${formatBytes(sentBytes)} of ${formatBytes(sizeBytes)}`);
    });
    try {
      const stored = await clientOver(sending).call(api.upload, { query: { kind }, raw: new Uint8Array(0) });
      const digest = hash.digest('hex');
      // Attack: the fleet, or somebody on the way, has another file signed than the one that was pushed.
      if (stored.digest !== digest)
        throw cliError('draft-differs', `the fleet stored ${stored.digest}, ${file} is ${digest}`, { field: 'file' });
      progress.done(formatBytes(sizeBytes));
      return stored;
    } catch (error) {
      const again = isStarlingError(error) && error.retryable && attempt < ATTEMPTS_MAXIMUM && !context.signal.aborted;
      if (!again) {
        progress.failed();
        throw error;
      }
      context.output.notice(`the upload broke off; attempt ${attempt + 1} of ${ATTEMPTS_MAXIMUM}`);
      await context.sleep(PAUSE_MS * attempt);
    }
  }
}

/** Attack: a taken fleet drafts another document than was asked for, and the publisher signs it unseen. */
function requireAsAsked(
  document: ModelVersion,
  asked: { name: string; version: string; card: ModelCard; source: Upload; assets: ModelAsset[] },
): void {
  const { name, version, card, source, assets } = asked;
  const pairs: [string, unknown, unknown][] = [
    ['name', document.name, name],
    ['version', document.version, version],
    ['source.digest', document.source.digest, source.digest],
    ['source.sizeBytes', document.source.sizeBytes, source.sizeBytes],
    ['assets', document.assets.map(({ name: asset, digest }) => [asset, digest]), assets.map(({ name: asset, digest }) => [asset, digest])],
    ['card', modelCardSchema.parse(document.card), modelCardSchema.parse(card)],
  ];
  for (const [field, got, wanted] of pairs) {
    if (JSON.stringify(got) !== JSON.stringify(wanted)) {
      throw cliError('draft-differs', `the fleet answered with another ${field} than was asked for; nothing was signed`, { field });
    }
  }
}
