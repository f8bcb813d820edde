import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { MODEL_BYTES_MAXIMUM, type ModelOrigin, StarlingError } from '@starling/shared';
import { fetchFile } from './fetch-file.ts';
import { hashFile, requireEqual } from './hash-file.ts';
import { dataFilesOf, fetchData } from './model-data.ts';
import type { ImportPorts } from './ports.ts';
import type { ImportSource } from './source.ts';

export interface ImportedFile {
  file: string;
  /** Of all files. */
  sizeBytes: number;
  origin: ModelOrigin;
  /** Removes it, unless it was here before. */
  remove(): Promise<void>;
}

/**
 * Brings a model here, with the files that it keeps its data in, and checks them.
 * @throws StarlingError `import-hash-differs`, `import-too-large`, `external-data-path`, and those of the download
 */
export async function importFile(source: ImportSource, ports: ImportPorts): Promise<ImportedFile> {
  if (source.kind === 'file') return importLocal(source.path, ports);
  const temporary = await mkdtemp(join(tmpdir(), 'starling-import-'));
  const remove = (): Promise<void> => rm(temporary, { recursive: true, force: true });
  try {
    return { ...(await importRemote(source, temporary, ports)), remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function importRemote(
  source: Exclude<ImportSource, { kind: 'file' }>,
  folder: string,
  ports: ImportPorts,
): Promise<Omit<ImportedFile, 'remove'>> {
  const file = join(folder, fileNameOf(source));
  const model = await fetchFile(source, file, { ...ports, maximumBytes: MODEL_BYTES_MAXIMUM });
  const data = await fetchData(source, model, file, ports);
  const { address, known, sha256 } = model;
  const origin: ModelOrigin = {
    address,
    ...(known === undefined ? {} : { revision: known.revision }),
    sha256,
    ...(data.length === 0 ? {} : { data: data.map((each) => ({ file: each.name, sha256: each.sha256 })) }),
    ...(known?.licence === undefined ? {} : { licence: known.licence.slice(0, 200) }),
    fetchedAtMs: ports.nowMs(),
  };
  return { file, sizeBytes: data.reduce((sum, { sizeBytes }) => sum + sizeBytes, model.sizeBytes), origin };
}

async function importLocal(path: string, { nowMs, sha256 }: ImportPorts): Promise<ImportedFile> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new StarlingError('bad-source', `there is no file ${path}`, { field: 'source', cause });
  });
  const digest = await hashFile(path, 'sha256');
  requireEqual(digest, sha256, '--sha256');
  const data: { file: string; sha256: string; sizeBytes: number }[] = [];
  for (const name of await dataFilesOf(path)) {
    const beside = join(dirname(path), name);
    const size = (await stat(beside).catch(() => undefined))?.size;
    // What is missing is said by whoever reads the model, with the tensor that lacks it.
    if (size !== undefined) data.push({ file: name, sha256: await hashFile(beside, 'sha256'), sizeBytes: size });
  }
  const origin: ModelOrigin = {
    // The name alone: where it lay on somebody's disk is nobody's business.
    address: `file:${basename(path)}`,
    sha256: digest,
    ...(data.length === 0 ? {} : { data: data.map(({ file, sha256: each }) => ({ file, sha256: each })) }),
    fetchedAtMs: nowMs(),
  };
  return { file: path, sizeBytes: data.reduce((sum, each) => sum + each.sizeBytes, found.size), origin, remove: async () => undefined };
}

/** Its own name, for people read it; another where it would be no plain one. */
function fileNameOf(source: Exclude<ImportSource, { kind: 'file' }>): string {
  const name = basename(source.kind === 'hub' ? source.path : source.url.pathname);
  return /^\w[\w.-]{0,199}$/.test(name) ? name : 'model.onnx';
}
