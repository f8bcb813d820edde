import { systemClock } from '@starling/fleet';
import {
  type Acknowledgement,
  acknowledgementSchema,
  addToHistogram,
  api,
  cborEncode,
  createHistogram,
  inferenceRecordSchema,
  jsonDecode,
  latencyEdgesMs,
  StarlingError,
  type TelemetryPayload,
  type TelemetryRecord,
  type Topics,
} from '@starling/shared';
import { startPostgres } from '../harness/postgres.ts';
import { createProtocolDevice, type ProtocolDevice, type Session, startSession } from '../harness/protocol-device.ts';
import { type ReadyFleet, startReadyFleet } from '../harness/ready-fleet.ts';
import { findProgram } from '../harness/requires.ts';
import { seededRandom } from '../scenes/random.ts';
import { processorTimeOf } from './processor-time.ts';
import { type Measure, quantile, type Say } from './result.ts';
import { inParallel } from './runtime.ts';

const DEVICES = 200;
const BATCH_RECORDS = 20;
const SEND_MS = 20_000;
/** Every so many batches one is sent again, as after an acknowledgement that was lost on its way. */
const REPEAT_EVERY = 5;
const ACKNOWLEDGE_TIMEOUT_MS = 120_000;
const WINDOW_MS = 10_000;
const WINDOW_ITEMS = 25;
const IN_FLIGHT = 4;
const KIND = 'inference';

/** 200 devices send as fast as they are acknowledged; then every record is looked for. */
export async function measureIngest(say: Say): Promise<Measure[]> {
  const measures = await measureOn('embedded database', {}, say);
  const program = findProgram('postgres');
  if (program === undefined) {
    say('this machine has no Postgres: only the embedded database is measured');
    return measures;
  }
  const server = await startPostgres(program);
  try {
    return [...measures, ...(await measureOn('Postgres', { 'database-url': server.url }, say))];
  } finally {
    await server.stop();
  }
}

async function measureOn(database: string, flags: Record<string, string>, say: Say): Promise<Measure[]> {
  const fleet = await startReadyFleet(flags);
  try {
    say(`${database}: enrolling ${DEVICES} devices`);
    const senders = await enrolSenders(fleet);
    say(`${database}: sending for ${SEND_MS / 1000} s`);
    const startedMs = performance.now();
    const processorMs = await processorTimeOf(fleet.process.pid);
    await Promise.all(senders.map((sender) => sender.sendUntil(startedMs + SEND_MS)));
    const tookSeconds = (performance.now() - startedMs) / 1000;
    const fleetMs = (await processorTimeOf(fleet.process.pid)) - processorMs;
    const sent = senders.reduce((sum, sender) => sum + sender.sent(), 0);
    const delaysMs = senders.flatMap((sender) => sender.acknowledgedMs);
    const { missing, surplus, repeated } = await findRecords(fleet, senders);
    await Promise.all(senders.map((sender) => sender.end()));
    return [
      { name: `${database}: records stored`, value: sent / tookSeconds, unit: 'records/s' },
      { name: `${database}: batches acknowledged`, value: delaysMs.length / tookSeconds, unit: 'batches/s' },
      { name: `${database}: processor time of the fleet for a record`, value: fleetMs / sent, unit: 'ms' },
      { name: `${database}: batch to acknowledgement, median`, value: quantile(delaysMs, 0.5), unit: 'ms' },
      { name: `${database}: batch to acknowledgement, p99`, value: quantile(delaysMs, 0.99), unit: 'ms' },
      { name: `${database}: records sent once more`, value: repeated, unit: 'records' },
      { name: `${database}: records lost`, value: missing, unit: 'records', target: 0, better: 'lower' },
      { name: `${database}: records stored twice`, value: surplus, unit: 'records', target: 0, better: 'lower' },
    ];
  } finally {
    await fleet.stop();
  }
}

export interface Sender {
  device: string;
  sent(): number;
  /** Milliseconds from each batch to its acknowledgement. */
  acknowledgedMs: number[];
  sendUntil(endMs: number): Promise<void>;
  end(): Promise<void>;
}

