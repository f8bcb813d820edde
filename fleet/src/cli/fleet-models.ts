import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DOCUMENT_BYTES_MAXIMUM, isStarlingError, type ModelVersion, modelVersionSchema, verifyDocument } from '@starling/shared';
import type { Connection, Context } from './context.ts';
import { cliError } from './errors.ts';
import { openAnswer, openDownload } from './open-stream.ts';
import { findModel } from './references.ts';
import { newestRoot } from './roots.ts';

/** The files of a model version on this machine. */
export interface PulledModel {
  file: string;
  /** By name of the asset. */
  assets: Readonly<Record<string, string>>;
}

/** `name@version`: not a path, as far as anybody would write one. */
const versionPattern = /^[a-z0-9_-]{1,64}@\d+\.\d+\.\d+[A-Za-z0-9.+-]*$/;

export function isModelVersion(text: string): boolean {
  return versionPattern.test(text);
}

/**
 * A model version of the fleet that this command speaks to. Versions never change, so one that was pulled before is taken from the cache
 * without asking, as long as each file still is what the document says.
 * @param reference `name@version`
 * @throws StarlingError `not-signed-in`, `unreachable`, `not-found`, `untrusted-model`, `not-supported`
 */
export async function pullModel(reference: string, context: Context): Promise<PulledModel> {
  const fleet = context.settings.fleet ?? (await context.logins.current());
  if (fleet !== undefined) {
    const folder = folderFor(context, fleet, reference);
    const kept = await readKept(folder);
    if (kept !== undefined && (await isWhole(folder, kept))) return filesOf(folder, kept);
  }
  try {
    const connection = await context.connect();
    return await pull(reference, connection, folderFor(context, connection.fleet, reference), context);
  } catch (error) {
    if (!isStarlingError(error) || error.code !== 'unreachable') throw error;
    throw cliError('unreachable', `${reference} was not pulled before, and the fleet cannot be asked: ${error.message}`, {
      field: '--model',
      hint: 'try again when the fleet can be reached, or give a file with --model NAME=PATH',
    });
  }
}

function folderFor({ settings }: Context, fleet: string, reference: string): string {
  return join(settings.cacheDirectory, 'models', fleet.replace(/[^A-Za-z0-9.-]+/g, '_'), reference);
}

async function pull(reference: string, connection: Connection, folder: string, { output }: Context): Promise<PulledModel> {
  const { digest } = await findModel(connection.client, reference);
  const signed = await textOf(connection, `/models/${digest}/document`);
  const document = await verify(signed, digest, reference, connection);
  if (document.weights !== undefined) {
    throw cliError('not-supported', `${reference} is a model of two files, which is not run locally`, {
      field: '--model',
      hint: 'run it on a device, or give a single ONNX file with --model NAME=PATH',
    });
  }
  output.notice(`pulling ${reference} from ${connection.fleet}`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const { path, name, ...expected } of partsOf(document)) {
    await download(connection, `/models/${digest}/${path}`, join(folder, name), expected, reference);
  }
  // Last: a folder without it is not whole.
  await writeFile(join(folder, DOCUMENT), JSON.stringify(document), { mode: 0o600 });
  return filesOf(folder, document);
}

const DOCUMENT = 'document.json';

interface Part {
  /** Below the model version at the fleet. */
  path: string;
  /** In the cache. */
  name: string;
  digest: string;
  sizeBytes: number;
}

function partsOf({ source, assets }: ModelVersion): Part[] {
  const { digest, sizeBytes } = source;
  return [
    { path: 'source', name: 'source.onnx', digest, sizeBytes },
    ...assets.map((asset) => ({
      ...{ path: `assets/${asset.name}`, name: `asset-${asset.name}` },
      ...{ digest: asset.digest, sizeBytes: asset.sizeBytes },
    })),
  ];
}

function filesOf(folder: string, { assets }: ModelVersion): PulledModel {
  return {
    file: join(folder, 'source.onnx'),
    assets: Object.fromEntries(assets.map(({ name }) => [name, join(folder, `asset-${name}`)])),
  };
}

/** Attack: a fleet, or whoever speaks for it, gives another model than its publisher has signed. */
async function verify(signed: string, digest: string, reference: string, { client }: Connection): Promise<ModelVersion> {
  const untrusted = (why: string, cause?: unknown): Error =>
    cliError('untrusted-model', `${reference} is not what a publisher of the fleet has signed: ${why}`, { field: '--model', cause });
  const root = await newestRoot(client);
  if (root === undefined) throw untrusted('the fleet has no root document');
  if (createHash('sha256').update(signed).digest('hex') !== digest) throw untrusted('its document has another digest');
  const keys = root.root.keys.publisher;
  const document = await verifyDocument(signed, {
    ...{ kind: 'model-version', keys, schema: modelVersionSchema, maximumBytes: DOCUMENT_BYTES_MAXIMUM },
  } as const).catch((error: unknown) => {
    throw untrusted(String((error as Error).message), error);
  });
  if (`${document.name}@${document.version}` !== reference) throw untrusted(`it is ${document.name}@${document.version}`);
  return document;
}

async function download(
  connection: Connection,
  path: string,
  file: string,
  { digest, sizeBytes }: Pick<Part, 'digest' | 'sizeBytes'>,
  reference: string,
): Promise<void> {
  const part = `${file}.part`;
  const hash = createHash('sha256');
  let size = 0;
  const { stream } = await openDownload(connection, path);
  const handle = await open(part, 'w', 0o600);
  try {
    for await (const piece of stream) {
      const bytes = piece as Buffer;
      size += bytes.length;
      // Attack: endless data.
      if (size > sizeBytes) break;
      hash.update(bytes);
      await handle.write(bytes);
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  if (size === sizeBytes && hash.digest('hex') === digest) return rename(part, file);
  await rm(part, { force: true });
  throw cliError('untrusted-model', `a file of ${reference} is not the one that its publisher has signed`, {
    field: '--model',
    hint: 'try again: it may have been cut on the way',
  });
}

async function textOf(connection: Connection, path: string): Promise<string> {
  let text = '';
  for await (const piece of await openAnswer(connection, path, '*/*')) {
    text += String(piece);
    if (text.length > DOCUMENT_BYTES_MAXIMUM) break;
  }
  return text;
}

async function readKept(folder: string): Promise<ModelVersion | undefined> {
  try {
    return modelVersionSchema.parse(JSON.parse(await readFile(join(folder, DOCUMENT), 'utf8')));
  } catch {
    return undefined;
  }
}

async function isWhole(folder: string, document: ModelVersion): Promise<boolean> {
  for (const { name, digest } of partsOf(document)) {
    if ((await digestOf(join(folder, name))) !== digest) return false;
  }
  return true;
}

async function digestOf(file: string): Promise<string | undefined> {
  const hash = createHash('sha256');
  try {
    for await (const piece of createReadStream(file)) hash.update(piece as Buffer);
    return hash.digest('hex');
  } catch {
    return undefined;
  }
}
