import { beforeEach, expect, test } from 'vitest';
import { createVirtualClock } from '../pipelines/index.ts';
import type { SensorReading } from '../ports/sensors.ts';
import { createTelemetryLoop, type TelemetryLoop } from './telemetry-loop.ts';

const reading: SensorReading = {
  ...{ cpuBusySeconds: 0, cpuTotalSeconds: 0, agentCpuSeconds: 0, agentMemoryBytes: 1, memoryAvailableBytes: 1, diskFreeBytes: 1 },
  ...{ temperatureCelsius: null, throttled: null, energyCounter: null, powerWatts: null },
};
const WINDOW_MS = 10_000;

let clock: ReturnType<typeof createVirtualClock>;
let loop: TelemetryLoop;
/** When each window has ended. */
let ended: number[];
beforeEach(async () => {
  clock = createVirtualClock();
  ended = [];
  loop = createTelemetryLoop(
    {
      ...{ clock, sensors: { read: async () => reading } },
      references: { read: async () => null, write: async () => undefined },
      emit: (event) => void (event.type === 'record' && event.kind === 'health' && ended.push(clock.monotonicMs())),
    },
    () => undefined,
    { id: () => undefined, releases: () => [], takeFigures: () => undefined, learn: () => undefined },
  );
  loop.start(WINDOW_MS);
  await settled();
});

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));
/** Rings what is due until then. */
async function until(atMs: number, work: () => void = () => undefined): Promise<void> {
  clock.after(atMs - clock.monotonicMs(), work);
  do {
    clock.advance();
    await settled();
  } while (clock.monotonicMs() < atMs);
}

test('the first figures of a release come a second after its first item, the others at the pace of windows', async () => {
  await until(14_000, loop.worked);
  expect(ended).toEqual([10_000]);
  await until(14_500, loop.worked);
  await until(40_000);
  expect(ended).toEqual([10_000, 15_000, 25_000, 35_000]);
});

test('a window that ends by then anyway is not put off', async () => {
  await until(9_500, loop.worked);
  await until(35_000);
  expect(ended).toEqual([10_000, 20_000, 30_000]);
});

test('the next release has first figures of its own', async () => {
  await until(1_000, loop.worked);
  await until(5_000, () => loop.start(WINDOW_MS));
  await until(6_000, loop.worked);
  await until(20_000);
  expect(ended).toEqual([2_000, 7_000, 17_000]);
});

test('stopped, it ends no window', async () => {
  loop.worked();
  loop.stop();
  clock.advance();
  await settled();
  expect(ended).toEqual([]);
});
