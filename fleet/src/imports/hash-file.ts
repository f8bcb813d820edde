import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { StarlingError } from '@starling/shared';

/** @param prefix what is hashed before the file, as git does @returns hexadecimal */
export async function hashFile(file: string, algorithm: 'sha1' | 'sha256', prefix = ''): Promise<string> {
  const hash = createHash(algorithm).update(prefix);
  for await (const piece of createReadStream(file, { highWaterMark: 1024 ** 2 })) hash.update(piece as Uint8Array);
  return hash.digest('hex');
}

/** Attack: another file than the one that was published, or a disk that lies. @throws StarlingError `import-hash-differs` */
export function requireEqual(found: string, wanted: string | undefined, by: string): void {
  if (wanted === undefined || found === wanted) return;
  throw new StarlingError('import-hash-differs', `the file is ${found}, by ${by} it has to be ${wanted}`, {
    field: 'source',
    hint: 'do not use it; ask whoever publishes it',
  });
}
