import { Zip, ZipPassThrough } from 'fflate';
import { StarlingError } from '../errors.ts';

/** A file of a data set, read when its turn comes. */
export interface DatasetFile {
  /** Path below the directory of the data set, with `/` between its parts. */
  name: string;
  read(): AsyncIterable<Uint8Array>;
}

/** What file managers leave behind: no part of a data set. */
export function isLitter(name: string): boolean {
  return /(^|\/)(\.[^/]*|__MACOSX|Thumbs\.db|desktop\.ini)(\/|$)/.test(name);
}

/**
 * The least time that zip knows, by the fields that it stores: they are those of the local clock, so that it is the same in every
 * timezone.
 */
const epoch = (): Date => new Date(1980, 0, 1);

/**
 * Packs files into a zip archive, piece by piece. The same names and bytes give the same archive: files are sorted, have no times, and are
 * stored as they are, since images are compressed already and the blob store compresses the rest.
 */
export async function* packDataset(files: readonly DatasetFile[]): AsyncGenerator<Uint8Array> {
  const ready: Uint8Array[] = [];
  const zip = new Zip((error, piece) => {
    if (error !== null) throw new StarlingError('pack-failed', error.message, { cause: error });
    ready.push(piece);
  });
  const sorted = files.filter(({ name }) => !isLitter(name)).toSorted((left, right) => (left.name < right.name ? -1 : 1));
  for (const { name, read } of sorted) {
    const entry = new ZipPassThrough(name);
    entry.mtime = epoch();
    zip.add(entry);
    for await (const piece of read()) {
      entry.push(piece);
      yield* ready.splice(0);
    }
    entry.push(new Uint8Array(0), true);
    yield* ready.splice(0);
  }
  zip.end();
  yield* ready.splice(0);
}
