import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { InferenceSession } from 'onnxruntime-node';
import { z } from 'zod';
import { createSystemClock } from '../clock.ts';

/**
 * Models as the engine has optimised them for this hardware: loading one skips that work. They hold for one engine on one hardware, and
 * never leave this device.
 */
export const optimisedCacheSchema = z.object({
  directory: z.string(),
  /** Engine and hardware that the models are optimised for. */
  runtimeVersion: z.string(),
  hardware: z.string(),
  maximumBytes: z.number().int().nonnegative(),
});
export type OptimisedCache = z.infer<typeof optimisedCacheSchema>;

type Options = InferenceSession.SessionOptions;

/** Opens a model from the cache, or from its file, and then keeps what the engine made of it. */
export async function openOptimised(location: string, options: Options, cache: OptimisedCache): Promise<InferenceSession> {
  await mkdir(cache.directory, { recursive: true, mode: 0o700 });
  const path = pathOf(location, options, cache);
  const kept = await readVerified(path);
  if (kept !== undefined) {
    try {
      return await InferenceSession.create(kept, { ...options, graphOptimizationLevel: 'disabled' });
    } catch {
      // Whatever it is that the engine does not take: it makes it again.
      await forget(path);
    }
  }
  return openAndKeep(location, options, path, cache);
}

async function openAndKeep(location: string, options: Options, path: string, cache: OptimisedCache): Promise<InferenceSession> {
  const temporary = `${path}.${process.pid}.new`;
  // The engine warns that the file is for this hardware only: that is what it is for.
  const session = await InferenceSession.create(location, {
    ...options,
    graphOptimizationLevel: 'all',
    optimizedModelFilePath: temporary,
    logSeverityLevel: 3,
  });
  try {
    await writeFile(`${path}.sha256`, sha256(await readFile(temporary)), { mode: 0o600 });
    await rename(temporary, path);
    await prune(cache, path);
  } catch {
    // A full disk: the model runs, only the next load is slower.
    await rm(temporary, { force: true });
    await forget(path);
  }
  return session;
}

function pathOf(location: string, options: Options, { directory, runtimeVersion, hardware }: OptimisedCache): string {
  // A blob is named by its digest; other settings may give another graph.
  const key = [basename(location), runtimeVersion, hardware, JSON.stringify(options.executionProviders)];
  return join(directory, createHash('sha256').update(JSON.stringify(key)).digest('hex'));
}

/** Bytes that are those that were written, to be loaded as they were checked. */
async function readVerified(path: string): Promise<Uint8Array | undefined> {
  try {
    const [bytes, digest] = await Promise.all([readFile(path), readFile(`${path}.sha256`, 'utf8')]);
    if (sha256(bytes) === digest) {
      const nowSeconds = createSystemClock().wallMs() / 1000;
      await utimes(path, nowSeconds, nowSeconds);
      return bytes;
    }
    await forget(path);
  } catch {
    // Not there.
  }
  return undefined;
}

/** Least recently used out, until the rest fits. */
async function prune({ directory, maximumBytes }: OptimisedCache, newest: string): Promise<void> {
  const names = (await readdir(directory)).filter((name) => !name.includes('.'));
  const models = await Promise.all(
    names.map(async (name) => {
      const path = join(directory, name);
      const { size, mtimeMs } = await stat(path);
      return { path, size, usedMs: path === newest ? Number.POSITIVE_INFINITY : mtimeMs };
    }),
  );
  let left = models.reduce((sum, { size }) => sum + size, 0);
  for (const { path, size } of models.sort((one, other) => one.usedMs - other.usedMs)) {
    if (left <= maximumBytes) return;
    await forget(path);
    left -= size;
  }
}

async function forget(path: string): Promise<void> {
  await rm(path, { force: true });
  await rm(`${path}.sha256`, { force: true });
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
