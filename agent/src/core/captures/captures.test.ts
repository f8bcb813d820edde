import {
  CAPTURES_DISK_BYTES_MAXIMUM,
  type Capture,
  type CommandProgress,
  captureArgumentsSchema,
  captureSchema,
  cborDecode,
  StarlingError,
} from '@starling/shared';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { emptyState } from '../journal/index.ts';
import { createTaps, type ObservableGraph, type Taps } from '../pipelines/tap.ts';
import { createVirtualClock, type VirtualClock } from '../pipelines/virtual-clock.ts';
import { createMemoryFileStore, type DiskOperation, type MemoryFileStore } from '../ports/memory/file-store.ts';
import type { RuntimeHost } from '../ports/runtime-host.ts';
import { captureFileOf } from './capture-file.ts';
import { type Captures, openCaptures } from './captures.ts';

const id = 'c'.repeat(26);
const release = 'ab'.repeat(32);
const START_MS = 1_750_000_000_000;
const nothing = (): void => undefined;
const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 200; turn += 1) await Promise.resolve();
};

interface Bench {
  clock: VirtualClock;
  captures: Captures;
  files: MemoryFileStore;
  uploaded: Capture[];
  progress: CommandProgress[];
  taps: Taps;
  /** An edge carries values, one a second. */
  give(values: readonly number[]): Promise<void>;
  run(asked?: object, other?: { id?: string; signal?: AbortSignal; notAfterMs?: number }): ReturnType<Captures['run']>;
  host: { release: string; isGone: boolean };
}

