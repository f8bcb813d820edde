/** Gates over 100,000 devices on Postgres -> the time of a look, when nothing has moved and when devices have. */
import { analysisSpecSchema } from '@starling/shared';
import { sql } from 'drizzle-orm';
import { type Analysis, createAnalysis } from '../../fleet/src/analysis/index.ts';
import type { Database, OpenDatabase } from '../../fleet/src/db/index.ts';
import { createEventBus } from '../../fleet/src/events.ts';
import { createExampleFleet, digestOf } from '../../fleet/src/rollouts/example-fleet.ts';
import { createIngest, createLayerStore } from '../../fleet/src/telemetry/index.ts';
import { ingestAll, recordsOfDevice } from '../analysis/simulated-records.ts';
import type { Measure, Say } from './result.ts';

const DEVICES = 100_000;
const DEVICES_A_TIME = 5_000;
const MOVED = 5_000;
const LOOKS = 5;
const MINUTE_MS = 60_000;
const WINDOW_MS = 5 * MINUTE_MS;
const DAY_MS = 24 * 60 * MINUTE_MS;
const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const keepMs = { records: 7 * DAY_MS, 'device-sums': 7 * DAY_MS, sums: 90 * DAY_MS, hours: 730 * DAY_MS };

const spec = analysisSpecSchema.parse({
  objectives: [
    { name: 'latency', measure: 'latency-p95', atMost: '1.2x' },
    { name: 'errors', measure: 'error-rate', atMost: '1.2x' },
    { name: 'rollbacks', measure: 'rollback-rate', atMost: '5 %' },
  ],
});

/** Half of the devices run the new release and half are their control; each has sent one window before and one since. */
export async function measureLooks({ db, kind }: OpenDatabase, say: Say): Promise<Measure[]> {
  const fleet = createExampleFleet({ db });
  fleet.clock.add(Math.floor(Date.now() / WINDOW_MS) * WINDOW_MS - fleet.clock.nowMs());
  const sinceMs = fleet.clock.nowMs();
  const devices = await fleet.addDevices(DEVICES);
  await db.execute(sql`create table bench_moved (device text primary key, runs_new boolean not null)`);
  await db.execute(sql`insert into bench_moved select id, row_number() over (order by id) % 2 = 0 from devices`);
  fleet.clock.add(WINDOW_MS);
  say(`${DEVICES} devices, ${2 * DEVICES} windows`);
  const layers = createLayerStore(db, kind, keepMs);
  const ingest = createIngest({ db, clock: fleet.clock, events: createEventBus(), log, layers, waitingBytesMaximum: 2 ** 26 });
  for (let from = 0; from < DEVICES; from += DEVICES_A_TIME) {
    const sent = devices.slice(from, from + DEVICES_A_TIME).flatMap((device, index) => {
      const common = { device, windows: 1, windowMs: WINDOW_MS, items: 20, latencyMs: 20 };
      const release = digestOf((from + index) % 2 === 1 ? 'two' : 'one');
      return [
        ...recordsOfDevice({ ...common, fromMs: sinceMs - WINDOW_MS, release: digestOf('one'), seed: 2 * (from + index) }),
        ...recordsOfDevice({ ...common, fromMs: sinceMs, release, seed: 2 * (from + index) + 1 }),
      ].filter(({ kind }) => kind === 'inference');
    });
    await ingestAll(ingest, sent, 'bench');
  }
  await db.execute(sql`analyze`);
  return lookAgain(db, { analysis: createAnalysis({ db, clock: fleet.clock, log, prices: [] }), sinceMs, nowMs: sinceMs + WINDOW_MS }, say);
}

interface Watched {
  analysis: Analysis;
  sinceMs: number;
  nowMs: number;
}

async function lookAgain(db: Database, { analysis, sinceMs, nowMs }: Watched, say: Say): Promise<Measure[]> {
  let looks = 0;
  const look = async (): Promise<number> => {
    looks += 1;
    const startedMs = performance.now();
    const { metrics } = await analysis.judge({
      spec,
      candidate: {
        ...{
          devices: sql`(select device from bench_moved where runs_new)`,
          assigned: sql`(select device from bench_moved where runs_new)`,
        },
        release: digestOf('two'),
      },
      control: { devices: sql`(select device from bench_moved where not runs_new)`, release: undefined },
      ...{ sinceMs, nowMs: nowMs + looks * MINUTE_MS, rollout: { id: 'bench', step: 'all' } },
    });
    const seconds = (performance.now() - startedMs) / 1000;
    say(`look ${looks}: ${seconds.toFixed(2)} s; ${metrics.map(({ name, candidate }) => `${name} of ${candidate?.devices}`).join(', ')}`);
    return seconds;
  };
  const first = await look();
  const same: number[] = [];
  for (let count = 0; count < LOOKS; count += 1) same.push(await look());
  const moved: number[] = [];
  for (let count = 0; count < LOOKS; count += 1) {
    await db.execute(sql`update bench_moved set runs_new = true
      where device in (select device from bench_moved where not runs_new order by device limit ${MOVED})`);
    moved.push(await look());
  }
  const what = `a look of ${spec.objectives.length} gates at ${DEVICES} devices`;
  return [
    { name: `${what}, the first`, value: first, unit: 's' },
    { name: `${what}, when nobody has moved`, value: Math.max(...same), unit: 's' },
    { name: `${what}, when ${MOVED} have moved`, value: Math.max(...moved), unit: 's' },
  ];
}
