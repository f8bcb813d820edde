import { createWriteStream } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { Connection, Context } from './context.ts';
import { openDownload } from './open-stream.ts';

/**
 * Writes an answer of the fleet into a file, which appears once it is whole.
 * @param path below `/api/v1`
 * @param file where to; by default as the fleet calls it
 * @throws StarlingError with the code of the fleet's problem
 */
export async function downloadFile(
  { output, signal }: Pick<Context, 'output' | 'signal'>,
  connection: Connection,
  path: string,
  { file, fallback }: { file: string | undefined; fallback: string },
): Promise<{ file: string; sizeBytes: number }> {
  const { stream, name } = await openDownload(connection, path);
  const target = file ?? name ?? fallback;
  const progress = output.progress(`writing ${target}`);
  const partial = `${target}.part`;
  try {
    await pipeline(stream, createWriteStream(partial, { mode: 0o600 }), { signal });
    await rename(partial, target);
  } catch (error) {
    progress.failed();
    await rm(partial, { force: true });
    throw error;
  }
  const { size } = await stat(target);
  progress.done(`${(size / 1e6).toFixed(1)} MB`);
  return { file: target, sizeBytes: size };
}