/** A device with one edge, over the taps that a device has. */
async function startBench(
  options: { operations?: readonly DiskOperation[]; freeBytes?: number; executed?: string[]; nowMs?: number; isAway?: boolean } = {},
): Promise<Bench> {
  const { operations = [], freeBytes = Number.POSITIVE_INFINITY, executed = [], nowMs = START_MS } = options;
  const clock = createVirtualClock(nowMs);
  const files = createMemoryFileStore(operations);
  const listeners = new Set<(reference: string, value: unknown, item: never) => void>();
  const graph: ObservableGraph = {
    observe({ value }) {
      const listener = value as (reference: string, value: unknown, item: never) => void;
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
  const taps = createTaps({
    clock,
    encode: async (value) => ({ kind: 'json', value }),
    emit: (message) => void captures.receive(message),
  });
  const host = { release, isGone: false };
  const running: Pick<RuntimeHost, 'tap' | 'untap'> = {
    async tap(request) {
      if (host.isGone) throw new StarlingError('no-release', 'no release runs', { retryable: true });
      taps.start(request, graph);
      return { pipeline: 'p', release: host.release, edges: request.edges };
    },
    untap: async (tap) => taps.stop(tap, 'stopped'),
  };
  const uploaded: Capture[] = [];
  const captures = await openCaptures({
    ...{ device: 'd'.repeat(26), files, clock, host: running },
    log: { debug: nothing, info: nothing, warn: nothing, error: nothing, newest: () => [] },
    store: { freeBytes: async () => freeBytes },
    uploads: {
      async send(_id, bytes, signal) {
        if (options.isAway === true) await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
        uploaded.push(cborDecode(bytes, captureSchema));
      },
    },
    trust: { nowMs: () => clock.wallMs() },
    journal: { state: { ...emptyState(), executed: Object.fromEntries(executed.map((each) => [each, { notAfterMs: 0, result: '{}' }])) } },
  });
  const progress: CommandProgress[] = [];
  let sequence = 0;
  return {
    ...{ clock, captures, files, uploaded, progress, taps, host },
    async give(values) {
      for (const value of values) {
        await settled();
        sequence += 1;
        for (const listener of listeners) listener('a.x', value, { stream: 's', sequence, timeMs: clock.wallMs() } as never);
        await settled();
        const endMs = clock.monotonicMs() + 1_000;
        let rang = false;
        clock.after(1_000, () => {
          rang = true;
        });
        while (!rang && clock.monotonicMs() < endMs) {
          clock.advance();
          await settled();
        }
      }
    },
    run(asked = {}, other = {}) {
      const given = captureArgumentsSchema.parse({ edges: ['a.x'], maximumPerSecond: 30, ...asked });
      const command = { id, account: 'anna', notAfterMs: START_MS + 86_400_000, signal: new AbortController().signal, ...other };
      return captures.run({ ...command, asked: given, onProgress: (each) => void progress.push(each) });
    },
  };
}

const valuesOf = (capture: Capture | undefined): unknown[] =>
  (capture?.items ?? []).map(({ value }) => (value.kind === 'json' ? value.value : value.kind));

describe('a capture', () => {
  test('keeps as many values as was asked, uploads them with where they are from, and goes once that is written down', async () => {
    const bench = await startBench();
    const done = bench.run({ items: 3 });
    await bench.give([1, 2]);
    expect(bench.captures.open()).toEqual([{ tap: id, edges: ['a.x'], account: 'anna', untilMs: START_MS + 60_000, isKept: true }]);
    await bench.give([3, 4]);
    expect(await done).toMatchObject({ pipeline: 'p', release, edges: ['a.x'], end: 'items', items: 3, interruptions: 0 });
    const [capture] = bench.uploaded;
    expect(valuesOf(capture)).toEqual([1, 2, 3]);
    expect(capture?.manifest).toMatchObject({ kind: 'capture', id, account: 'anna', release, items: 3, counts: { seen: 3, disk: 0 } });
    expect(bench.progress.at(-1)).toMatchObject({ done: 3, total: 3 });
    expect(bench.captures.open()).toEqual([]);
    expect(await bench.files.read(captureFileOf(id))).toBeDefined();
    await bench.captures.forget(id);
    expect(await bench.files.read(captureFileOf(id))).toBeUndefined();
  });

  test('samples as a tap does, and says what it left out', async () => {
    const bench = await startBench();
    const done = bench.run({ every: 3, items: 2 });
    await bench.give([1, 2, 3, 4]);
    expect(await done).toMatchObject({ items: 2, counts: { seen: 4, skipped: 2 } });
    expect(valuesOf(bench.uploaded[0])).toEqual([1, 4]);
  });

  test('ends with its time, with its room, with its release, and when it is told to', async () => {
    const timed = await startBench();
    const expired = timed.run({ durationMs: 2_000 });
    await timed.give([1, 2, 3, 4]);
    expect(await expired).toMatchObject({ end: 'expired' });
    expect(valuesOf(timed.uploaded[0])).toEqual([1, 2]);

    const small = await startBench();
    const full = small.run({ fileBytes: 65_536 });
    await small.give([1, 'x'.repeat(40_000), 'y'.repeat(40_000), 2] as never);
    expect(await full).toMatchObject({ end: 'bytes', items: 2 });
    expect((await small.files.read(captureFileOf(id)))?.length).toBeLessThanOrEqual(65_536 + 256);

    const moved = await startBench();
    const changed = moved.run();
    await moved.give([1]);
    moved.taps.stopAll('release-changed');
    expect(await changed).toMatchObject({ end: 'release-changed', items: 1 });

    const told = await startBench();
    const stopped = told.run();
    await told.give([1, 2]);
    expect(told.captures.stop('x'.repeat(26))).toBe(false);
    expect(told.captures.stop(id)).toBe(true);
    expect(await stopped).toMatchObject({ end: 'stopped', items: 2 });
    expect(told.captures.stop(id)).toBe(false);
  });

  test('loses at most the value that is being written, wherever the agent is killed', async () => {
    const whole = await startBench({ isAway: true });
    void whole.run({ items: 6 });
    await whole.give([1, 2, 3, 4, 5, 6]);
    const { operations } = whole.files;
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: operations.length }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        async (length, share) => {
          const kept = operations.slice(0, length);
          const last = kept.at(-1) as Extract<DiskOperation, { bytes: Uint8Array }>;
          const torn = { ...last, bytes: last.bytes.slice(0, Math.floor(last.bytes.length * share)) };
          const isWhole = torn.bytes.length === last.bytes.length;
          // Its head, values, its end.
          const before = Math.min(6, Math.max(0, (isWhole ? length : length - 1) - 1));
          const bench = await startBench({ operations: [...kept.slice(0, -1), torn] });
          const done = bench.run({ items: 6 });
          await bench.give([11, 12, 13, 14, 15, 16]);
          expect(await done).toMatchObject({ items: 6, end: 'items' });
          expect(valuesOf(bench.uploaded[0])).toEqual(
            [1, 2, 3, 4, 5, 6].slice(0, before).concat([11, 12, 13, 14, 15, 16].slice(0, 6 - before)),
          );
        },
      ),
      { numRuns: 60 },
    );
  });

  test('goes on after a restart for the rest of its time, however long the device was off', async () => {
    const first = await startBench();
    void first.run({ durationMs: 10_000 });
    await first.give([1, 2]);
    await first.captures.close();
    const { operations } = first.files;

    const soon = await startBench({ operations, nowMs: START_MS + 5_000 });
    soon.host.isGone = true;
    const done = soon.run({ durationMs: 10_000 });
    await soon.give([3]);
    soon.host.isGone = false;
    await soon.give([4, 5, 6, 7, 8, 9]);
    const { interruptions, end } = await done;
    expect({ interruptions, end }).toEqual({ interruptions: 1, end: 'expired' });
    expect(valuesOf(soon.uploaded[0]).slice(0, 3)).toEqual([1, 2, 5]);

    const late = await startBench({ operations, nowMs: START_MS + 60_000 });
    expect(await late.run({ durationMs: 10_000 })).toMatchObject({ end: 'expired', items: 2 });

    const other = await startBench({ operations, nowMs: START_MS + 5_000 });
    other.host.release = 'cd'.repeat(32);
    expect(await other.run({ durationMs: 10_000 })).toMatchObject({ end: 'release-changed', items: 2, release });
  });

  test('is watched again when the runtime host is back', async () => {
    const bench = await startBench();
    const done = bench.run({ items: 3 });
    await bench.give([1]);
    bench.taps.stopAll('host-ended');
    bench.captures.hostEnded();
    await bench.give([2, 3, 4]);
    expect(await done).toMatchObject({ items: 3, interruptions: 1 });
    expect(valuesOf(bench.uploaded[0])).toEqual([1, 3, 4]);
  });

  test('uploads what is there when the disk takes no more', async () => {
    const bench = await startBench();
    const done = bench.run();
    await bench.give([1, 2]);
    bench.files.limit(10);
    await bench.give([3]);
    expect(await done).toMatchObject({ end: 'disk-failed', items: 2 });
    expect(valuesOf(bench.uploaded[0])).toEqual([1, 2]);
  });

  test('sets its room aside, and is refused where there is none', async () => {
    const bench = await startBench();
    const fileBytes = 15 * 1024 * 1024;
    const ids = Array.from({ length: Math.floor(CAPTURES_DISK_BYTES_MAXIMUM / fileBytes) }, (_, index) => `${index}`.repeat(26));
    for (const each of ids) void bench.run({ fileBytes }, { id: each });
    await settled();
    await expect(bench.run({ fileBytes })).rejects.toMatchObject({ code: 'captures-full', field: 'arguments.fileBytes' });
    await bench.captures.forget(ids[0] as string);
    void bench.run({ fileBytes });
    await settled();
    expect(bench.captures.open()).toHaveLength(ids.length);
    const full = await startBench({ freeBytes: 65 * 1024 * 1024 });
    await expect(full.run()).rejects.toMatchObject({ code: 'disk-full' });
  });

  test('leaves nothing behind that nobody can ask for any more', async () => {
    const first = await startBench();
    void first.run({}, { notAfterMs: START_MS + 20_000 });
    await first.give([1, 2]);
    await first.captures.close();
    const { operations } = first.files;
    const isThere = async ({ files }: Bench) => (await files.read(captureFileOf(id))) !== undefined;
    expect(await isThere(await startBench({ operations, nowMs: START_MS + 10_000 }))).toBe(true);
    expect(await isThere(await startBench({ operations, nowMs: START_MS + 21_000 }))).toBe(false);
    expect(await isThere(await startBench({ operations, executed: [id] }))).toBe(false);
  });

  test('ends with its command, whatever it has kept', async () => {
    const bench = await startBench();
    const abort = new AbortController();
    const cancelled = bench.run({}, { signal: abort.signal });
    cancelled.catch(() => undefined);
    await bench.give([1]);
    abort.abort(new StarlingError('cancelled', 'the command was cancelled'));
    await expect(cancelled).rejects.toMatchObject({ code: 'cancelled' });
    await bench.captures.forget(id);
    await bench.give([2]);
    expect(await bench.files.list('capture-')).toEqual([]);

    const away = await startBench({ isAway: true });
    const late = away.run({ items: 1 }, { notAfterMs: START_MS + 5_000 });
    late.catch(nothing);
    await away.give([1, 2, 3, 4]);
    expect(away.captures.open()).toEqual([]);
    await away.give([5, 6]);
    await expect(late).rejects.toMatchObject({ code: 'command-expired' });
  });
});
