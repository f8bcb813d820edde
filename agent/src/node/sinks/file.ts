import { mkdir, open, readdir, rename, rm, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, type SinkParams } from '@starling/shared';
import { createEpisode } from '../tell.ts';
import type { OpenSink, SinkItem } from './sink.ts';
import { jsonOf, jsonTextOf, pictureOf, pictureType } from './values.ts';

type Params = SinkParams<'file'>;

const MEGABYTE = 1024 * 1024;
const HOUR_MS = 3_600_000;

/** Writes lines of JSON to files that grow, or a file for each picture, below one folder; the oldest files make room for new ones. */
export const openFileSink: OpenSink<Params> = (params, { node }, ports) => {
  const folder = join(ports.filesFolder, params.folder);
  const episode = createEpisode(ports, 'sink-recovered', { node });
  const ready = prepare(folder);
  ready.catch(() => undefined);
  const write = params.format === 'images' ? pictureWriter(folder, params) : lineWriter(folder, params, ports.clock.wallMs);
  // In the order of the items, and one at a time.
  let work: Promise<void> = Promise.resolve();
  return {
    async deliver({ value }, item) {
      const bytes =
        params.format === 'images'
          ? await pictureOf(value, ports.encode)
          : Buffer.from(`${await jsonTextOf({ node, ...item, value: await jsonOf(value, ports.encode) }, ports.encode)}\n`);
      const step = work.then(async () => {
        try {
          await ready;
          await write(bytes, item);
          episode.recovered();
        } catch (error) {
          const isFull = (error as NodeJS.ErrnoException).code === 'ENOSPC';
          episode.failed(
            isFull ? 'disk-full' : 'sink-failed',
            `${node}: ${messageOf(error)}`,
            isFull ? { hint: 'free space on the device' } : {},
          );
        }
      });
      work = step;
      await step;
    },
    async close() {
      await work;
      episode.close();
    },
  };
};

type Write = (bytes: Uint8Array, item: SinkItem) => Promise<void>;

/** After a power cut the newest file may end within a line: readers are spared it. */
async function prepare(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o750 });
  const newest = (await filesOf(folder, '.jsonl')).at(-1);
  if (newest === undefined || newest.sizeBytes === 0) return;
  const file = await open(newest.path, 'r');
  try {
    const length = Math.min(newest.sizeBytes, MEGABYTE);
    const { buffer } = await file.read(Buffer.alloc(length), 0, length, newest.sizeBytes - length);
    const end = buffer.lastIndexOf(0x0a);
    if (end !== length - 1) await truncate(newest.path, newest.sizeBytes - length + end + 1);
  } finally {
    await file.close();
  }
}

function lineWriter(folder: string, params: Params, wallMs: () => number): Write {
  let current: { path: string; sizeBytes: number; sinceMs: number } | undefined;
  return async (bytes) => {
    const nowMs = wallMs();
    const isOver =
      current !== undefined &&
      (current.sizeBytes >= params.rotateMegabytes * MEGABYTE || nowMs - current.sinceMs >= params.rotateHours * HOUR_MS);
    if (current === undefined || isOver) {
      current = { path: join(folder, `${stampOf(nowMs)}.jsonl`), sizeBytes: 0, sinceMs: nowMs };
      await makeRoom(folder, '.jsonl', params);
    }
    const file = await open(current.path, 'a', 0o640);
    try {
      await file.writeFile(bytes);
    } finally {
      await file.close();
    }
    current.sizeBytes += bytes.length;
  };
}

function pictureWriter(folder: string, params: Params): Write {
  return async (bytes, { timeMs, stream, sequence }) => {
    const name = `${stampOf(timeMs)}-${stream.replaceAll(/[^A-Za-z0-9_-]/g, '-').slice(0, 64)}-${sequence}.${pictureType(bytes).ending}`;
    const file = await open(join(folder, `${name}.new`), 'w', 0o640);
    try {
      await file.writeFile(bytes);
    } finally {
      await file.close();
    }
    // Whoever watches the folder sees whole pictures alone.
    await rename(join(folder, `${name}.new`), join(folder, name));
    await makeRoom(folder, '', params);
  };
}

/** Deletes the oldest files, never the newest. */
async function makeRoom(folder: string, ending: string, { keepMegabytes }: Params): Promise<void> {
  const files = await filesOf(folder, ending);
  let total = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  for (const { path, sizeBytes } of files.slice(0, -1)) {
    if (total <= keepMegabytes * MEGABYTE) return;
    await rm(path, { force: true });
    total -= sizeBytes;
  }
}

/** By name, which is by time. */
async function filesOf(folder: string, ending: string): Promise<{ path: string; sizeBytes: number }[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(ending)).sort();
  const found = await Promise.all(
    names.map(async (name) => {
      const entry = await stat(join(folder, name)).catch(() => undefined);
      return entry?.isFile() === true ? [{ path: join(folder, name), sizeBytes: entry.size }] : [];
    }),
  );
  return found.flat();
}

/** `2026-11-27T00-41-19.123Z`: sorts by time, and no file system minds it. */
function stampOf(timeMs: number): string {
  return new Date(timeMs).toISOString().replaceAll(':', '-');
}
