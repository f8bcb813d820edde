import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createTopics, generatePrivateKey, rolloutSpecSchema, StarlingError, signerOf } from '@starling/shared';
import { createBroker } from '../../fleet/src/broker/index.ts';
import { openDatabase } from '../../fleet/src/db/index.ts';
import { createExampleFleet, digestOf } from '../../fleet/src/rollouts/example-fleet.ts';
import type { Measure, Say } from './result.ts';

const DEVICES = 10_000;
const TIMEOUT_MS = 300_000;
/** A broker lets in what is named as devices are. */
const idOf = (index: number): string =>
  [...`${index}`]
    .map((digit) => 'abcdefghij'.charAt(Number(digit)))
    .join('')
    .padStart(26, 'z');
const encoder = new TextEncoder();
const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** From the look of the runner that starts them to the last of 10,000 connected devices that has its signed desired state. */
export async function measureRolloutOut(say: Say): Promise<Measure[]> {
  const directory = await mkdtemp(join(tmpdir(), 'starling-rollout-out-'));
  const { db, close } = await openDatabase({ directory });
  const topics = createTopics();
  const broker = await createBroker({
    ...{ topics, log, checkPassword: async () => true, checkOperator: async () => false, onMessage: () => undefined },
    ...{ onConnected: () => undefined, onDisconnected: () => undefined },
  });
  const port = await broker.listenTcp(0, '127.0.0.1');
  const clients = fork(fileURLToPath(new URL('./rollout-clients.ts', import.meta.url)));
  try {
    const fleet = createExampleFleet({
      db,
      keyring: {
        ...{ fleetId: 'bench', signer: await signerOf(await generatePrivateKey()) },
        signedRoot: () => ({ version: 1, digest: digestOf('root') }) as never,
      },
      link: {
        isConnected: (device) => broker.isConnected(device),
        send: (device, jws) => broker.send(device, topics.build('desired', { device }), encoder.encode(jws), 1),
      },
    });
    fleet.clock.add(Date.now() - fleet.clock.nowMs());
    const devices = await fleet.addDevices(DEVICES, { id: idOf });
    say(`connecting ${DEVICES} devices`);
    clients.send({ port, devices: devices.map((device) => ({ device, topic: topics.build('desired', { device }) })) });
    await answer(clients, 'connected');
    const spec = { name: 'out', canary: { count: 0 }, steps: [{ setPercent: 100 }], maxInFlight: DEVICES };
    await fleet.rollouts.create(rolloutSpecSchema.parse({ ...spec, release: 'two', selector: 'true' }), true, fleet.actor('bench'));
    const received = answer(clients, 'received');
    const startedMs = performance.now();
    let started = 0;
    while (started < DEVICES) {
      await fleet.rollouts.pass();
      started = (await fleet.rollouts.show('out')).counts.assigned;
    }
    const writtenSeconds = (performance.now() - startedMs) / 1000;
    await received;
    const seconds = (performance.now() - startedMs) / 1000;
    say(`written after ${writtenSeconds.toFixed(1)} s, received by all after ${seconds.toFixed(1)} s`);
    return [
      { name: `desired states of ${DEVICES} devices written`, value: writtenSeconds, unit: 's' },
      { name: `desired states out to ${DEVICES} connected devices`, value: seconds, unit: 's', target: 20, better: 'lower' },
    ];
  } finally {
    clients.kill();
    await broker.close();
    await close();
    await rm(directory, { recursive: true, force: true });
  }
}

/** Waits for a word of the process that holds the connections. */
async function answer(clients: ReturnType<typeof fork>, word: string): Promise<void> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  for (;;) {
    const [said] = (await once(clients, 'message', { signal: timeout })) as [string];
    if (said === word) return;
    if (said.startsWith('failed')) throw new StarlingError('bench-failed', said);
  }
}
