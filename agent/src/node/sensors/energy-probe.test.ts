import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createEnergyProbe } from './energy-probe.ts';

/** Trees of /sys as the kernel shows them; paths and units as its documentation has them (powercap.rst, hwmon/sysfs-interface.rst). */
describe('the energy of this device', () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'starling-sys-'));
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  const write = async (files: Record<string, string | number>): Promise<void> => {
    for (const [path, text] of Object.entries(files)) {
      const file = join(root, 'sys/class', path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, `${text}\n`);
    }
  };
  const rapl = (index: number, microjoules: number, name = `package-${index}`) =>
    write({
      [`powercap/intel-rapl:${index}/name`]: name,
      [`powercap/intel-rapl:${index}/energy_uj`]: microjoules,
      [`powercap/intel-rapl:${index}/max_energy_range_uj`]: 262_143_328_850,
    });
  const none = { energyCounter: null, powerWatts: null };

  test('is unknown where there is no sensor', async () => {
    expect(await createEnergyProbe(root).read()).toEqual(none);
  });

  test('is the sum of the RAPL packages; parts and supersets of them are left out', async () => {
    await rapl(0, 5_000_000);
    await rapl(1, 7_000_000);
    await rapl(2, 99_000_000, 'psys');
    await write({ 'powercap/intel-rapl:0:0/name': 'core', 'powercap/intel-rapl:0:0/energy_uj': 1_000_000 });
    const { energyCounter } = await createEnergyProbe(root).read();
    expect(energyCounter).toMatchObject({ joules: 12, source: 'rapl:2 package' });
  });

  test('goes on growing when packages wrap, one or both', async () => {
    await rapl(0, 262_143_000_000);
    await rapl(1, 262_142_000_000);
    const probe = createEnergyProbe(root);
    const joules = async (): Promise<number> => (await probe.read()).energyCounter?.joules ?? Number.NaN;
    const before = await joules();
    await rapl(0, 1_000_000);
    expect((await joules()) - before).toBeCloseTo(0.32885 + 1, 4);
    await rapl(0, 2_000_000);
    await rapl(1, 3_000_000);
    expect((await joules()) - before).toBeCloseTo(0.32885 + 2 + 1.32885 + 3, 4);
  });

  test('is no figure while a sensor that was there cannot be read', async () => {
    await rapl(0, 5_000_000);
    const counter = createEnergyProbe(root);
    expect((await counter.read()).energyCounter?.joules).toBe(5);
    await rm(join(root, 'sys/class/powercap'), { recursive: true });
    expect(await counter.read()).toEqual(none);
    await write({ 'hwmon/hwmon0/name': 'power_meter', 'hwmon/hwmon0/power1_input': 12_500_000 });
    const power = createEnergyProbe(root);
    expect(await power.read()).toEqual({ energyCounter: null, powerWatts: { watts: 12.5, source: 'hwmon:power_meter' } });
    await rm(join(root, 'sys/class/hwmon'), { recursive: true });
    expect(await power.read()).toEqual(none);
  });

  test('is what an hwmon counter says, before any power sensor', async () => {
    await write({ 'hwmon/hwmon1/name': 'amd_energy', 'hwmon/hwmon1/energy1_input': 3_500_000, 'hwmon/hwmon1/power1_input': 1 });
    expect((await createEnergyProbe(root).read()).energyCounter).toMatchObject({ joules: 3.5, source: 'hwmon:amd_energy' });
  });

  test('is the rail of the whole board of a Jetson, else the sum of its rails', async () => {
    const rail = (channel: number, label: string, millivolts: number, milliamperes: number) => ({
      [`hwmon/hwmon2/in${channel}_label`]: label,
      [`hwmon/hwmon2/in${channel}_input`]: millivolts,
      [`hwmon/hwmon2/curr${channel}_input`]: milliamperes,
    });
    await write({ 'hwmon/hwmon2/name': 'ina3221', ...rail(1, 'VDD_IN', 5_000, 1_200), ...rail(2, 'VDD_CPU_GPU_CV', 5_000, 400) });
    expect((await createEnergyProbe(root).read()).powerWatts).toEqual({ watts: 6, source: 'ina3221:VDD_IN' });
    await write(rail(1, 'VDD_GPU_SOC', 5_000, 1_200));
    expect((await createEnergyProbe(root).read()).powerWatts?.watts).toBe(8);
  });
});
