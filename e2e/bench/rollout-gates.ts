import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { StarlingError } from '@starling/shared';
import { LOOKS, type SimulatedRollout } from './gate-simulation.ts';
import { type Measure, quantile, type Say } from './result.ts';

const SAME_ROLLOUTS = 2000;
const SLOWER_ROLLOUTS = 400;
const SLOWER_FACTOR = 1.2;
/** What a test that is looked at once is planned for. */
const POWER = 0.9;
const WORKERS_MAXIMUM = 4;

/** Releases that change nothing, and ones that are slower, judged every minute by the code that judges real ones; only SQL is left out. */
export async function measureGates(say: Say): Promise<Measure[]> {
  say(`${SAME_ROLLOUTS} rollouts of a release that changes nothing`);
  const same = await simulate(SAME_ROLLOUTS, 1, 0, say);
  const alarms = same.filter(({ failedAt }) => failedAt !== null);
  const by = Map.groupBy(
    alarms.flatMap(({ failed }) => failed),
    (name) => name,
  );
  say(`false alarms by gate: ${[...by].map(([name, all]) => `${name} ${all.length}`).join(', ') || 'none'}`);
  say(`${SLOWER_ROLLOUTS} rollouts of a release that is slower by ${Math.round((SLOWER_FACTOR - 1) * 100)} %`);
  const slower = await simulate(SLOWER_ROLLOUTS, SLOWER_FACTOR, 1_000_000, say);
  const delays = slower.flatMap(({ failedAt }) => (failedAt === null ? [] : [failedAt]));
  const once = minutesForPower(slower);
  const percent = (part: number, whole: number): number => (100 * part) / whole;
  const what = '20 % slower';
  return [
    {
      name: 'nothing changed: rollouts failed by a gate, looked at every minute',
      value: percent(alarms.length, same.length),
      unit: '%',
      target: 5,
      better: 'lower',
    },
    {
      name: 'nothing changed: rollouts failed by a test for one look, looked at every minute',
      value: percent(same.filter(({ fixedRejects }) => fixedRejects.length > 0).length, same.length),
      unit: '%',
    },
    { name: `${what}: rollouts failed within ${LOOKS} minutes`, value: percent(delays.length, slower.length), unit: '%' },
    { name: `${what}: delay of the gates, median`, value: quantile(delays, 0.5), unit: 'min' },
    { name: `${what}: delay of the gates, 90th percentile`, value: quantile(delays, 0.9), unit: 'min' },
    ...(once === undefined ? [] : [{ name: `${what}: a test for one look, planned for a power of 90 %`, value: once, unit: 'min' }]),
  ];
}

/** The first minute from which on a test for one look finds what is there as often as it is planned for. */
function minutesForPower(rollouts: readonly SimulatedRollout[]): number | undefined {
  for (let minute = 1; minute <= LOOKS; minute += 1) {
    if (rollouts.filter(({ fixedRejects }) => fixedRejects.includes(minute)).length >= POWER * rollouts.length) return minute;
  }
  return undefined;
}

async function simulate(count: number, latencyFactor: number, firstSeed: number, say: Say): Promise<SimulatedRollout[]> {
  const workers = Math.min(WORKERS_MAXIMUM, availableParallelism());
  const found: SimulatedRollout[] = [];
  const every = Math.ceil(count / 4);
  await Promise.all(
    Array.from({ length: workers }, (_, place) => {
      const seeds = Array.from({ length: count }, (_each, index) => firstSeed + index + 1).filter((seed) => seed % workers === place);
      const worker = new Worker(new URL('./gate-simulation-worker.ts', import.meta.url), { workerData: { seeds, latencyFactor } });
      return new Promise<void>((resolve, reject) => {
        worker.on('message', (rollout: SimulatedRollout) => {
          found.push(rollout);
          if (found.length % every === 0) say(`${found.length} of ${count}`);
        });
        worker.once('error', reject);
        worker.once('exit', (code) => (code === 0 ? resolve() : reject(new StarlingError('worker-ended', `a worker ended with ${code}`))));
      });
    }),
  );
  return found;
}
