import { statfs } from 'node:fs/promises';
import { cpus, freemem } from 'node:os';
import type { SensorReading, Sensors } from '../../core/ports/sensors.ts';
import { readMemoryShare } from './control-group.ts';
import { createEnergyProbe } from './energy-probe.ts';
import { readText } from './read-text.ts';

export interface LinuxSensorOptions {
  dataDirectory: string;
  /** Processes whose CPU time and memory count as the agent's. */
  processIds: readonly number[];
  /** Prefix of /proc and /sys, so that recorded trees can stand in for them. */
  root?: string;
}

/** USER_HZ: /proc counts CPU time in hundredths of a second on every architecture that Linux supports. */
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;

export function createLinuxSensors(options: LinuxSensorOptions): Sensors {
  const root = options.root ?? '';
  const energy = createEnergyProbe(root);
  return {
    async read(): Promise<SensorReading> {
      const processes = await Promise.all(options.processIds.map((id) => readProcess(root, id)));
      const { busySeconds, totalSeconds } = await readCpu(root);
      return {
        cpuBusySeconds: busySeconds,
        cpuTotalSeconds: totalSeconds,
        agentCpuSeconds: processes.reduce((sum, each) => sum + each.cpuSeconds, 0),
        agentMemoryBytes: processes.reduce((sum, each) => sum + each.memoryBytes, 0),
        memoryAvailableBytes: await readAvailableMemory(root),
        diskFreeBytes: await readFreeDisk(options.dataDirectory),
        ...(await readThermal(root)),
        ...(await energy.read()),
      };
    },
  };
}

async function readCpu(root: string): Promise<{ busySeconds: number; totalSeconds: number }> {
  const text = await readText(`${root}/proc/stat`);
  const fields = text?.split('\n', 1)[0]?.trim().split(/\s+/).slice(1, 9).map(Number);
  if (fields === undefined || fields.length < 8) return fromOs();
  const total = fields.reduce((sum, ticks) => sum + ticks, 0);
  const idle = (fields[3] ?? 0) + (fields[4] ?? 0);
  return { busySeconds: (total - idle) / TICKS_PER_SECOND, totalSeconds: total / TICKS_PER_SECOND };
}

/** Without /proc (macOS): the same figures from the operating system's own counters, in milliseconds. */
function fromOs(): { busySeconds: number; totalSeconds: number } {
  let [idle, total] = [0, 0];
  for (const { times } of cpus()) {
    idle += times.idle;
    total += times.user + times.nice + times.sys + times.idle + times.irq;
  }
  return { busySeconds: (total - idle) / 1000, totalSeconds: total / 1000 };
}

async function readProcess(root: string, id: number): Promise<{ cpuSeconds: number; memoryBytes: number }> {
  const stat = await readText(`${root}/proc/${id}/stat`);
  const statm = await readText(`${root}/proc/${id}/statm`);
  // The command name may hold spaces and brackets: fields are counted from its last bracket.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? [];
  const ticks = Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
  return { cpuSeconds: ticks / TICKS_PER_SECOND, memoryBytes: Number(statm?.split(' ')[1] ?? 0) * PAGE_BYTES };
}

async function readAvailableMemory(root: string): Promise<number> {
  const match = /^MemAvailable:\s+(\d+) kB/m.exec((await readText(`${root}/proc/meminfo`)) ?? '');
  const machineBytes = match?.[1] === undefined ? freemem() : Number(match[1]) * 1024;
  return Math.min(machineBytes, (await readMemoryShare(root))?.availableBytes ?? machineBytes);
}

async function readFreeDisk(directory: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(directory);
    return bavail * bsize;
  } catch {
    return 0;
  }
}

/** Hottest thermal zone; the throttle flag of a Raspberry Pi (bits 0-3 of `get_throttled`: now under-volted, capped or throttled). */
async function readThermal(root: string): Promise<Pick<SensorReading, 'temperatureCelsius' | 'throttled'>> {
  const zones = await Promise.all([0, 1, 2, 3, 4, 5, 6, 7].map((zone) => readText(`${root}/sys/class/thermal/thermal_zone${zone}/temp`)));
  const degrees = zones.filter((zone) => zone !== undefined).map((zone) => Number(zone) / 1000);
  const throttled = await readText(`${root}/sys/devices/platform/soc/soc:firmware/get_throttled`);
  return {
    temperatureCelsius: degrees.length === 0 ? null : Math.max(...degrees),
    throttled: throttled === undefined ? null : (Number.parseInt(throttled, 16) & 0xf) !== 0,
  };
}
