import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { MODEL_BYTES_MAXIMUM, type ModelOrigin, StarlingError } from '@starling/shared';
import { download } from './download.ts';
import { findHubFile, type HubFile } from './hub.ts';
import type { ImportSource } from './source.ts';

export interface ImportPorts {
  nowMs(): number;
  signal: AbortSignal;
  sleep(ms: number): Promise<void>;
  onProgress(doneBytes: number, totalBytes: number | undefined): void;
  onRetry(reason: string, attempt: number): void;
  /** Address of the hub of `hf://`. */
  hub: URL;
  /** Token for the hub alone. */
  hubToken: string | undefined;
  /** What the file has to be, if it is known. */
  sha256: string | undefined;
  insecure: boolean;
  maximumBytes?: number;
}

export interface ImportedFile {
  file: string;
  sizeBytes: number;
  origin: ModelOrigin;
  /** Removes it, unless it was here before. */
  remove(): Promise<void>;
}

/**
 * Brings a file here and checks it.
 * @throws StarlingError `import-hash-differs`, `import-too-large`, and those of the download
 */
export async function importFile(source: ImportSource, ports: ImportPorts): Promise<ImportedFile> {
  if (source.kind === 'file') return importLocal(source.path, ports);
  const temporary = await mkdtemp(join(tmpdir(), 'starling-import-'));
  const remove = (): Promise<void> => rm(temporary, { recursive: true, force: true });
  try {
    return { ...(await fetchFile(source, join(temporary, 'model.onnx'), ports)), remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function importLocal(path: string, { nowMs, sha256 }: ImportPorts): Promise<ImportedFile> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new StarlingError('bad-source', `there is no file ${path}`, { field: 'source', cause });
  });
  const digest = await hashFile(path, 'sha256');
  requireEqual(digest, sha256, '--sha256');
  // The name alone: where it lay on somebody's disk is nobody's business.
  const origin = { address: `file:${basename(path)}`, sha256: digest, fetchedAtMs: nowMs() };
  return { file: path, sizeBytes: found.size, origin, remove: async () => undefined };
}

async function fetchFile(
  source: Exclude<ImportSource, { kind: 'file' }>,
  file: string,
  ports: ImportPorts,
): Promise<Omit<ImportedFile, 'remove'>> {
  const { hub, hubToken, sha256, signal, insecure, maximumBytes = MODEL_BYTES_MAXIMUM } = ports;
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
  const { onProgress, onRetry, sleep } = ports;
  await download(url, file, { ...options, onProgress, onRetry, sleep, maximumBytes, sizeBytes: known?.sizeBytes });
  const digest = await hashFile(file, 'sha256');
  const { size: sizeBytes } = await stat(file);
  requireEqual(digest, sha256, '--sha256');
  if (known?.digest?.algorithm === 'sha256') requireEqual(digest, known.digest.hex, 'the hub');
  if (known?.digest?.algorithm === 'git') requireEqual(await hashFile(file, 'sha1', `blob ${sizeBytes}\0`), known.digest.hex, 'the hub');
  const origin: ModelOrigin = {
    // A query may hold a key that opens the address.
    address: source.kind === 'hub' ? `hf://${source.owner}/${source.name}/${source.path}` : `${url.origin}${url.pathname}`,
    ...(known === undefined ? {} : { revision: known.revision }),
    sha256: digest,
    ...(known?.licence === undefined ? {} : { licence: known.licence.slice(0, 200) }),
    fetchedAtMs: ports.nowMs(),
  };
  return { file, sizeBytes, origin };
}

/** Attack: another file than the one that was published, or a disk that lies. */
function requireEqual(found: string, wanted: string | undefined, by: string): void {
  if (wanted === undefined || found === wanted) return;
  throw new StarlingError('import-hash-differs', `the file is ${found}, by ${by} it has to be ${wanted}`, {
    field: 'source',
    hint: 'do not use it; ask whoever publishes it',
  });
}

async function hashFile(file: string, algorithm: 'sha1' | 'sha256', prefix = ''): Promise<string> {
  const hash = createHash(algorithm).update(prefix);
  for await (const piece of createReadStream(file, { highWaterMark: 1024 ** 2 })) hash.update(piece as Uint8Array);
  return hash.digest('hex');
}
