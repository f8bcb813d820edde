import {
  type Acknowledgement,
  acknowledgementSchema,
  api,
  cborEncode,
  createTopics,
  jsonDecode,
  parseClaimToken,
  type TelemetryRecord,
} from '@starling/shared';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { afterAll, describe, expect, test } from 'vitest';
import { type PostgresServer, startPostgres } from '../harness/postgres.ts';
import { createProtocolDevice, type ProtocolDevice, type Session, startSession } from '../harness/protocol-device.ts';
import { describeWith } from '../harness/requires.ts';
import { type RunningFleet, startRunningFleet, until } from '../harness/running-fleet.ts';
import { scaled, testSeed } from '../harness/scale.ts';

const KILLS = 20;
const DEVICES = 4;
const BATCH_RECORDS = 20;

/** Sends numbered events as fast as they are acknowledged, and again from the last acknowledgement after each break. */
interface Sender {
  device: ProtocolDevice;
  /** Highest sequence that the fleet has promised to keep. */
  acknowledged(): number;
  sent(): number;
  connect(broker: string): Promise<void>;
  pause(): Promise<void>;
}

function createSender(device: ProtocolDevice): Sender {
  const topics = createTopics();
  let acknowledged = 0;
  let sent = 0;
  let session: Session | undefined;
  const send = (): void => {
    const records = Array.from(
      { length: BATCH_RECORDS },
      (_, index): TelemetryRecord => ({
        sequence: acknowledged + 1 + index,
        ...{ bootId: 'boot', monotonicMs: index, wallMs: Date.now(), clock: 'trusted' },
        payload: { level: 'info', code: 'count', message: `record ${acknowledged + 1 + index}` },
      }),
    );
    sent = Math.max(sent, acknowledged + BATCH_RECORDS);
    const batch = Buffer.from(cborEncode({ streamId: device.id, records, dropped: [] }));
    // A connection that has ended takes nothing any more: the next one sends it again.
    session?.client.publish(topics.build('telemetry', { device: device.id, kind: 'events' }), batch, { qos: 1 }, () => undefined);
  };
  return {
    device,
    acknowledged: () => acknowledged,
    sent: () => sent,
    async connect(broker) {
      session = await startSession(broker, device);
      session.client.on('message', (topic, payload) => {
        if (topic !== topics.build('acknowledgement', { device: device.id, kind: 'events' })) return;
        const { sequence }: Acknowledgement = jsonDecode(payload, acknowledgementSchema);
        acknowledged = Math.max(acknowledged, sequence);
        send();
      });
      send();
    },
    async pause() {
      await session?.end().catch(() => undefined);
      session = undefined;
    },
  };
}

function killsDuringIngest(flags: () => Promise<Record<string, string>>): void {
  let fleet: RunningFleet | undefined;
  afterAll(async () => {
    await fleet?.stop();
  });

  test(
    'what was acknowledged is there after every kill, and everything is there once',
    async () => {
      fleet = await startRunningFleet(await flags());
      const running = fleet;
      const random = xoroshiro128plus(testSeed());
      const senders = await Promise.all(Array.from({ length: DEVICES }, async () => createSender(await enrolled(running))));
      for (let kill = 0; kill < scaled(KILLS); kill += 1) {
        const before = senders.map((sender) => sender.acknowledged());
        for (const sender of senders) await sender.connect(running.process.ready.addresses.mqtt);
        await until('telemetry flows', () => senders.every((sender, index) => sender.acknowledged() > (before[index] ?? 0)));
        await new Promise((resolve) => setTimeout(resolve, uniformInt(random, 0, 500)));
        await running.process.kill();
        // Whatever was on its way has ended with its connection.
        for (const sender of senders) await sender.pause();
        await running.start();
        for (const sender of senders) expect(await storedUpTo(running, sender)).toBeGreaterThanOrEqual(sender.acknowledged());
      }
      for (const sender of senders) {
        await sender.connect(running.process.ready.addresses.mqtt);
        await until('the rest is acknowledged', () => sender.acknowledged() >= sender.sent() - BATCH_RECORDS);
        await sender.pause();
        const stored = await storedUpTo(running, sender);
        expect(stored).toBeGreaterThanOrEqual(sender.acknowledged());
      }
    },
    60_000 + scaled(KILLS) * 40_000,
  );
}

async function enrolled(fleet: RunningFleet): Promise<ProtocolDevice> {
  const { text } = await fleet.client.call(api.createClaimToken, { body: { name: 'sender', uses: 1 } });
  const token = parseClaimToken(text);
  if (token === undefined) throw new Error('the fleet made a claim token that is none');
  const device = await createProtocolDevice(fleet.baseUrl);
  await device.enrol(token);
  return device;
}

/** The highest sequence in the database, after checking that everything below it is there exactly once. */
async function storedUpTo(fleet: RunningFleet, { device }: Sender): Promise<number> {
  const rows = await fleet.telemetry(device.id, 'events');
  const sequences = rows.map(({ sequence }) => sequence).sort((a, b) => a - b);
  expect(sequences).toEqual(sequences.map((_, index) => index + 1));
  const messages = new Set(rows.map(({ payload }) => payload.message));
  expect(messages.size).toBe(rows.length);
  return sequences.at(-1) ?? 0;
}

describe('a fleet that is killed while telemetry comes in, on the embedded database', () => killsDuringIngest(async () => ({})));

describeWith(['postgres'], 'a fleet that is killed while telemetry comes in, on Postgres', ({ postgres }) => {
  let server: PostgresServer | undefined;
  afterAll(() => server?.stop());
  killsDuringIngest(async () => {
    server = await startPostgres(postgres);
    return { 'database-url': server.url };
  });
});
