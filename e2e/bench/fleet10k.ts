import { api, StarlingError } from '@starling/shared';
import { type CrowdedFleet, residentBytes, startCrowdedFleet } from './fleet10k-fleet.ts';
import { type BenchOptions, inParts } from './parts.ts';
import { processorTimeOf } from './processor-time.ts';
import { type Findings, type Measure, quantile, type Say } from './result.ts';

const DEVICES = 10_000;
const TLS_DEVICES = 2_000;
const SETTLE_MS = 8_000;
const RECORDS = 10;
/** Held for this long it counts. */
const HOLD_SECONDS = 180;
const TRY_SECONDS = 15;
const RATES = [1000, 2000, 2500, 3000, 4000, 5000];
const AGE_MS_MAXIMUM = 5_000;
const WAIT_MS = 60_000;

/** Ten thousand devices at one fleet over Postgres, all on this machine: what they cost, how they come back, and what they can tell. */
export async function measureFleet10k(say: Say, { parts, seconds, devices = DEVICES }: BenchOptions): Promise<Findings> {
  return inParts(
    {
      idle: () => measureIdle(say, devices),
      tls: () => measureTls(say, Math.min(devices, TLS_DEVICES)),
      telemetry: () => measureTelemetry(say, devices, seconds ?? HOLD_SECONDS),
    },
    say,
    parts,
  );
}

/** Connects all, waits until the fleet has settled, then cuts all and lets them come back at once. */
async function measureIdle(say: Say, devices: number): Promise<Measure[]> {
  const crowd = await startCrowdedFleet(devices);
  try {
    const { perDeviceBytes, connectSeconds, processorMs } = await connectAll(crowd, devices, say);
    await crowd.load.tell({ type: 'cut' });
    const cutMs = performance.now();
    const problems = await crowd.load.tell({ type: 'connect' });
    const stormSeconds = (performance.now() - cutMs) / 1000;
    const { online } = await untilOnline(crowd, devices);
    const settledSeconds = (performance.now() - cutMs) / 1000;
    say(`storm: all connected in ${stormSeconds.toFixed(1)} s, all online in ${settledSeconds.toFixed(1)} s, ${JSON.stringify(problems)}`);
    return [
      { name: 'devices', value: devices, unit: 'devices' },
      { name: 'connect rate, from the first packet to the desired state', value: devices / connectSeconds, unit: 'devices/s' },
      { name: 'processor time of the fleet for a connection', value: processorMs / devices, unit: 'ms' },
      { name: 'fleet memory per idle device, plain TCP', value: perDeviceBytes / 1024, unit: 'KB', target: 40, better: 'lower' },
      { name: 'all cut at once: until each has its desired state again', value: stormSeconds, unit: 's', target: 60, better: 'lower' },
      { name: 'all cut at once: until the fleet shows all online', value: settledSeconds, unit: 's', target: 60, better: 'lower' },
      { name: 'all cut at once: devices that did not come back', value: devices - online, unit: 'devices', target: 0, better: 'lower' },
    ];
  } finally {
    await crowd.stop();
  }
}

async function measureTls(say: Say, devices: number): Promise<Measure[]> {
  const crowd = await startCrowdedFleet(devices, { tls: true });
  try {
    const { perDeviceBytes, connectSeconds } = await connectAll(crowd, devices, say);
    return [
      { name: `TLS, ${devices} devices: connect rate`, value: devices / connectSeconds, unit: 'devices/s' },
      { name: `TLS, ${devices} devices: fleet memory per idle device`, value: perDeviceBytes / 1024, unit: 'KB' },
    ];
  } finally {
    await crowd.stop();
  }
}

async function connectAll({ fleet, load }: CrowdedFleet, devices: number, say: Say) {
  const { pid } = fleet.process;
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const emptyBytes = await residentBytes(pid);
  const [startedMs, startedProcessorMs] = [performance.now(), await processorTimeOf(pid)];
  const problems = await load.tell({ type: 'connect' });
  const connectSeconds = (performance.now() - startedMs) / 1000;
  const processorMs = (await processorTimeOf(pid)) - startedProcessorMs;
  // Memory that was needed to let them in goes back as the fleet collects its garbage.
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const fullBytes = await residentBytes(pid);
  say(
    `${devices} devices in ${connectSeconds.toFixed(1)} s; the fleet has ${(emptyBytes / 1e6).toFixed(0)} MB without and ` +
      `${(fullBytes / 1e6).toFixed(0)} MB with them, ${JSON.stringify(problems.map((each) => each.problems))}`,
  );
  return { perDeviceBytes: (fullBytes - emptyBytes) / devices, connectSeconds, processorMs };
}

