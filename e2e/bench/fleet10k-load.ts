import { randomBytes } from 'node:crypto';
import { systemClock } from '@starling/fleet';
import { type MqttSession, openMqttSession } from '@starling/fleet/simulator';
import {
  acknowledgementSchema,
  cborEncode,
  createTopics,
  type DeviceLogin,
  jsonDecode,
  jsonEncode,
  makeRandomId,
  messageOf,
  type TelemetryPayload,
} from '@starling/shared';
import type { FromLoad, ToLoad } from './fleet10k-messages.ts';

/** A process of connections that are all of one bench: it connects, cuts and sends as it is told. */

/** A fleet lets so many in at once from one address that have not logged in yet. */
const CONNECTING_MAXIMUM = 150;
const KIND = 'health';

interface Device {
  login: DeviceLogin;
  streamId: string;
  session: MqttSession | undefined;
  sequence: number;
  acknowledged: number;
  /** When each batch that is under way was sent, by its last sequence. */
  sentAtMs: Map<number, number>;
}

const devices: Device[] = [];
const topics = createTopics();
let delaysMs: number[] = [];
let authority: string | undefined;
const tell = (message: FromLoad): void => void process.send?.(message);

async function connect(device: Device): Promise<void> {
  const { username } = device.login;
  const desired = Promise.withResolvers<void>();
  device.session = await openMqttSession({
    login: device.login,
    authority,
    onClosed: () => {
      device.session = undefined;
      desired.reject(new Error('closed'));
    },
    onMessage(topic, payload) {
      const parsed = topics.parse(topic);
      if (parsed?.name === 'desired') desired.resolve();
      if (parsed?.name !== 'acknowledgement') return;
      const { streamId, sequence } = jsonDecode(payload, acknowledgementSchema);
      if (streamId !== device.streamId) return;
      device.acknowledged = Math.max(device.acknowledged, sequence);
      for (const [last, atMs] of device.sentAtMs) {
        if (last > sequence) break;
        delaysMs.push(performance.now() - atMs);
        device.sentAtMs.delete(last);
      }
    },
  });
  await device.session.subscribe(topics.deviceFilters(username));
  const hello = { protocolVersion: 1, agentVersion: '0.1.0', streamId: device.streamId, bootId: device.streamId, epoch: 0, generation: 0 };
  await device.session.publish(
    topics.build('hello', { device: username }),
    jsonEncode({ ...hello, features: [], operatorVersions: {}, wallMs: systemClock.nowMs() }),
    1,
  );
  await desired.promise;
}

/** Connects all that are not, and again those that were refused. @returns what went wrong on the way, by its words */
async function connectAll(): Promise<Record<string, number>> {
  const problems: Record<string, number> = {};
  const queue = devices.filter(({ session }) => session === undefined);
  const work = async (): Promise<void> => {
    for (let device = queue.pop(); device !== undefined; device = queue.pop()) {
      await connect(device).catch((error: unknown) => {
        const words = messageOf(error).slice(0, 80);
        problems[words] = (problems[words] ?? 0) + 1;
        device?.session?.cut();
        if (device !== undefined) queue.unshift(device);
      });
    }
  };
  await Promise.all(Array.from({ length: CONNECTING_MAXIMUM }, work));
  return problems;
}

const payload: TelemetryPayload<typeof KIND> = {
  ...{ startMs: 0, lengthMs: 10_000, release: null, cpuUtilisation: 0.21, agentCpuSeconds: 1.4, agentMemoryBytes: 188_743_680 },
  ...{ memoryAvailableBytes: 2_147_483_648, diskFreeBytes: 21_474_836_480, temperatureCelsius: 51.5, throttled: false, spoolBytes: 0 },
};

function send(device: Device, records: number): void {
  if (device.session === undefined) return;
  const wallMs = systemClock.nowMs();
  const batch = Array.from({ length: records }, (_, at) => ({
    ...{ sequence: device.sequence + at + 1, bootId: device.streamId, monotonicMs: wallMs, wallMs, clock: 'trusted', payload },
  }));
  device.sequence += records;
  device.sentAtMs.set(device.sequence, performance.now());
  const topic = topics.build('telemetry', { device: device.login.username, kind: KIND });
  void device.session.publish(topic, cborEncode({ streamId: device.streamId, records: batch, dropped: [] }), 1);
}

/** Sends at a rate, whatever comes back: what is late stays late, and shows. */
async function sendFor(seconds: number, batchesPerSecond: number, records: number): Promise<void> {
  const startedMs = performance.now();
  let sent = 0;
  for (;;) {
    const passedMs = performance.now() - startedMs;
    if (passedMs >= seconds * 1000) return;
    const due = Math.floor((passedMs * batchesPerSecond) / 1000);
    for (; sent < due; sent += 1) send(devices[sent % devices.length] as Device, records);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function acknowledged(timeoutMs: number): Promise<void> {
  const endMs = performance.now() + timeoutMs;
  while (devices.some((device) => device.acknowledged < device.sequence) && performance.now() < endMs)
    await new Promise((resolve) => setTimeout(resolve, 50));
}

process.on('message', (message: ToLoad) => {
  void (async () => {
    switch (message.type) {
      case 'devices':
        authority = message.authority;
        for (const { id, password } of message.devices) {
          devices.push({
            login: { username: id, password, expiresAtMs: 0, brokers: [message.broker], topicRoot: topics.root, rootVersion: 1 },
            ...{ streamId: makeRandomId(randomBytes), session: undefined, sequence: 0, acknowledged: 0, sentAtMs: new Map() },
          });
        }
        return tell({ type: 'done' });
      case 'connect':
        return tell({ type: 'done', problems: await connectAll() });
      case 'cut':
        for (const device of devices) device.session?.cut();
        return tell({ type: 'done' });
      case 'send':
        delaysMs = [];
        await sendFor(message.seconds, message.batchesPerSecond, message.records);
        await acknowledged(message.waitMs);
        return tell({
          type: 'done',
          delaysMs,
          sent: devices.reduce((sum, { sequence }) => sum + sequence, 0),
          acknowledged: devices.reduce((sum, device) => sum + device.acknowledged, 0),
          connected: devices.filter(({ session }) => session !== undefined).length,
        });
    }
  })();
});
process.on('disconnect', () => process.exit(0));
