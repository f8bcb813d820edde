import { mkdir } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import { BLOB_BYTES_MAXIMUM, StarlingError } from '@starling/shared';
import { type FetchedFile, fetchFile } from './fetch-file.ts';
import type { ImportPorts } from './ports.ts';
import type { ImportSource } from './source.ts';

export interface FetchedData extends FetchedFile {
  /** As the model names it: a path beside itself. */
  name: string;
}

/** Attack: a model that has its reader ask for files without end. */
const FILES_MAXIMUM = 100;

/**
 * Files beside a model in which it keeps its data, as it names them.
 * @throws StarlingError `external-data-path`: attack, a model that has its reader touch whatever it names
 */
export async function dataFilesOf(model: string): Promise<string[]> {
  // Read only here: it parses the schema of ONNX, which nothing else of an import needs.
  const { filesBeside, staysInside } = await import('../artefacts/onnx/index.ts');
  const names = filesBeside(model);
  const strange = names.find((name) => !staysInside(name) || /(^|\/)\.?$/.test(name) || join(dirname(model), name) === join(model));
  if (strange === undefined) return names;
  throw new StarlingError('external-data-path', `the model keeps data in "${strange}", which is not a file of its own folder`, {
    field: 'source',
    hint: 'do not use it; ask whoever publishes it',
  });
}

/**
 * Fetches the files in which a model keeps its data from where it came from itself, of the same commit of a hub, and puts them beside it.
 * @param file where the model lies
 * @throws StarlingError `external-data-path`, `import-too-large`, and those of the download
 */
export async function fetchData(
  source: Exclude<ImportSource, { kind: 'file' }>,
  model: FetchedFile,
  file: string,
  ports: ImportPorts,
): Promise<FetchedData[]> {
  const names = await dataFilesOf(file);
  if (names.length > FILES_MAXIMUM)
    throw tooLarge(`the model keeps its data in ${names.length} files, at most ${FILES_MAXIMUM} are fetched`);
  let bytesLeft = BLOB_BYTES_MAXIMUM - model.sizeBytes;
  const fetched: FetchedData[] = [];
  for (const name of names) {
    const place = join(dirname(file), name);
    await mkdir(dirname(place), { recursive: true });
    // The digest that was given is that of the model alone.
    const limits = { ...ports, sha256: undefined, maximumBytes: bytesLeft };
    const data = await fetchFile(besideSource(source, model, name), place, limits);
    bytesLeft -= data.sizeBytes;
    fetched.push({ ...data, name });
  }
  return fetched;
}

function besideSource(
  source: Exclude<ImportSource, { kind: 'file' }>,
  { known }: FetchedFile,
  name: string,
): Exclude<ImportSource, { kind: 'file' }> {
  if (source.kind === 'hub') {
    // Of the very commit: a branch may move between two files.
    const revision = known?.revision ?? source.revision;
    return { ...source, path: posix.join(posix.dirname(source.path), name), revision };
  }
  const url = new URL(name.split('/').map(encodeURIComponent).join('/'), source.url);
  // What opens the model, as the key in a presigned address of a folder, may open its data.
  url.search = source.url.search;
  return { kind: 'address', url };
}

function tooLarge(message: string): StarlingError {
  return new StarlingError('import-too-large', message, { field: 'source', hint: 'save the model with its data in one file' });
}
