import { watch } from 'node:fs';
import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { isStarlingError, messageOf, type SourceParams } from '@starling/shared';
import { createEpisode } from '../tell.ts';
import type { OpenSource } from './source.ts';

type Params = SourceParams<'folder'>;

const imageEndings = new Set(['.jpg', '.jpeg', '.png', '.webp', '.gif', '.tif', '.tiff', '.avif']);
const RETRY_MS = 1_000;
/** File systems over a network tell nobody of new files: the folder is looked at this often all the same. */
const LOOK_MS = 5_000;

interface Found {
  name: string;
  /** Another file of the same name has another. */
  stamp: string;
  modifiedMs: number;
}

/** Reads the images of a folder, those that are there and those that come; a new file goes first. */
export const openFolder: OpenSource<Params> = (params, context) => {
  const { node, push } = context;
  const episode = createEpisode(context, 'source-recovered', { node });
  const sleeper = createSleeper();
  let closed = false;
  /** Name -> stamp of what was read, in this turn where the folder is read in a loop. */
  const read = new Map<string, string>();
  let queue: Found[] = [];
  let isStale = true;

  const look = async (): Promise<void> => {
    isStale = false;
    const present = await list(params).then(
      (found) => {
        episode.recovered();
        return found;
      },
      (error: unknown) => {
        episode.failed('folder-unreadable', `${node}: ${messageOf(error)}`, { path: params.path });
        return [];
      },
    );
    const queued = new Map(queue.map(({ name, stamp }) => [name, stamp]));
    const fresh = present.filter(({ name, stamp }) => read.get(name) !== stamp && queued.get(name) !== stamp);
    queue = [...fresh, ...queue.filter(({ name }) => !fresh.some((each) => each.name === name))];
  };
  const give = async ({ name }: Found): Promise<void> => {
    const settled = await readSettled(join(params.path, name), params.settleMs);
    if (settled === undefined) return;
    const { image, stamp } = settled;
    while (!closed) {
      try {
        await push({ image, name });
        break;
      } catch (error) {
        // While nothing runs the image waits; one that is wrong is not made right by waiting.
        if (!(isStarlingError(error) && (error.retryable || error.code === 'no-release' || error.code === 'host-crashed'))) {
          const code = isStarlingError(error) ? error.code : 'failed';
          context.log.warn('an image could not be read', { node, file: name, code, reason: messageOf(error) });
          break;
        }
        await sleeper.sleep(RETRY_MS);
      }
    }
    read.set(name, stamp);
  };
  const loop = async (): Promise<void> => {
    await mkdir(params.path, { recursive: true }).catch(() => undefined);
    const watcher = watchFor(params.path, () => {
      isStale = true;
      sleeper.wake();
    });
    while (!closed) {
      if (isStale) await look();
      const next = queue.shift();
      if (next !== undefined) {
        await give(next);
        if (params.pauseMs > 0 && !closed) await sleeper.sleep(params.pauseMs);
      } else if (params.loop && read.size > 0) {
        read.clear();
        isStale = true;
      } else if (!isStale && !closed) {
        // What came while the folder was looked at has woken nobody.
        await sleeper.sleep(params.loop ? RETRY_MS : LOOK_MS);
        isStale = true;
      }
    }
    watcher?.close();
  };
  const running = loop();
  return {
    async close() {
      closed = true;
      sleeper.wake();
      await running;
      episode.close();
    },
  };
};

function createSleeper(): { sleep(delayMs: number): Promise<void>; wake(): void } {
  let wake = (): void => undefined;
  return {
    sleep: (delayMs) =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, delayMs);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      }),
    wake: () => wake(),
  };
}

/** A folder that cannot be watched is looked at from time to time. */
function watchFor(path: string, onChange: () => void): { close(): void } | undefined {
  try {
    return watch(path, onChange).on('error', () => undefined);
  } catch {
    return undefined;
  }
}

async function list({ path, order }: Params): Promise<Found[]> {
  const names = (await readdir(path)).filter((name) => imageEndings.has(extname(name).toLowerCase())).sort();
  const found = await Promise.all(
    names.map(async (name): Promise<Found[]> => {
      const entry = await stat(join(path, name)).catch(() => undefined);
      return entry?.isFile() === true ? [{ name, stamp: `${entry.mtimeMs}/${entry.size}`, modifiedMs: entry.mtimeMs }] : [];
    }),
  );
  return order === 'name' ? found.flat() : found.flat().sort((a, b) => a.modifiedMs - b.modifiedMs);
}

/** A file that is still being written grows. */
async function readSettled(path: string, settleMs: number): Promise<{ image: Uint8Array; stamp: string } | undefined> {
  try {
    for (let before = ''; ; ) {
      const { mtimeMs, size } = await stat(path);
      const stamp = `${mtimeMs}/${size}`;
      if (stamp === before || settleMs === 0) return { image: await readFile(path), stamp };
      before = stamp;
      await new Promise((resolve) => setTimeout(resolve, settleMs));
    }
  } catch {
    return undefined;
  }
}
