import { createInferenceWindow } from '../../agent/src/core/monitors/index.ts';
import type { DeviceRollUps } from '../../fleet/src/analysis/index.ts';
import { type RollUp, rollUp } from '../../fleet/src/telemetry/index.ts';
import { type Random, seededRandom } from '../scenes/random.ts';

/** A fleet in which a release goes out in waves, a minute at a time: traffic as devices have it, in the records that they send. */
export interface SimulatedFleet {
  /** Lets a minute pass. */
  tick(): void;
  candidate(): DeviceRollUps[];
  control(): DeviceRollUps[];
}

export interface SimulationSettings {
  devices: number;
  /** Devices that run the new release from a minute on. */
  waves: readonly { minute: number; devices: number }[];
  pastMinutes: number;
  inferencesPerMinute: number;
  /** What the new release does to latency. */
  latencyFactor: number;
}

const MINUTE_MS = 60_000;
const OLD = 'a'.repeat(64);
const NEW = 'b'.repeat(64);
/** Three kinds of hardware: milliseconds of an inference. */
const BASE_LATENCIES_MS = [12, 35, 90];
/** Spread of the logarithm: of devices of one kind, of one device over time, of the inferences of a minute, of what all have in common. */
const DEVICE_SPREAD = 0.15;
const DRIFT_SPREAD = 0.06;
const DRIFT_KEPT = 0.9;
const ITEM_SPREAD = 0.35;
const COMMON_SPREAD = 0.05;
const FAILURE_SHARE = 0.004;

interface Device {
  latencyMs: number;
  failureShare: number;
  watts: number;
  /** Slow change of its own, as of heat and neighbours. */
  drift: number;
  order: number;
  isNew: boolean;
  sums: { past: Map<string, RollUp>; now: Map<string, RollUp> };
}

export function simulateFleet(seed: number, settings: SimulationSettings): SimulatedFleet {
  const random = seededRandom(seed, 1);
  const devices = makeDevices(random, settings.devices);
  let minute = -settings.pastMinutes;
  let common = 0;
  const updated = (): number => settings.waves.findLast((wave) => wave.minute <= minute)?.devices ?? 0;
  const tick = (): void => {
    common = keepPart(common, COMMON_SPREAD, random);
    const runNew = minute < 0 ? 0 : updated();
    for (const device of devices) {
      device.drift = keepPart(device.drift, DRIFT_SPREAD, random);
      const isNew = device.order < runNew;
      const side = minute >= 0 ? device.sums.now : device.sums.past;
      // What a device did on the old release is its past, once it runs the new one.
      if (isNew && !device.isNew) changeOver(device);
      count(device, side, minute, common, settings, random);
    }
    minute += 1;
  };
  for (let past = 0; past < settings.pastMinutes; past += 1) tick();
  const sides = ({ sums }: Device): DeviceRollUps => ({ now: [...sums.now.values()], past: [...sums.past.values()] });
  return {
    tick,
    candidate: () => devices.filter(({ isNew }) => isNew).map(sides),
    control: () => devices.filter(({ isNew }) => !isNew).map(sides),
  };
}

function makeDevices(random: Random, count: number): Device[] {
  const order = Array.from({ length: count }, (_, index) => index).toSorted(() => random.between(-1, 1));
  return order.map((place, index) => ({
    latencyMs: (BASE_LATENCIES_MS[index % BASE_LATENCIES_MS.length] as number) * Math.exp(DEVICE_SPREAD * random.normal()),
    failureShare: FAILURE_SHARE * Math.exp(0.8 * random.normal()),
    watts: 3 * Math.exp(0.3 * random.normal()),
    drift: DRIFT_SPREAD * random.normal(),
    order: place,
    isNew: false,
    sums: { past: new Map(), now: new Map() },
  }));
}

/** A process whose spread stays as it is, and which forgets a part of where it was each minute. */
function keepPart(value: number, spread: number, random: Random): number {
  return DRIFT_KEPT * value + spread * Math.sqrt(1 - DRIFT_KEPT ** 2) * random.normal();
}

function changeOver(device: Device): void {
  device.isNew = true;
  for (const row of device.sums.now.values()) add(device.sums.past, row);
  device.sums.now.clear();
}

function count(
  device: Device,
  side: Map<string, RollUp>,
  minute: number,
  common: number,
  { inferencesPerMinute, latencyFactor }: SimulationSettings,
  random: Random,
): void {
  const startMs = (minute + 1e6) * MINUTE_MS;
  const release = device.isNew ? NEW : OLD;
  const window = createInferenceWindow('read-signs', release);
  const centreMs = device.latencyMs * Math.exp(device.drift + common) * (device.isNew ? latencyFactor : 1);
  let busyMs = 0;
  for (let item = 0; item < inferencesPerMinute; item += 1) {
    if (random.chance(device.failureShare)) {
      window.failed('node-failed');
      continue;
    }
    const latencyMs = centreMs * Math.exp(ITEM_SPREAD * random.normal());
    busyMs += latencyMs;
    window.succeeded(latencyMs, {});
  }
  const agentJoules = (busyMs / 1000) * device.watts * Math.exp(0.1 * random.normal());
  const energy = {
    ...{ startMs, lengthMs: MINUTE_MS, release, joules: 300 + agentJoules, agentJoules, inferences: inferencesPerMinute },
    ...{ joulesPerInference: agentJoules / inferencesPerMinute, method: 'modelled', source: 'simulated' },
  };
  const from = { device: String(device.order), atMs: startMs };
  const records = [
    { ...from, kind: 'inference', payload: window.end(startMs, MINUTE_MS, 0) },
    { ...from, kind: 'energy', payload: energy },
  ];
  for (const row of rollUp(records)) add(side, row);
}

/** As the database adds rows of one key; in place, since millions of them are added. */
function add(sums: Map<string, RollUp>, row: RollUp): void {
  const key = `${row.kind} ${row.subject}`;
  const before = sums.get(key);
  if (before === undefined) {
    sums.set(key, { ...row, bins: row.bins === null ? null : [...row.bins] });
    return;
  }
  before.count += row.count;
  before.hits += row.hits;
  before.total += row.total;
  if (row.bins === null) return;
  if (before.bins === null) before.bins = [...row.bins];
  else for (const [bin, added] of row.bins.entries()) if (added !== 0) before.bins[bin] = (before.bins[bin] as number) + added;
}
