import { cborDecode, cborEncode, jsonDecode, jsonEncode, makeRandomId, StarlingError } from '@starling/shared';
import { z } from 'zod';
import { frameRecord, readFrames } from '../../core/journal/index.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { FileStore } from '../../core/ports/file-store.ts';
import type { Random } from '../../core/ports/random.ts';

const entrySchema = z.object({
  sequence: z.number().int(),
  /** Names the entry wherever it is sent: one that is sent twice, as after a crash, can be told by it. */
  key: z.string(),
  atMs: z.number(),
  /** Where it goes, where that is not the same for all, such as a topic. */
  to: z.string(),
  body: z.instanceof(Uint8Array<ArrayBufferLike>),
});
export type SpoolEntry = z.infer<typeof entrySchema>;

/** What waits on the disk to be sent, oldest first. It outlives the process, however that ends. */
export interface SinkSpool {
  /** Resolves when it is on the disk. @throws StarlingError `value-too-large`, `disk-full`, `disk-failed` */
  append(to: string, body: Uint8Array): Promise<void>;
  /** The oldest entry, waited for where there is none; undefined once closed. */
  oldest(): Promise<SpoolEntry | undefined>;
  /** The oldest entry is done with. */
  remove(entry: SpoolEntry): void;
  waiting(): number;
  close(): Promise<void>;
}

interface Segment {
  name: string;
  first: number;
  /** One after the last entry. */
  end: number;
  sizeBytes: number;
  /** Nothing may be added: its end may be torn. */
  isFull: boolean;
}

const SEGMENT_BYTES = 512 * 1024;
/** Entries that are kept in memory beside the disk. */
const LOADED_BYTES_MAXIMUM = 4 * 1024 * 1024;
const CURSOR = 'cursor';
const cursorSchema = z.object({ next: z.number().int().nonnegative() });

interface SpoolPorts {
  files: FileStore;
  clock: Clock;
  random: Random;
  maximumBytes: number;
  /** Entries that went because the disk that it may take was full. */
  onDropped(count: number): void;
}

