import { createHash } from 'node:crypto';
import { realpathSync, statSync } from 'node:fs';
import { posix, resolve, sep } from 'node:path';
import { messageOf, StarlingError } from '@starling/shared';
import { byteLengthOf } from './element-types.ts';
import { type FileSource, openFileSource, regionPayload } from './payload.ts';
import { dataLocation, type ModelProto, type TensorProto, tensorDataType } from './proto.ts';
import { tensorsOf } from './subgraphs.ts';
import { sizeOf } from './tensor.ts';

/**
 * Ties all tensors that are kept in other files to these files, without reading their data; the model then looks as if it held them.
 * @param directory the only place where such files may lie
 * @returns the open files
 * @throws StarlingError `external-data-path` for a way out of the directory, `external-data-missing`, `external-data-corrupt`
 */
export function readExternalData(model: ModelProto, directory: string): FileSource[] {
  const sources = new Map<string, ExternalFile>();
  try {
    for (const tensor of tensorsOf(model)) {
      if (tensor.dataLocation === dataLocation.external) attachRegion(tensor, directory, sources);
    }
  } catch (error) {
    for (const source of sources.values()) source.close();
    throw error;
  }
  return [...sources.values()];
}

interface ExternalFile extends FileSource {
  /** Once it was needed. */
  sha1: string | undefined;
}

/** Files that a model's tensors are kept in, as it names them. */
export function externalFiles(model: ModelProto): string[] {
  const names = new Set<string>();
  for (const tensor of tensorsOf(model)) {
    if (tensor.dataLocation === dataLocation.external) names.add(entryOf(tensor, 'location') ?? '');
  }
  return [...names].sort();
}

function attachRegion(tensor: TensorProto, directory: string, sources: Map<string, ExternalFile>): void {
  const location = entryOf(tensor, 'location');
  if (location === undefined) throw corrupt(tensor, 'names no file');
  let source = sources.get(location);
  if (source === undefined) {
    source = { ...openFileSource(insidePath(directory, location, tensor)), sha1: undefined };
    sources.set(location, source);
  }
  verifyChecksum(tensor, source);
  if (tensor.dataType === tensorDataType.string) throw corrupt(tensor, 'holds texts, which cannot be kept outside');
  const expected = byteLengthOf(tensor.dataType, sizeOf(tensor));
  const offset = numberEntry(tensor, 'offset') ?? 0;
  const length = numberEntry(tensor, 'length') ?? expected;
  if (offset + length > source.byteLength) {
    throw corrupt(tensor, `is to be at ${offset} to ${offset + length} of ${location}, which has ${source.byteLength} bytes`);
  }
  if (length !== expected) throw corrupt(tensor, `needs ${expected} bytes, ${length} are kept in ${location}`);
  delete tensor.dataLocation;
  delete tensor.externalData;
  delete tensor.rawData;
  tensor.payload = regionPayload(source, offset, length);
}

/** Whether a name of external data, by its letters alone, lies in the folder of its model. */
export function staysInside(location: string): boolean {
  const leadsOut =
    location === '' ||
    location.includes('\0') ||
    location.includes('\\') ||
    /^[A-Za-z]:/.test(location) ||
    posix.isAbsolute(location) ||
    location.split('/').includes('..');
  return !leadsOut;
}

/**
 * The real path of a named file, if it lies in the directory. A model is a stranger's: without this it could make the fleet read any file
 * (CVE-2022-25882, CVE-2024-27318, CVE-2024-5187).
 */
function insidePath(directory: string, location: string, tensor: TensorProto): string {
  if (!staysInside(location)) throw badPath(tensor, location);
  let real: string;
  try {
    real = realpathSync(resolve(directory, location));
  } catch (cause) {
    throw new StarlingError(
      'external-data-missing',
      `the tensor "${tensor.name ?? ''}" is kept in ${location}, which is not here: ${messageOf(cause)}`,
      { field: 'model.graph.initializer', hint: 'put the file beside the model, or save the model with its data inside', cause },
    );
  }
  if (!real.startsWith(`${realpathSync(directory)}${sep}`)) throw badPath(tensor, location);
  if (!statSync(real).isFile()) throw corrupt(tensor, `is kept in ${location}, which is no file`);
  return real;
}

function badPath(tensor: TensorProto, location: string): StarlingError {
  return new StarlingError(
    'external-data-path',
    `the tensor "${tensor.name ?? ''}" points to "${location}", outside of the model's folder`,
    {
      field: 'model.graph.initializer',
      hint: 'external data has to lie in the folder of the model, under a relative path without ".." or links that lead out',
    },
  );
}

function numberEntry(tensor: TensorProto, key: string): number | undefined {
  const text = entryOf(tensor, key);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(value)) throw corrupt(tensor, `has the ${key} "${text}"`);
  return value;
}

const SHA1_HEX = 40;

/** ONNX knows a checksum of the whole file; few exporters write it. */
function verifyChecksum(tensor: TensorProto, source: ExternalFile): void {
  const expected = entryOf(tensor, 'checksum')?.toLowerCase();
  if (expected === undefined || expected.length !== SHA1_HEX) return;
  source.sha1 ??= sha1Of(source);
  if (source.sha1 !== expected) throw corrupt(tensor, 'is kept in a file with another checksum than the model says');
}

function sha1Of(source: FileSource): string {
  const hash = createHash('sha1');
  for (const piece of regionPayload(source, 0, source.byteLength).pieces()) hash.update(piece);
  return hash.digest('hex');
}

function entryOf(tensor: TensorProto, key: string): string | undefined {
  return tensor.externalData?.find((entry) => entry.key === key)?.value;
}

function corrupt(tensor: TensorProto, what: string): StarlingError {
  return new StarlingError('external-data-corrupt', `the tensor "${tensor.name ?? ''}" ${what}`, {
    field: 'model.graph.initializer',
    hint: 'the model and its data file do not belong together: export both again',
  });
}
