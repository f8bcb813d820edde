import { type Histogram, type Monitor, StarlingError } from '@starling/shared';
import { expect, test } from 'vitest';
import { createDriftWatch, type DriftWatch, REFERENCE_MINIMUM } from '../monitors/index.ts';
import type { HostEvent } from '../ports/runtime-host.ts';
import { createReferenceKeeper } from './reference-keeper.ts';

const monitor: Monitor = { edge: 'decode.image', measure: 'brightness', bins: [0.2, 0.4, 0.6, 0.8], psiThreshold: 0.25 };

/** A store on a disk that has room, or none. */
function createDisk() {
  const disk = { isFull: false, written: [] as Histogram[] };
  const store = {
    read: async () => null,
    async write(_release: string, _monitor: string, reference: Histogram) {
      if (disk.isFull) throw new StarlingError('disk-full', '175 bytes more are needed, 0 are free');
      disk.written.push(reference);
    },
  };
  const events: HostEvent[] = [];
  return { disk, events, keeper: createReferenceKeeper(store, (event) => events.push(event)) };
}

function endWindow(watch: DriftWatch, values: number): void {
  watch.add(Array.from({ length: values }, () => 0.5));
  watch.endWindow();
}

test('what is learned is written as it grows, and never again once it is whole', async () => {
  const { disk, events, keeper } = createDisk();
  const watch = createDriftWatch(monitor, null);
  for (let window = 0; window < 10; window += 1) {
    endWindow(watch, REFERENCE_MINIMUM / 4);
    await keeper.keep('release', 'light', watch);
  }
  expect(disk.written.map(({ count }) => count / REFERENCE_MINIMUM)).toEqual([0.25, 0.5, 0.75, 1]);
  expect(events).toEqual([]);
});

test('a window without values is no reason to write', async () => {
  const { disk, keeper } = createDisk();
  const watch = createDriftWatch(monitor, null);
  endWindow(watch, 10);
  await keeper.keep('release', 'light', watch);
  endWindow(watch, 0);
  await keeper.keep('release', 'light', watch);
  expect(disk.written).toHaveLength(1);
});

test('a full disk is said once, nothing is lost, and it is written as soon as there is room', async () => {
  const { disk, events, keeper } = createDisk();
  disk.isFull = true;
  const watch = createDriftWatch(monitor, null);
  for (let window = 0; window < 5; window += 1) {
    endWindow(watch, REFERENCE_MINIMUM / 2);
    await keeper.keep('release', 'light', watch);
  }
  expect(events).toMatchObject([
    { kind: 'events', payload: { code: 'reference-not-kept', level: 'warning', detail: { monitor: 'light' } } },
  ]);
  disk.isFull = false;
  await keeper.keep('release', 'light', watch);
  expect(disk.written.map(({ count }) => count)).toEqual([REFERENCE_MINIMUM]);
  disk.isFull = true;
  const other = createDriftWatch(monitor, null);
  endWindow(other, 1);
  await keeper.keep('release', 'light', other);
  expect(events).toHaveLength(2);
});

test('a disk that is slower than the windows is written to by one at a time, and holds the newest in the end', async () => {
  const watch = createDriftWatch(monitor, null);
  const waiting: (() => void)[] = [];
  const written: Histogram[] = [];
  let atOnce = 0;
  const store = {
    read: async () => null,
    async write(_release: string, _monitor: string, reference: Histogram) {
      atOnce += 1;
      expect(atOnce).toBe(1);
      await new Promise<void>((resolve) => waiting.push(resolve));
      written.push(reference);
      atOnce -= 1;
    },
  };
  const events: HostEvent[] = [];
  const keeper = createReferenceKeeper(store, (event) => events.push(event));
  const kept: Promise<void>[] = [];
  for (let window = 0; window < 3; window += 1) {
    endWindow(watch, 10);
    kept.push(keeper.keep('release', 'light', watch));
    await expect.poll(() => waiting).toHaveLength(1);
  }
  waiting.shift()?.();
  await expect.poll(() => waiting).toHaveLength(1);
  waiting.shift()?.();
  await Promise.all(kept);
  expect(written.map(({ count }) => count)).toEqual([10, 30]);
  expect(events).toEqual([]);
});
