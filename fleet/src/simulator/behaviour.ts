import { seededRandom } from './random.ts';

/** How simulated devices behave: everything follows from these and the place of the device. */
export interface BehaviourOptions {
  seed: number;
  /** Median latency of one inference. */
  latencyMs: number;
  /** Inferences a second. */
  itemsPerSecond: number;
  /** Names of releases that are worse than others. */
  badReleases: readonly string[];
  /** By how much inference takes longer with a bad release. */
  latencyFactor: number;
  /** Share of inferences that fail with a bad release. */
  errorRate: number;
  /** Share of devices on which a bad release does not pass its self-test. */
  failureShare: number;
  /** Times that a device loses its connection in an hour. */
  dropsPerHour: number;
  /** Share of devices that are on a slow link. */
  slowShare: number;
  /** All waiting is this many times as long. */
  timeFactor: number;
}

export const defaultBehaviour: BehaviourOptions = {
  ...{ seed: 1, latencyMs: 40, itemsPerSecond: 2, badReleases: [], latencyFactor: 1, errorRate: 0, failureShare: 0 },
  ...{ dropsPerHour: 0.2, slowShare: 0.1, timeFactor: 1 },
};

const BASE_ERROR_RATE = 0.001;
/** Latencies are log-normal: this is the deviation of the logarithm, of one device over time and between devices. */
const LATENCY_SPREAD = 0.18;
const DEVICE_SPREAD = 0.1;
const LINK_BYTES_PER_SECOND = 4_000_000;
const SLOW_LINK_BYTES_PER_SECOND = 60_000;
const HOUR_MS = 3_600_000;

/** What happens on the way to a release, and how long each part takes. */
export interface Installation {
  checkingMs: number;
  pullingMs: number;
  selfTestMs: number;
  probationMs: number;
  /** Its self-test fails. */
  fails: boolean;
}

/** One window of inference. */
export interface Window {
  latenciesMs: number[];
  failures: number;
}

/** One device: what it does next, each time it is asked. */
export interface Behaviour {
  /** @param release name of it @param sizeBytes of what it has to pull */
  install(release: string, sizeBytes: number): Installation;
  /** @param share of the items of the device that come to this release, each by chance */
  window(release: string, lengthMs: number, share?: number): Window;
  /** Until the connection breaks by itself. */
  untilDropMs(): number;
  /** How long it then stays away. */
  awayMs(): number;
  /** How long a wait is here that takes so long with an agent. */
  waitMs(ms: number): number;
  /** Spread over a time, so that devices do not act at the same moment. */
  within(ms: number): number;
  temperatureCelsius(): number;
}

/** @param place of the device among all of its run: the same place and seed give the same device */
export function createBehaviour(options: BehaviourOptions, place: number): Behaviour {
  const { seed, timeFactor } = options;
  const nature = seededRandom(seed, 2 * place);
  const luck = seededRandom(seed, 2 * place + 1);
  const ownFactor = Math.exp(DEVICE_SPREAD * nature.normal());
  const bytesPerSecond = nature.chance(options.slowShare) ? SLOW_LINK_BYTES_PER_SECOND : LINK_BYTES_PER_SECOND;
  const bearsBadReleases = !nature.chance(options.failureShare);
  const isBad = (release: string): boolean => options.badReleases.includes(release);
  const lasting = (from: number, to: number): number => luck.between(from, to) * timeFactor;
  return {
    install: (release, sizeBytes) => ({
      checkingMs: lasting(50, 300),
      pullingMs: (sizeBytes / bytesPerSecond) * 1000 * luck.between(0.8, 1.4) * timeFactor,
      selfTestMs: lasting(400, 2_000),
      probationMs: lasting(5_000, 10_000),
      fails: isBad(release) && !bearsBadReleases,
    }),
    window(release, lengthMs, share = 1) {
      const median = options.latencyMs * ownFactor * (isBad(release) ? options.latencyFactor : 1);
      const errorRate = BASE_ERROR_RATE + (isBad(release) ? options.errorRate : 0);
      const all = Math.max(1, Math.round((options.itemsPerSecond * lengthMs) / 1000));
      const items = share === 1 ? all : Array.from({ length: all }).filter(() => luck.chance(share)).length;
      const latenciesMs: number[] = [];
      let failures = 0;
      for (let item = 0; item < items; item += 1) {
        if (luck.chance(errorRate)) failures += 1;
        else latenciesMs.push(median * Math.exp(LATENCY_SPREAD * luck.normal()));
      }
      return { latenciesMs, failures };
    },
    // Independent of what happened before, as cut cables are.
    untilDropMs: () =>
      options.dropsPerHour === 0 ? Number.POSITIVE_INFINITY : (-Math.log(1 - luck.unit()) * HOUR_MS) / options.dropsPerHour,
    awayMs: () => lasting(2_000, 120_000),
    waitMs: (ms) => ms * timeFactor,
    within: (ms) => luck.between(0, ms),
    temperatureCelsius: () => 48 + 6 * nature.unit() + luck.normal(),
  };
}
