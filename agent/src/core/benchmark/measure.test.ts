import { expect, test } from 'vitest';
import type { SensorReading } from '../ports/sensors.ts';
import { energyOf } from './measure.ts';

const profile = { name: 'two-cores', powerModel: { idleWatts: 2, maximumWatts: 6 } } as unknown as NonNullable<
  Parameters<typeof energyOf>[4]
>;
const reading = (cpuBusySeconds: number, cpuTotalSeconds: number): SensorReading =>
  ({ cpuBusySeconds, cpuTotalSeconds, agentCpuSeconds: 0, energyCounter: null, powerWatts: null }) as SensorReading;

/** Ten seconds on two cores: 4 watts from idle to full, so 40 joules for twenty seconds of processor time. */
const energy = (busyAfter: number, cpuSeconds: number) =>
  energyOf({ reading: reading(0, 0), atMs: 0 }, { reading: reading(busyAfter, 20), atMs: 10_000 }, cpuSeconds, 10, profile);

test('runs are charged their share of the energy above idle', () => {
  expect(energy(10, 10)).toEqual({ joulesPerInference: expect.closeTo(2), energyMethod: 'modelled' });
  // Somebody else computed as much.
  expect(energy(20, 10)).toEqual({ joulesPerInference: expect.closeTo(2), energyMethod: 'modelled' });
});

test('where nothing of the device is seen, the runs themselves were busy: nothing computes for no energy', () => {
  expect(energy(0, 10)).toEqual({ joulesPerInference: expect.closeTo(2), energyMethod: 'modelled' });
});
