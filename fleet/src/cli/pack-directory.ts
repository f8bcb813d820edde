import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DATASET_BYTES_MAXIMUM, DATASET_FILES_MAXIMUM, type DatasetFile, isLitter, messageOf, packDataset } from '@starling/shared';
import { checkDataset, type DatasetSummary } from '../datasets/index.ts';
import type { Context } from './context.ts';
import { cliError } from './errors.ts';
import { formatBytes } from './printable.ts';

/** A data set as one file, to be uploaded. */
export interface PackedDirectory {
  file: string;
  sizeBytes: number;
  summary: DatasetSummary;
  remove(): Promise<void>;
}

/** Samples lie in the directory, or in one folder each. */
const DEPTH_MAXIMUM = 2;

/**
 * Packs a directory of samples into a zip archive and checks it as the fleet will.
 * @param flag what to call it in errors, e.g. `--calibration`
 * @throws StarlingError `bad-file`, and codes that start with `dataset-`
 */
export async function packDirectory({ output }: Context, directory: string, flag: string): Promise<PackedDirectory> {
  const listed = await listFiles(directory, flag);
  const totalBytes = listed.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  if (totalBytes > DATASET_BYTES_MAXIMUM) {
    throw cliError('bad-file', `${directory} has ${formatBytes(totalBytes)}, at most ${formatBytes(DATASET_BYTES_MAXIMUM)} are taken`, {
      field: flag,
      hint: 'use fewer or smaller samples',
    });
  }
  const temporary = await mkdtemp(join(tmpdir(), 'starling-dataset-'));
  const remove = (): Promise<void> => rm(temporary, { recursive: true, force: true });
  const progress = output.progress(`pack ${directory}`);
  try {
    let packedBytes = 0;
    const counted = listed.map(
      ({ name, path }): DatasetFile => ({
        name,
        async *read() {
          for await (const piece of createReadStream(path, { highWaterMark: 256 * 1024 })) {
            packedBytes += (piece as Uint8Array).length;
            progress.update(packedBytes / totalBytes, `${formatBytes(packedBytes)} of ${formatBytes(totalBytes)}`);
            yield piece as Uint8Array;
          }
        },
      }),
    );
    const file = join(temporary, 'dataset.zip');
    await pipeline(Readable.from(packDataset(counted)), createWriteStream(file, { mode: 0o600 }));
    const summary = await checkDataset(file, flag);
    const { size: sizeBytes } = await stat(file);
    progress.done(`${summary.samples} samples, ${formatBytes(sizeBytes)}`);
    return { file, sizeBytes, summary, remove };
  } catch (error) {
    progress.failed();
    await remove();
    throw error;
  }
}

async function listFiles(directory: string, flag: string): Promise<{ name: string; path: string; sizeBytes: number }[]> {
  const files: { name: string; path: string; sizeBytes: number }[] = [];
  const walk = async (folder: string, prefix: string, depth: number): Promise<void> => {
    for (const entry of await readdir(folder)) {
      const [name, path] = [`${prefix}${entry}`, join(folder, entry)];
      if (isLitter(name)) continue;
      const found = await stat(path);
      if (found.isDirectory() && depth < DEPTH_MAXIMUM) await walk(path, `${name}/`, depth + 1);
      else if (found.isFile()) files.push({ name, path, sizeBytes: found.size });
      else throw cliError('bad-file', `${path} is neither a sample nor a folder of one`, { field: flag });
      if (files.length > DATASET_FILES_MAXIMUM) {
        throw cliError('bad-file', `${directory} has more than ${DATASET_FILES_MAXIMUM} files`, { field: flag, hint: 'use fewer samples' });
      }
    }
  };
  try {
    await walk(directory, '', 1);
  } catch (cause) {
    const { code } = cause as { code?: unknown };
    if (code === 'bad-file') throw cause;
    const missing = code === 'ENOENT' || code === 'ENOTDIR';
    throw cliError('bad-file', missing ? `there is no directory ${directory}` : messageOf(cause), { field: flag, cause });
  }
  return files;
}