async function untilOnline({ fleet }: CrowdedFleet, devices: number): Promise<{ online: number }> {
  const endMs = performance.now() + WAIT_MS;
  for (;;) {
    const { online } = (await fleet.client.call(api.overview, {})).devices;
    if (online === devices || performance.now() > endMs) return { online };
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

interface Held {
  rate: number;
  delaysMs: number[];
  lost: number;
  ageMsP99: number;
  processorMs: number;
  tookSeconds: number;
}

/** Looks for the highest rate that a short time holds, then for the highest of these that is held for long, and counts every record. */
async function measureTelemetry(say: Say, devices: number, seconds: number): Promise<Measure[]> {
  const crowd = await startCrowdedFleet(devices);
  try {
    await crowd.load.tell({ type: 'connect' });
    const promising: number[] = [];
    let lostBefore = 0;
    const tryFor = async (rate: number, trySeconds: number): Promise<Held> => {
      const held = await hold(crowd, rate, trySeconds, lostBefore);
      lostBefore += held.lost;
      say(`for ${trySeconds} s: ${describe(held)}`);
      return held;
    };
    for (const rate of RATES) {
      if (!isHeld(await tryFor(rate, TRY_SECONDS))) break;
      promising.unshift(rate);
    }
    let held: Held | undefined;
    for (const rate of promising) {
      held = await tryFor(rate, seconds);
      if (isHeld(held)) break;
    }
    if (held === undefined) throw new StarlingError('too-slow', `not even ${RATES[0]} batches a second were held`);
    const batches = held.rate * seconds;
    return [
      { name: 'telemetry: rate held, batches of 10 records', value: isHeld(held) ? held.rate : 0, unit: 'batches/s', target: 3000 },
      { name: 'telemetry: age of a record on arrival, p99', value: held.ageMsP99, unit: 'ms', target: AGE_MS_MAXIMUM, better: 'lower' },
      { name: 'telemetry: batch to acknowledgement, p99', value: quantile(held.delaysMs, 0.99), unit: 'ms' },
      { name: 'telemetry: records lost or doubled', value: held.lost, unit: 'records', target: 0, better: 'lower' },
      { name: 'telemetry: processor time of the fleet for a batch', value: held.processorMs / batches, unit: 'ms' },
    ];
  } finally {
    await crowd.stop();
  }
}

/** @param lostBefore what a rate that was too high has lost already: all since the start is counted */
async function hold({ fleet, sql, load }: CrowdedFleet, rate: number, seconds: number, lostBefore: number): Promise<Held> {
  const { pid } = fleet.process;
  const [fromMs, startedMs, processorMs] = [Date.now(), performance.now(), await processorTimeOf(pid)];
  const answers = await load.tell({ type: 'send', seconds, batchesPerSecond: rate / 2, records: RECORDS, waitMs: WAIT_MS });
  const tookSeconds = (performance.now() - startedMs) / 1000;
  const usedMs = (await processorTimeOf(pid)) - processorMs;
  const sent = answers.reduce((sum, answer) => sum + (answer.sent ?? 0), 0);
  const [stored] = await sql<{ records: number; distinct: number }[]>`
    select count(*)::int as records, coalesce(sum(sequence), 0)::float8 as distinct from (select max(sequence) as sequence
      from telemetry_records group by device, stream_id) as streams`;
  const [counted] = await sql<{ records: number }[]>`select count(*)::int as records from telemetry_records`;
  const [age] = await sql<{ p99: number | null }[]>`
    select percentile_cont(0.99) within group (order by arrived_at_ms - wall_ms)::float8 as p99 from telemetry_records where wall_ms >= ${fromMs}`;
  const lost = Math.abs(sent - (counted?.records ?? 0)) + Math.abs(sent - (stored?.distinct ?? 0)) - lostBefore;
  return {
    ...{ rate, tookSeconds, lost, processorMs: usedMs, ageMsP99: age?.p99 ?? Number.POSITIVE_INFINITY },
    delaysMs: answers.flatMap((answer) => answer.delaysMs ?? []),
  };
}

/** Held is what was stored whole, and not later and later. */
function isHeld({ lost, ageMsP99, delaysMs }: Held): boolean {
  return lost === 0 && ageMsP99 <= AGE_MS_MAXIMUM && quantile(delaysMs, 0.99) <= AGE_MS_MAXIMUM;
}

function describe({ rate, delaysMs, lost, ageMsP99, processorMs, tookSeconds }: Held): string {
  const delays = [0.5, 0.99].map((part) => `${quantile(delaysMs, part).toFixed(0)} ms`).join(' and ');
  return (
    `${rate} batches/s: acknowledged after ${delays} (median, p99), age on arrival ${ageMsP99.toFixed(0)} ms (p99), ${lost} lost, ` +
    `fleet busy ${((processorMs / tookSeconds / 1000) * 100).toFixed(0)} % of a core`
  );
}
