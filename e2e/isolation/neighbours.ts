import { cborEncode, createTopics, type DeviceLogin, jsonDecode, StarlingError, wireTable } from '@starling/shared';
import { createProtocolDevice, type ProtocolDevice, type Session, startSession } from '../harness/protocol-device.ts';
import { type ReadyFleet, startReadyFleet } from '../harness/ready-fleet.ts';
import { quickest, slowness } from '../harness/scale.ts';

export const topics = createTopics();

/** Two devices of one fleet: one that misbehaves, and one that must not notice. */
export interface Neighbours {
  fleet: ReadyFleet;
  mallory: ProtocolDevice;
  malloryLogin: DeviceLogin;
  bob: ProtocolDevice;
  bobSession: Session;
  /** Bob sends a batch and hears that it is stored. @returns milliseconds, divided by how much slower other work makes the machine */
  bobWorks(): Promise<number>;
  stop(): Promise<void>;
}

/** A device whose neighbours do nothing to it is answered in less. */
const UNDISTURBED_MS = 2000;
/** Whoever waits for so long, if only once, is held up. */
const HELD_UP_MS = 5000;

/** A telemetry record, good unless its payload is not. */
export function recordOf(sequence: number, payload: unknown = { level: 'info', code: 'test', message: 'hello' }): unknown {
  return { sequence, bootId: 'boot', monotonicMs: 1, wallMs: Date.now(), clock: 'trusted', payload };
}

export async function startNeighbours(): Promise<Neighbours> {
  const fleet = await startReadyFleet();
  const token = await fleet.claim({ uses: 2 });
  const [mallory, bob] = [await createProtocolDevice(fleet.baseUrl), await createProtocolDevice(fleet.baseUrl)];
  await mallory.enrol(token);
  await bob.enrol(token);
  const bobSession = await startSession(fleet.broker, bob);
  let sequence = 0;
  return {
    ...{ fleet, mallory, bob, bobSession },
    malloryLogin: await mallory.login(),
    bobWorks: () => quickest(UNDISTURBED_MS, work),
    async stop() {
      await bobSession.end();
      await fleet.stop();
    },
  };

  async function work(): Promise<number> {
    sequence += 1;
    const startMs = performance.now();
    const from = bobSession.messages.length;
    const batch = cborEncode({ streamId: bob.id, records: [recordOf(sequence)] });
    const event = { device: bob.id, kind: 'events' };
    await bobSession.client.publishAsync(topics.build('telemetry', event), Buffer.from(batch), { qos: 1 });
    const { payload } = await bobSession.received(topics.build('acknowledgement', event), HELD_UP_MS * slowness(), from);
    const stored = jsonDecode(payload, wireTable.acknowledgement.schema);
    if (stored.streamId !== bob.id || stored.sequence !== sequence) {
      throw new StarlingError('wrong-acknowledgement', `sequence ${stored.sequence} is acknowledged instead of ${sequence}`);
    }
    return (performance.now() - startMs) / slowness();
  }
}
