import { createWriteStream } from 'node:fs';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32 } from 'node:zlib';
import {
  DATASET_FILE_BYTES_MAXIMUM,
  DATASET_FILES_MAXIMUM,
  DATASET_UNPACKED_BYTES_MAXIMUM,
  isStarlingError,
  messageOf,
  StarlingError,
} from '@starling/shared';
import { type Entry, openPromise, type ZipFile } from 'yauzl';

/** The files of a zip archive, none of them read yet. */
export interface Archive {
  /** Name -> size after unpacking. */
  files: ReadonlyMap<string, number>;
  /** @throws StarlingError `dataset-broken` */
  extract(name: string, path: string): Promise<void>;
  /** For small files. @throws StarlingError `dataset-broken`, `dataset-too-large` */
  read(name: string, maximumBytes: number): Promise<Uint8Array>;
  close(): void;
}

/**
 * Opens an archive and looks at its directory alone, so that nothing is unpacked before it is known to be bounded.
 * @param field what to call it in errors, e.g. `datasets.calibration`
 * @throws StarlingError `dataset-not-a-zip`, `dataset-unsafe-path`, `dataset-too-large`, `dataset-duplicate-name`, `dataset-encrypted`
 */
export async function openArchive(file: string, field: string): Promise<Archive> {
  const zip = await openZip(file, field);
  try {
    const entries = await listEntries(zip, field);
    const requireEntry = (name: string): Entry => {
      const entry = entries.get(name);
      if (entry === undefined) throw new StarlingError('dataset-broken', `there is no "${name}" in the data set`, { field });
      return entry;
    };
    return {
      files: new Map([...entries].map(([name, entry]) => [name, entry.uncompressedSize])),
      extract: (name, path) => unpack(zip, requireEntry(name), field, createWriteStream(path, { mode: 0o600 })),
      read: (name, maximumBytes) => readEntry(zip, requireEntry(name), field, maximumBytes),
      close: () => zip.close(),
    };
  } catch (error) {
    zip.close();
    throw error;
  }
}

async function openZip(file: string, field: string): Promise<ZipFile> {
  try {
    return await openPromise(file, { autoClose: false, strictFileNames: true });
  } catch (cause) {
    throw new StarlingError('dataset-not-a-zip', `the data set is no zip archive: ${messageOf(cause)}`, {
      field,
      hint: 'upload a .zip, or let "starling model push" pack the directory',
      cause,
    });
  }
}

async function listEntries(zip: ZipFile, field: string): Promise<Map<string, Entry>> {
  const entries = new Map<string, Entry>();
  let unpackedBytes = 0;
  try {
    // Attack: a directory of millions of entries, or kilobytes that unpack to terabytes. Both are refused by what the directory says,
    // and what it says is checked again while a file is unpacked.
    if (zip.entryCount > DATASET_FILES_MAXIMUM)
      throw tooLarge(`${zip.entryCount} files, at most ${DATASET_FILES_MAXIMUM} are taken`, field);
    for await (const entry of zip.eachEntry()) {
      if (entry.fileName.endsWith('/')) continue;
      requireSafe(entry, field);
      if (entries.has(entry.fileName)) {
        // Attack: one reader takes the first of two, another the last.
        throw new StarlingError('dataset-duplicate-name', `two files are called "${entry.fileName}"`, { field, hint: 'pack it again' });
      }
      if (entry.uncompressedSize > DATASET_FILE_BYTES_MAXIMUM) {
        throw tooLarge(`"${entry.fileName}" has ${entry.uncompressedSize} bytes, at most ${DATASET_FILE_BYTES_MAXIMUM} are taken`, field);
      }
      unpackedBytes += entry.uncompressedSize;
      if (unpackedBytes > DATASET_UNPACKED_BYTES_MAXIMUM) {
        throw tooLarge(`it unpacks to more than ${DATASET_UNPACKED_BYTES_MAXIMUM} bytes`, field);
      }
      entries.set(entry.fileName, entry);
    }
  } catch (cause) {
    if (isStarlingError(cause)) throw cause;
    // The library itself refuses names that lead out of the archive.
    const unsafe = /invalid (relative path|characters in fileName)|absolute path/.test(messageOf(cause));
    if (unsafe) throw unsafePath(messageOf(cause), field);
    throw broken(messageOf(cause), field, cause);
  }
  return entries;
}

/** Attack: a file name that is a path out of the directory, or one that rewrites the screen of whoever reads the error. */
function requireSafe(entry: Entry, field: string): void {
  const { fileName } = entry;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this refuses
  if (/[\u0000-\u001f\u007f]/.test(fileName) || fileName.split('/').some((part) => part === '..' || part === '.' || part === '')) {
    throw unsafePath(`unsafe name ${JSON.stringify(fileName)}`, field);
  }
  if (entry.isEncrypted()) {
    throw new StarlingError('dataset-encrypted', `"${fileName}" is encrypted`, { field, hint: 'pack it without a password' });
  }
  if (!entry.canDecodeFileData()) {
    throw broken(`"${fileName}" is compressed by method ${entry.compressionMethod}; use deflate or none`, field);
  }
}

async function unpack(zip: ZipFile, entry: Entry, field: string, target: NodeJS.WritableStream): Promise<void> {
  let checksum = 0;
  const checked = new Transform({
    transform(piece: Uint8Array, _encoding, done) {
      checksum = crc32(piece, checksum);
      done(null, piece);
    },
  });
  try {
    await pipeline(await zip.openReadStreamPromise(entry), checked, target);
  } catch (cause) {
    throw broken(`"${entry.fileName}" cannot be unpacked: ${messageOf(cause)}`, field, cause);
  }
  if (checksum !== entry.crc32) throw broken(`"${entry.fileName}" is damaged: its checksum differs`, field);
}

async function readEntry(zip: ZipFile, entry: Entry, field: string, maximumBytes: number): Promise<Uint8Array> {
  if (entry.uncompressedSize > maximumBytes) {
    throw tooLarge(`"${entry.fileName}" has ${entry.uncompressedSize} bytes, at most ${maximumBytes} are taken`, field);
  }
  const pieces: Uint8Array[] = [];
  const target = new Transform({
    transform(piece: Uint8Array, _encoding, done) {
      pieces.push(piece);
      done();
    },
  });
  await unpack(zip, entry, field, target.resume());
  return Buffer.concat(pieces);
}

function tooLarge(what: string, field: string): StarlingError {
  return new StarlingError('dataset-too-large', `the data set is too large: ${what}`, { field, hint: 'use fewer or smaller samples' });
}

function unsafePath(what: string, field: string): StarlingError {
  return new StarlingError('dataset-unsafe-path', `the data set names a file outside of it: ${what}`, {
    field,
    hint: 'use plain file names, at most one folder deep',
  });
}

function broken(what: string, field: string, cause?: unknown): StarlingError {
  return new StarlingError('dataset-broken', `the data set cannot be read: ${what}`, { field, hint: 'pack and upload it again', cause });
}