/** @param fleet where devices enrol, and the broker at which they send */
export async function enrolSenders(fleet: Pick<ReadyFleet, 'baseUrl' | 'broker' | 'claim'>, count: number = DEVICES): Promise<Sender[]> {
  const token = await fleet.claim({ uses: count });
  const senders: Sender[] = [];
  await inParallel(Array.from({ length: count }), IN_FLIGHT, async (_, place) => {
    const device = await createProtocolDevice(fleet.baseUrl);
    await device.enrol(token);
    senders.push(createSender(device, await startSession(fleet.broker, device), place));
  });
  return senders;
}

function createSender(device: ProtocolDevice, session: Session & { topics: Topics }, place: number): Sender {
  const { topics } = session;
  const topic = topics.build('telemetry', { device: device.id, kind: KIND });
  const acknowledgements = topics.build('acknowledgement', { device: device.id, kind: KIND });
  const payload = windowOf(place);
  const acknowledgedMs: number[] = [];
  let sent = 0;
  const greet = topics.build('greet', { device: device.id });
  let waiting: { sequence: number; batch: Buffer; resolve: () => void } | undefined;
  session.client.on('message', (from, payload) => {
    // Nobody may have heard what is under way.
    if (from === greet && waiting !== undefined) session.client.publish(topic, waiting.batch, { qos: 1 });
    if (from !== acknowledgements) return;
    const { sequence }: Acknowledgement = jsonDecode(payload, acknowledgementSchema);
    if (waiting !== undefined && sequence >= waiting.sequence) waiting.resolve();
  });
  const deliver = async (batch: Uint8Array, sequence: number): Promise<void> => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    waiting = { sequence, batch: Buffer.from(batch), resolve };
    const timer = setTimeout(
      () => reject(new StarlingError('timed-out', `${device.id} got no acknowledgement of ${sequence}`)),
      ACKNOWLEDGE_TIMEOUT_MS,
    );
    const startedMs = performance.now();
    await session.client.publishAsync(topic, Buffer.from(batch), { qos: 1 });
    await promise.finally(() => clearTimeout(timer));
    acknowledgedMs.push(performance.now() - startedMs);
  };
  return {
    device: device.id,
    sent: () => sent,
    acknowledgedMs,
    async sendUntil(endMs) {
      for (let batches = 1; performance.now() < endMs; batches += 1) {
        const records = Array.from({ length: BATCH_RECORDS }, (_, index) => recordOf(sent + 1 + index, payload));
        const batch = cborEncode({ streamId: device.id, records, dropped: [] });
        await deliver(batch, sent + BATCH_RECORDS);
        sent += BATCH_RECORDS;
        if (batches % REPEAT_EVERY === 0) await deliver(batch, sent);
      }
    },
    end: () => session.end(),
  };
}

function recordOf(sequence: number, payload: unknown): TelemetryRecord {
  return { sequence, bootId: 'bench', monotonicMs: sequence, wallMs: systemClock.nowMs(), clock: 'trusted', payload };
}

/** A window of ten seconds, as an agent records it. Made once a device: the devices of this bench share a processor with the fleet. */
function windowOf(place: number): TelemetryPayload<typeof KIND> {
  const random = seededRandom(1, place);
  const latencies = createHistogram(latencyEdgesMs);
  for (let item = 0; item < WINDOW_ITEMS; item += 1) addToHistogram(latencies, random.between(20, 400));
  return inferenceRecordSchema.parse({
    ...{ startMs: systemClock.nowMs() - WINDOW_MS, lengthMs: WINDOW_MS, release: null },
    ...{ pipeline: 'read-signs', items: WINDOW_ITEMS, latencyMs: latencies },
    nodes: { detect: { runs: 25, totalMs: 3100 }, recognise: { runs: 71, totalMs: 2400 } },
  });
}

/** Counts what is in the database against what was sent, device by device. */
export async function findRecords(
  fleet: Pick<ReadyFleet, 'client'>,
  senders: readonly Sender[],
): Promise<{ missing: number; surplus: number; repeated: number }> {
  const found = { missing: 0, surplus: 0, repeated: 0 };
  await inParallel(senders, IN_FLIGHT, async (sender) => {
    const params = { id: sender.device };
    const { total } = await fleet.client.call(api.listTelemetry, { params, query: { limit: 1, offset: 0, kind: KIND } });
    const { delivery } = await fleet.client.call(api.summariseTelemetry, { params, query: {} });
    found.missing += Math.max(0, sender.sent() - total, delivery.lost);
    found.surplus += Math.max(0, total - sender.sent());
    found.repeated += delivery.repeated;
  });
  return found;
}
