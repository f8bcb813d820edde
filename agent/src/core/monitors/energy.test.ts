import { describe, expect, test } from 'vitest';
import type { SensorReading } from '../ports/sensors.ts';
import { energyRecord } from './energy.ts';

const reading = (change: Partial<SensorReading>): SensorReading => ({
  ...{ cpuBusySeconds: 0, cpuTotalSeconds: 0, agentCpuSeconds: 0, agentMemoryBytes: 0, memoryAvailableBytes: 0, diskFreeBytes: 0 },
  ...{ temperatureCelsius: null, throttled: null, energyCounter: null, powerWatts: null },
  ...change,
});
const window = { startMs: 0, lengthMs: 10_000, release: null };
const start = reading({});
/** Half of two cores for ten seconds, half of that by the agent. */
const half = { cpuBusySeconds: 10, cpuTotalSeconds: 20, agentCpuSeconds: 5 };
const profile = { name: 'board', powerModel: { idleWatts: 2, maximumWatts: 6, source: 'a data sheet' } };
const counter = (joules: number, wrapsAtJoules = 0) => ({ energyCounter: { joules, wrapsAtJoules, source: 'rapl' } });

describe('the energy of a window', () => {
  test('without a sensor is modelled from the profile, and says so', () => {
    const record = energyRecord(window, start, reading(half), 10, profile);
    // 2 W idle and half of the 4 W above it, for 10 s; the agent has half of what is above idle.
    expect(record).toMatchObject({ method: 'modelled', source: 'board', joules: 40, agentJoules: 10, joulesPerInference: 1 });
  });

  test('with a counter is measured, through a wrap too', () => {
    expect(energyRecord(window, reading(counter(100)), reading({ ...half, ...counter(150) }), 0, profile)).toMatchObject({
      ...{ method: 'measured', source: 'rapl', joules: 50, joulesPerInference: null },
    });
    const wrapped = energyRecord(window, reading(counter(990, 1000)), reading({ ...half, ...counter(20, 1000) }), 0, undefined);
    expect(wrapped).toMatchObject({ method: 'measured', joules: 30 });
  });

  test('with a counter that was reset is modelled: nobody knows what it missed', () => {
    expect(energyRecord(window, reading(counter(100)), reading({ ...half, ...counter(3) }), 0, profile)).toMatchObject({
      ...{ method: 'modelled', joules: 40 },
    });
    expect(energyRecord(window, reading(counter(100)), reading({ ...half, ...counter(3) }), 0, undefined)).toBeUndefined();
  });

  test('with a power sensor is its mean times the time', () => {
    const watts = (value: number) => ({ powerWatts: { watts: value, source: 'ina3221' } });
    expect(energyRecord(window, reading(watts(4)), reading({ ...half, ...watts(6) }), 0, profile)).toMatchObject({
      ...{ method: 'measured', source: 'ina3221', joules: 50 },
    });
  });

  test('never gives the agent what idling takes, nor more than all', () => {
    const idle = energyRecord(window, start, reading({ cpuTotalSeconds: 20 }), 3, profile);
    expect(idle).toMatchObject({ joules: 20, agentJoules: 0, joulesPerInference: 0 });
    const odd = energyRecord(window, start, reading({ ...half, agentCpuSeconds: 99 }), 1, profile);
    expect(odd?.agentJoules).toBe(20);
  });
});