export async function openSpool({ files, clock, random, maximumBytes, onDropped }: SpoolPorts): Promise<SinkSpool> {
  const { segments, next: firstNext, end: firstEnd } = await readState(files);
  /** The oldest sequence that is not done with, and the one that comes next. */
  let next = firstNext;
  let end = firstEnd;
  /** Entries of the first segment that are in memory, from `next` on. */
  let loaded: SpoolEntry[] = [];
  let batch: { to: string; body: Uint8Array; resolve(): void; reject(error: unknown): void }[] = [];
  let closed = false;
  let wake = (): void => undefined;
  // One after the other: a file must not go while something is added to it.
  let work: Promise<void> = Promise.resolve();
  const inTurn = (step: () => Promise<void>): Promise<void> => {
    const result = work.then(step);
    work = result.catch(() => undefined);
    return result;
  };
  let cursorIsDue = false;

  const writeBatch = async (): Promise<void> => {
    const taken = batch;
    batch = [];
    if (taken.length === 0) return;
    const entries = taken.map(({ to, body }, index) => ({
      ...{ sequence: end + index, key: makeRandomId(random.bytes), atMs: clock.wallMs(), to, body },
    }));
    const bytes = Buffer.concat(entries.map((entry) => frameRecord(cborEncode(entry))));
    const tail = segments.at(-1);
    const segment =
      tail === undefined || tail.isFull || tail.sizeBytes >= SEGMENT_BYTES
        ? { name: `entries-${String(end).padStart(12, '0')}`, first: end, end, sizeBytes: 0, isFull: false }
        : tail;
    try {
      await files.append(segment.name, bytes);
    } catch (error) {
      for (const { reject } of taken) reject(error);
      segment.isFull = true;
      if (segment !== tail) await files.remove(segment.name).catch(() => undefined);
      return;
    }
    if (segment !== tail) segments.push(segment);
    const follows = loaded.length === 0 ? next === end : loaded.at(-1)?.sequence === end - 1;
    // Whoever keeps up finds new entries in memory; others read them from the disk when it is their turn.
    if (follows && loaded.reduce((sum, { body: { length } }) => sum + length, bytes.length) < LOADED_BYTES_MAXIMUM) loaded.push(...entries);
    end += entries.length;
    segment.end = end;
    segment.sizeBytes += bytes.length;
    for (const { resolve } of taken) resolve();
    await makeRoom();
    wake();
  };
  const makeRoom = async (): Promise<void> => {
    let total = segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    let dropped = 0;
    while (total > maximumBytes && segments.length > 1) {
      const oldest = segments.shift() as Segment;
      total -= oldest.sizeBytes;
      dropped += Math.max(0, oldest.end - Math.max(next, oldest.first));
      next = Math.max(next, oldest.end);
      await files.remove(oldest.name);
    }
    if (dropped === 0) return;
    loaded = loaded.filter(({ sequence }) => sequence >= next);
    onDropped(dropped);
  };
  const saveCursor = async (): Promise<void> => {
    cursorIsDue = false;
    await files.write(CURSOR, jsonEncode({ next }));
    while (segments[0] !== undefined && segments[0].end <= next) await files.remove((segments.shift() as Segment).name);
  };
  const load = async (): Promise<void> => {
    if (loaded.length > 0) return;
    const segment = segments.find((each) => each.end > next);
    if (segment === undefined) return;
    const bytes = await files.read(segment.name);
    loaded = (bytes === undefined ? [] : readFrames(bytes).records)
      .map((record) => cborDecode(record, entrySchema))
      // Of a batch that failed half-way, some may stand in the file: their senders were told, and the numbers given to others.
      .filter(({ sequence }) => sequence >= next && sequence < segment.end);
    // A file that lies is passed over, or nothing behind it would ever be sent.
    if (loaded.length === 0) next = segment.end;
  };
  return {
    append(to, body) {
      if (body.length > maximumBytes / 2) {
        return Promise.reject(
          new StarlingError('value-too-large', `a value of ${body.length} bytes does not fit into the spool`, {
            field: 'spoolMegabytes',
            hint: 'raise spoolMegabytes, or send less',
          }),
        );
      }
      return new Promise((resolve, reject) => {
        batch.push({ to, body, resolve, reject });
        inTurn(writeBatch).catch(reject);
      });
    },
    async oldest() {
      while (!closed) {
        await inTurn(load);
        const [entry] = loaded;
        if (entry !== undefined) return entry;
        if (next < end) continue;
        await new Promise<void>((resolve) => {
          wake = resolve;
          if (closed || next < end) resolve();
        });
      }
      return undefined;
    },
    remove({ sequence }) {
      next = Math.max(next, sequence + 1);
      loaded = loaded.filter((entry) => entry.sequence >= next);
      if (cursorIsDue) return;
      cursorIsDue = true;
      inTurn(saveCursor).catch(() => undefined);
    },
    waiting: () => end - next,
    async close() {
      closed = true;
      wake();
      await work;
    },
  };
}

/** What an earlier process left. A file whose end is torn is not written to again: every process starts a file of its own. */
async function readState(files: FileStore): Promise<{ segments: Segment[]; next: number; end: number }> {
  const cursor = await files.read(CURSOR);
  const saved = cursor === undefined ? 0 : jsonDecode(cursor, cursorSchema).next;
  const found = (await files.list('entries-')).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const firstOf = (name: string): number => Number(name.slice('entries-'.length));
  const segments: Segment[] = [];
  for (const [index, { name, sizeBytes }] of found.entries()) {
    const count = readFrames((await files.read(name)) ?? new Uint8Array()).records.length;
    const first = firstOf(name);
    const follower = found[index + 1];
    const end = Math.min(first + count, follower === undefined ? Number.POSITIVE_INFINITY : firstOf(follower.name));
    // One without a whole entry would be written to again under the same name, behind what is torn.
    if (end <= saved || end === first) await files.remove(name);
    else segments.push({ name, first, end, sizeBytes, isFull: true });
  }
  return { segments, next: Math.max(saved, segments[0]?.first ?? saved), end: Math.max(saved, segments.at(-1)?.end ?? 0) };
}
