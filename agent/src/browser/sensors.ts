import type { Battery } from '@starling/shared';
import type { Clock } from '../core/ports/clock.ts';
import type { SensorReading, Sensors } from '../core/ports/sensors.ts';

export interface BrowserSensorPorts {
  clock: Clock;
  /** Processor time of model runs since the start. */
  busySeconds(): number | Promise<number>;
  battery?(): Battery | undefined;
}

const BYTES_PER_GIGABYTE = 1024 ** 3;
/** Where a browser says nothing of its memory: what the smallest of phones has. */
const MEMORY_GIGABYTES_DEFAULT = 1;
/** A tab is closed before it takes more than a part of the memory. */
const MEMORY_SHARE_OF_TAB = 0.5;

/**
 * Browsers have no sensors of energy: what is busy is what this agent itself computes, so energy is that of the profile's model, and labelled so.
 */
export function createBrowserSensors({ clock, busySeconds, battery }: BrowserSensorPorts): Sensors {
  return {
    async read(): Promise<SensorReading> {
      const busy = await busySeconds();
      const { quota = 0, usage = 0 } = await navigator.storage.estimate();
      return {
        cpuBusySeconds: busy,
        cpuTotalSeconds: (clock.monotonicMs() / 1000) * navigator.hardwareConcurrency,
        agentCpuSeconds: busy,
        agentMemoryBytes: usedMemoryBytes(),
        memoryAvailableBytes: Math.max(0, memoryBytes() * MEMORY_SHARE_OF_TAB - usedMemoryBytes()),
        diskFreeBytes: Math.max(0, quota - usage),
        temperatureCelsius: null,
        throttled: null,
        battery: battery?.(),
        energyCounter: null,
        powerWatts: null,
      };
    },
  };
}

/** Memory of the whole device, rounded by the browser so that nobody is recognised by it. */
export function memoryBytes(): number {
  const { deviceMemory } = navigator as { deviceMemory?: number };
  return (deviceMemory ?? MEMORY_GIGABYTES_DEFAULT) * BYTES_PER_GIGABYTE;
}

/** Memory that models may take, or null where the browser says nothing of it. */
export function modelMemoryBytes(): number | null {
  const isKnown = 'deviceMemory' in navigator;
  return isKnown ? Math.max(0, memoryBytes() * MEMORY_SHARE_OF_TAB - usedMemoryBytes()) : null;
}

/** Heap of this worker, where the browser tells it. */
function usedMemoryBytes(): number {
  return (performance as { memory?: { usedJSHeapSize: number } }).memory?.usedJSHeapSize ?? 0;
}
