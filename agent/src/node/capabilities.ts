import { access, constants, glob, readFile, statfs } from 'node:fs/promises';
import { arch, cpus, freemem, hostname, platform, release, totalmem } from 'node:os';
import { type Capabilities, operatorVersions } from '@starling/shared';
import { buildOf } from './config.ts';
import { onnxRuntimeVersion } from './identity.ts';
import { readMemoryShare } from './sensors/index.ts';
import { AGENT_VERSION } from './version.ts';

/** Where energy sensors may be; the profile says which of them to believe. */
const sensorPaths = [
  { kind: 'rapl', pattern: '/sys/class/powercap/intel-rapl:*/energy_uj' },
  { kind: 'hwmon', pattern: '/sys/class/hwmon/hwmon*/{energy1_input,power1_input,power1_average}' },
  { kind: 'ina3221', pattern: '/sys/bus/i2c/drivers/ina3221*/*/hwmon/hwmon*/in1_input' },
  { kind: 'battery', pattern: '/sys/class/power_supply/*/power_now' },
];

/** Measures this device. @param executionProviders what the engine offers, and what really ran */
export async function measureCapabilities(
  directory: string,
  executionProviders: Capabilities['executionProviders'],
): Promise<Capabilities> {
  const cpuInfo = await readText('/proc/cpuinfo');
  const { version: build } = buildOf();
  const { bavail, blocks, bsize } = await statfs(directory);
  const model = await readText('/proc/device-tree/model');
  const processor = cpus()[0];
  const isa = (/^(?:flags|Features)\s*:\s*(.+)$/m.exec(cpuInfo)?.[1] ?? '').split(/\s+/).filter((flag) => flag !== '');
  return {
    schemaVersion: 1,
    environment: 'node',
    os: platform(),
    architecture: arch(),
    kernel: release(),
    agentVersion: AGENT_VERSION,
    runtimeVersions: { node: process.versions.node, engine: onnxRuntimeVersion(), ...(build === undefined ? {} : { agent: build }) },
    cpu: {
      vendor: (/^vendor_id\s*:\s*(.+)$/m.exec(cpuInfo)?.[1] ?? '').trim(),
      model: (processor?.model ?? /^Model\s*:\s*(.+)$/m.exec(cpuInfo)?.[1] ?? '').trim(),
      cores: Math.max(1, cpus().length),
      maximumMhz: processor?.speed ?? 0,
      isa: isa.slice(0, 256),
      virtualised: isa.includes('hypervisor'),
    },
    ...(model === ''
      ? {}
      : {
          deviceTree: {
            model: clean(model),
            compatible: clean(await readText('/proc/device-tree/compatible'))
              .split('\0')
              .filter(Boolean),
          },
        }),
    gpus: [],
    executionProviders,
    operatorVersions,
    memory: await measureMemory(),
    disk: { totalBytes: blocks * bsize, freeBytes: bavail * bsize },
    energySensors: await findSensors(),
    hostName: hostname(),
  };
}

/** A container or unit that may have less than the machine is a smaller device. */
async function measureMemory(): Promise<Capabilities['memory']> {
  const [totalBytes, availableBytes] = [totalmem(), freemem()];
  const share = await readMemoryShare();
  if (share === undefined) return { totalBytes, availableBytes };
  return { totalBytes: Math.min(totalBytes, share.limitBytes), availableBytes: Math.min(availableBytes, share.availableBytes) };
}

async function findSensors(): Promise<Capabilities['energySensors']> {
  const found: Capabilities['energySensors'] = [];
  for (const { kind, pattern } of sensorPaths) {
    for await (const path of glob(pattern)) {
      const readable = await access(path, constants.R_OK).then(
        () => true,
        () => false,
      );
      found.push({ kind, path, readable });
    }
  }
  return found;
}

/** Strings of the device tree end with a zero byte. */
function clean(text: string): string {
  return text.replace(/\0$/, '');
}

async function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}
