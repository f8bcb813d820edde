import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SensorReading } from '../../core/ports/sensors.ts';

type Energy = Pick<SensorReading, 'energyCounter' | 'powerWatts'>;

/** No sensor says anything: whoever asks falls back to the power model. */
const nothing: Energy = { energyCounter: null, powerWatts: null };

export interface EnergyProbe {
  read(): Promise<Energy>;
}

/**
 * Finds what tells the energy of this device, once, then reads only that: RAPL package counters, an hwmon energy counter or power
 * sensor, or the rails of an INA3221 (Jetson). What exists but cannot be read (RAPL is for root since CVE-2020-8694) is left out.
 */
export function createEnergyProbe(root: string): EnergyProbe {
  let found: Promise<EnergyProbe> | undefined;
  return {
    async read() {
      found ??= findProbe(root);
      return (await found).read();
    },
  };
}

async function findProbe(root: string): Promise<EnergyProbe> {
  return (await raplProbe(root)) ?? (await hwmonProbe(root)) ?? { read: async () => nothing };
}

/** Packages only: core, uncore and psys are parts or supersets of them, and intel-rapl-mmio repeats them. */
async function raplProbe(root: string): Promise<EnergyProbe | undefined> {
  const base = join(root, '/sys/class/powercap');
  const packages: { path: string; wrapsAtJoules: number; wrappedJoules: number; lastJoules: number }[] = [];
  for (const entry of await list(base)) {
    if (!/^intel-rapl:\d+$/.test(entry)) continue;
    const name = await readNumberless(join(base, entry, 'name'));
    const energy = await readNumber(join(base, entry, 'energy_uj'));
    if (name?.startsWith('package') !== true || energy === undefined) continue;
    const wrapsAtJoules = ((await readNumber(join(base, entry, 'max_energy_range_uj'))) ?? 0) / 1e6;
    packages.push({ path: join(base, entry), wrapsAtJoules, wrappedJoules: 0, lastJoules: energy / 1e6 });
  }
  if (packages.length === 0) return undefined;
  return {
    async read() {
      let total = 0;
      for (const each of packages) {
        const joules = ((await readNumber(join(each.path, 'energy_uj'))) ?? Number.NaN) / 1e6;
        // Each package wraps by itself, at its own bound: their sum has no bound of its own, so the wraps are counted here.
        if (joules < each.lastJoules) each.wrappedJoules += each.wrapsAtJoules;
        each.lastJoules = joules;
        total += each.wrappedJoules + joules;
      }
      if (!Number.isFinite(total)) return nothing;
      return { energyCounter: { joules: total, wrapsAtJoules: 0, source: `rapl:${packages.length} package` }, powerWatts: null };
    },
  };
}

/** hwmon: energy1_input in microjoules, power1_average or power1_input in microwatts, INA rails as millivolts times milliamperes. */
async function hwmonProbe(root: string): Promise<EnergyProbe | undefined> {
  const base = join(root, '/sys/class/hwmon');
  for (const entry of await list(base)) {
    const directory = join(base, entry);
    const chip = (await readNumberless(join(directory, 'name'))) ?? entry;
    if ((await readNumber(join(directory, 'energy1_input'))) !== undefined) {
      return {
        async read() {
          const microjoules = await readNumber(join(directory, 'energy1_input'));
          if (microjoules === undefined) return nothing;
          return { energyCounter: { joules: microjoules / 1e6, wrapsAtJoules: 0, source: `hwmon:${chip}` }, powerWatts: null };
        },
      };
    }
    for (const file of ['power1_average', 'power1_input']) {
      if ((await readNumber(join(directory, file))) === undefined) continue;
      return powerProbe(`hwmon:${chip}`, async () => ((await readNumber(join(directory, file))) ?? Number.NaN) / 1e6);
    }
    const rails = await inaRails(directory, chip);
    if (rails !== undefined) return rails;
  }
  return undefined;
}

/** The rail VDD_IN is the whole board; boards without it are the sum of their rails. Channels 4 to 7 are shunts, not rails. */
async function inaRails(directory: string, chip: string): Promise<EnergyProbe | undefined> {
  if (!chip.startsWith('ina')) return undefined;
  const rails: { channel: number; label: string }[] = [];
  for (const channel of [1, 2, 3]) {
    const label = (await readNumberless(join(directory, `in${channel}_label`))) ?? `in${channel}`;
    if (label.includes('NC') || (await readNumber(join(directory, `curr${channel}_input`))) === undefined) continue;
    rails.push({ channel, label });
  }
  if (rails.length === 0) return undefined;
  const whole = rails.filter(({ label }) => label === 'VDD_IN' || label === 'POM_5V_IN');
  const used = whole.length > 0 ? whole : rails;
  return powerProbe(`${chip}:${used.map(({ label }) => label).join('+')}`, async () => {
    let milliwatts = 0;
    for (const { channel } of used) {
      const millivolts = (await readNumber(join(directory, `in${channel}_input`))) ?? Number.NaN;
      milliwatts += (millivolts * ((await readNumber(join(directory, `curr${channel}_input`))) ?? Number.NaN)) / 1000;
    }
    return milliwatts / 1000;
  });
}

/** @param watts not a number while the sensor cannot be read */
function powerProbe(source: string, watts: () => Promise<number>): EnergyProbe {
  return {
    async read() {
      const now = await watts();
      // A sensor that went away says nothing; it does not say that the device takes nothing.
      return Number.isFinite(now) ? { energyCounter: null, powerWatts: { watts: now, source } } : nothing;
    },
  };
}

async function list(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).sort();
  } catch {
    return [];
  }
}

async function readNumberless(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch {
    return undefined;
  }
}

async function readNumber(path: string): Promise<number | undefined> {
  const text = await readNumberless(path);
  const value = text === undefined || text === '' ? Number.NaN : Number(text);
  return Number.isFinite(value) ? value : undefined;
}
