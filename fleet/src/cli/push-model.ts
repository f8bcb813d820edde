import {
  api,
  MODEL_BYTES_MAXIMUM,
  type ModelAsset,
  type ModelCard,
  type ModelDatasets,
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
import type { Connection, Context } from './context.ts';
import { requireFile } from './document-files.ts';
import { cliError } from './errors.ts';
import { readKeyFile } from './key-files.ts';
import { collect, readPairs, wordsSchema } from './options.ts';
import { packDirectory } from './pack-directory.ts';
import type { PushSource } from './push-source.ts';
import { requirePublisher } from './roots.ts';
import { readShapes } from './shapes.ts';
import { upload } from './upload.ts';

export const pushOptionsSchema = z.object({
  name: nameSchema,
  version: versionSchema,
  asset: wordsSchema,
  exampleShapes: wordsSchema,
  calibration: z.string().optional(),
  evaluation: z.string().optional(),
  publisherKey: z.string().optional(),
  wait: z.boolean().default(false),
});

/** What `model push` and `model import` have in common. */
export function addPushOptions(command: Command): Command {
  return command
    .requiredOption('--name <name>', 'name of the model')
    .requiredOption('--version <version>', 'semantic version, e.g. 1.0.0; versions never change')
    .option('--asset <name=file>', 'a file that the model needs beside its graph, e.g. dictionary=keys.txt; may be repeated', collect)
    .option('--example-shapes <input=1x3x320x320>', 'concrete shape of an input with free dimensions; may be repeated', collect)
    .option('--calibration <directory>', 'samples for static quantisation: images, .npy tensors, or a folder of .npy files each')
    .option(
      '--evaluation <directory>',
      'samples on which builds are compared, with labels.json (sample -> label) where the metric needs it',
    )
    .option('--publisher-key <file>', 'key that signs it (default: keys/publisher.json beside the login)')
    .option('--wait', 'wait until its artefacts are built');
}

/** What goes with a model, read and checked before the first byte is fetched or sent. */
export interface PreparedPush {
  name: string;
  version: string;
  assets: { name: string; file: string; sizeBytes: number }[];
  /** Directories of samples. */
  datasets: { calibration?: string | undefined; evaluation?: string | undefined };
  /** Shapes beside those of the card. */
  shapes: Record<string, number[]>;
  key: PrivateKey;
}

export interface ModelToPush extends PreparedPush {
  source: PushSource;
  card: ModelCard;
}

export async function preparePush({ settings }: Context, options: z.infer<typeof pushOptionsSchema>): Promise<PreparedPush> {
  const { name, version, calibration, evaluation } = options;
  const shapes = readShapes(options.exampleShapes, '--example-shapes');
  const assets: PreparedPush['assets'] = [];
  for (const [asset, path] of Object.entries(readPairs(options.asset, '--asset'))) {
    if (!nameSchema.safeParse(asset).success)
      throw cliError('usage', `"${asset}" is no name for an asset`, { field: '--asset', hint: 'use a-z, 0-9, _ and -' });
    assets.push({ name: asset, file: path, sizeBytes: await requireFile(path, `--asset ${asset}`, MODEL_BYTES_MAXIMUM) });
  }
  const key = await readKeyFile(options.publisherKey ?? settings.publisherKeyFile, '--publisher-key');
  return { name, version, assets, datasets: { calibration, evaluation }, shapes, key };
}

/** Asked before anything large is fetched or sent. @throws StarlingError `key-not-in-root`, `version-exists` */
export async function requirePushable(
  { client }: Connection,
  { name, version, key }: Pick<PreparedPush, 'name' | 'version' | 'key'>,
): Promise<void> {
  await requirePublisher(client, key);
  const { items } = await client.call(api.listModels, { query: { search: name, limit: 200, offset: 0 } });
  if (items.some((each) => each.name === name && each.version === version)) {
    throw new StarlingError('version-exists', `${name}@${version} exists; versions never change, and neither do their data sets`, {
      field: '--version',
      hint: 'raise the version',
    });
  }
}

export async function pushModel(context: Context, connection: Connection, prepared: ModelToPush): Promise<ModelView> {
  await requirePushable(connection, prepared);
  const datasets = await uploadDatasets(context, connection, prepared);
  const parts = prepared.source;
  const source = await upload(context, connection, { ...parts, kind: 'model' });
  const weights = parts.weights === undefined ? undefined : await upload(context, connection, { ...parts.weights, kind: 'weights' });
  const assets: ModelAsset[] = [];
  for (const asset of prepared.assets) {
    const { digest, sizeBytes, manifest } = await upload(context, connection, { ...asset, kind: 'file' });
    assets.push({ name: asset.name, digest, sizeBytes, manifest });
  }
  const { name, version, key, shapes } = prepared;
  const exampleShapes = { ...prepared.card.exampleShapes, ...shapes };
  const card = Object.keys(exampleShapes).length === 0 ? prepared.card : { ...prepared.card, exampleShapes };
  // The fleet loads the model before it answers, once for the draft and once to compare it with what was signed.
  const patient = connection.clientOver(connection.transport.fetchAbout(source.sizeBytes + (weights?.sizeBytes ?? 0)));
  const { document } = await patient.call(api.draftModel, {
    body: {
      ...{ name, version, upload: source.manifest, card, assets },
      ...(weights === undefined ? {} : { weights: weights.manifest }),
      ...(datasets === undefined ? {} : { datasets }),
    },
  });
  requireAsAsked(document, { name, version, card, source, weights, assets, datasets });
  const signed = await signDocument(await signerOf(key), 'model-version', document);
  return patient.call(api.createModel, { body: { signed } });
}

/** Packed and checked here, before the model is sent: a wrong sample is found in seconds. */
async function uploadDatasets(context: Context, connection: Connection, { datasets }: PreparedPush): Promise<ModelDatasets | undefined> {
  const uploaded: ModelDatasets = {};
  for (const name of ['calibration', 'evaluation'] as const) {
    const directory = datasets[name];
    if (directory === undefined) continue;
    const packed = await packDirectory(context, directory, `--${name}`);
    try {
      const { digest, sizeBytes, manifest } = await upload(context, connection, { ...packed, kind: 'file', title: `${name} set` });
      uploaded[name] = { name, digest, sizeBytes, manifest };
    } finally {
      await packed.remove();
    }
  }
  return Object.keys(uploaded).length === 0 ? undefined : uploaded;
}

/** Attack: a taken fleet drafts another document than was asked for, and the publisher signs it unseen. */
function requireAsAsked(
  document: ModelVersion,
  asked: Pick<ModelToPush, 'name' | 'version' | 'card'> & {
    source: Upload;
    weights: Upload | undefined;
    assets: ModelAsset[];
    datasets: ModelDatasets | undefined;
  },
): void {
  const { name, version, card, source, weights, assets, datasets } = asked;
  const digests = (sets: ModelDatasets | undefined): unknown[] => [sets?.calibration?.digest ?? null, sets?.evaluation?.digest ?? null];
  const pairs: [string, unknown, unknown][] = [
    ['name', document.name, name],
    ['version', document.version, version],
    ['source.digest', document.source.digest, source.digest],
    ['source.sizeBytes', document.source.sizeBytes, source.sizeBytes],
    ['weights', document.weights?.digest ?? null, weights?.digest ?? null],
    ['assets', document.assets.map(({ name: asset, digest }) => [asset, digest]), assets.map(({ name: asset, digest }) => [asset, digest])],
    ['datasets', digests(document.datasets), digests(datasets)],
    ['card', modelCardSchema.parse(document.card), modelCardSchema.parse(card)],
  ];
  for (const [field, got, wanted] of pairs) {
    if (JSON.stringify(got) !== JSON.stringify(wanted)) {
      throw cliError('draft-differs', `the fleet answered with another ${field} than was asked for; nothing was signed`, { field });
    }
  }
}
