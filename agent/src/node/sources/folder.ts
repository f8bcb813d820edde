import { watch } from 'node:fs';
import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { isStarlingError, messageOf } from '@starling/shared';
import { type Source, type SourcePorts, textsOf } from './source.ts';

const imageEndings = new Set(['.jpg', '.jpeg', '.png', '.webp', '.gif', '.tif', '.tiff', '.avif']);
/** A file that is still being written grows: it is read when its size has stood still for this long. */
const SETTLE_MS = 100;
const RETRY_MS = 1_000;

/**
 * Reads the images of a folder, those that are there and those that come. When all are read it starts again from the first, so that a
 * folder stands in for a camera; a new file goes first.
 */
export async function watchFolder(folder: string, { infer, log }: SourcePorts, pauseMs: number): Promise<Source> {
  await mkdir(folder, { recursive: true });
  const fresh: string[] = [];
  let closed = false;
  let wake = (): void => undefined;
  const watcher = watch(folder, (_event, name) => {
    if (name === null || !isImage(name) || fresh.includes(name)) return;
    fresh.push(name);
    wake();
  });
  const sleep = (delayMs: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, delayMs);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  const read = async (name: string): Promise<void> => {
    const bytes = await readSettled(join(folder, name));
    if (bytes === undefined) return;
    try {
      const result = await infer(bytes, `folder:${name}`);
      log.info('read', { file: name, latencyMs: Math.round(result.latencyMs), readings: textsOf(result.outputs) });
    } catch (error) {
      const code = isStarlingError(error) ? error.code : 'failed';
      if (code === 'no-release' || code === 'host-crashed') await sleep(RETRY_MS);
      else log.warn('an image could not be read', { file: name, code, reason: messageOf(error) });
    }
  };
  const loop = async (): Promise<void> => {
    while (!closed) {
      const names = (await readdir(folder).catch(() => [])).filter(isImage).sort();
      if (names.length === 0 && fresh.length === 0) await sleep(RETRY_MS);
      for (const name of names) {
        for (let next = fresh.shift(); next !== undefined && !closed; next = fresh.shift()) await read(next);
        if (closed) return;
        await read(name);
        await sleep(pauseMs);
      }
    }
  };
  const running = loop();
  return {
    async close() {
      closed = true;
      watcher.close();
      wake();
      await running;
    },
  };
}

function isImage(name: string): boolean {
  return imageEndings.has(extname(name).toLowerCase());
}

async function readSettled(path: string): Promise<Uint8Array | undefined> {
  try {
    for (let size = -1; ; ) {
      const found = await stat(path);
      if (found.size === size) return await readFile(path);
      size = found.size;
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    }
  } catch {
    return undefined;
  }
}
