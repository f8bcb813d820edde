import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { StarlingError } from '@starling/shared';
import { download } from './download.ts';
import { hashFile, requireEqual } from './hash-file.ts';
import { findHubFile, type HubFile } from './hub.ts';
import type { ImportPorts } from './ports.ts';
import type { ImportSource } from './source.ts';

export interface FetchedFile {
  sizeBytes: number;
  sha256: string;
  /** Where it came from, without what may open the place. */
  address: string;
  /** What the hub says of it, where it came from one. */
  known: HubFile | undefined;
}

/**
 * Fetches one file and checks it by all that is known of it.
 * @throws StarlingError `import-hash-differs`, `import-too-large`, and those of the download
 */
export async function fetchFile(
  source: Exclude<ImportSource, { kind: 'file' }>,
  file: string,
  { hub, hubToken, sha256, signal, insecure, sleep, onProgress, onRetry, maximumBytes }: ImportPorts & { maximumBytes: number },
): Promise<FetchedFile> {
  const headers: Record<string, string> = source.kind === 'hub' && hubToken !== undefined ? { authorization: `Bearer ${hubToken}` } : {};
  // Whoever knows the digest need not trust the way.
  const options = { headers, signal, insecure: insecure || sha256 !== undefined };
  const known: HubFile | undefined = source.kind === 'hub' ? await findHubFile(source, hub, options) : undefined;
  if (known?.sizeBytes !== undefined && known.sizeBytes > maximumBytes) {
    throw new StarlingError('import-too-large', `the file has ${known.sizeBytes} bytes, at most ${maximumBytes} are taken`, {
      field: 'source',
      hint: 'import a smaller or a quantised export',
    });
  }
  const url = source.kind === 'hub' ? known?.url : source.url;
  if (url === undefined) throw new StarlingError('bad-source', 'the source names nothing', { field: 'source' });
  const progress = (doneBytes: number, totalBytes: number | undefined): void => onProgress(basename(file), doneBytes, totalBytes);
  await download(url, file, { ...options, onProgress: progress, onRetry, sleep, maximumBytes, sizeBytes: known?.sizeBytes });
  const digest = await hashFile(file, 'sha256');
  const { size: sizeBytes } = await stat(file);
  requireEqual(digest, sha256, '--sha256');
  if (known?.digest?.algorithm === 'sha256') requireEqual(digest, known.digest.hex, 'the hub');
  if (known?.digest?.algorithm === 'git') requireEqual(await hashFile(file, 'sha1', `blob ${sizeBytes}\0`), known.digest.hex, 'the hub');
  return {
    sizeBytes,
    sha256: digest,
    // A query may hold a key that opens the address.
    address: source.kind === 'hub' ? `hf://${source.owner}/${source.name}/${source.path}` : `${url.origin}${url.pathname}`,
    known,
  };
}
