import { createTopics, jsonEncode, messageOf, wireTable } from '@starling/shared';
import { createChunkServer } from './blobs/index.ts';
import {
  type Broker,
  createBroker,
  createCommonTopics,
  createExternalBroker,
  createInbound,
  createRelay,
  createShardTopics,
  type DeviceTopics,
  type EmbeddedBroker,
  type ExternalBroker,
  type ExternalBrokerOptions,
  type ShardTopics,
} from './broker/index.ts';
import type { Modules } from './modules.ts';
import type { Clock, Ids, Log } from './ports.ts';
import { createUploadReceiver } from './uploads/index.ts';

const encoder = new TextEncoder();

export type DeviceLink =
  | { kind: 'embedded'; broker: EmbeddedBroker; topics: DeviceTopics }
  | { kind: 'external'; broker: ExternalBroker; topics: ShardTopics };

export interface DeviceLinkOptions {
  topicRoot: string | undefined;
  /** Undefined for the embedded broker. */
  external: ExternalBrokerOptions | undefined;
  clock: Clock;
  log: Log;
  ids: Ids;
  /** The connection to a broker that is not ours was away: what devices of these shards said meanwhile is lost. */
  onResumed(shards: readonly string[], missed: readonly string[]): void;
}

/** Wires a broker to the modules: what devices send goes in, desired states, commands and chunks go out. */
export async function openDeviceLink(options: DeviceLinkOptions, modules: Modules): Promise<DeviceLink> {
  const { external, clock, log, ids } = options;
  const { access, devices, operators, taps } = modules;
  if (external === undefined) {
    const topics = createCommonTopics(options.topicRoot);
    const broker = await createBroker({
      topics: createTopics(options.topicRoot),
      log,
      checkPassword: access.checkPassword,
      checkOperator: operators.accounts.checkPassword,
      onMessage(sender, topic, payload) {
        const parsed = topics.parse(topic);
        if (parsed?.name === 'operatorCommand') void operators.relay.receive(sender, parsed.params.name ?? '', payload);
        else traffic.receive(sender, topic, payload);
      },
      onConnected: (device) => devices.seen(device, true),
      onDisconnected: (device, inOrder) => {
        devices.seen(device, false, inOrder);
        traffic.left(device);
      },
    });
    const traffic = joinModules(broker, topics, modules, { clock, log });
    operators.relay.onSend({
      async send(account, id, result) {
        const topic = topics.build('operatorResult', { account, id });
        await broker.operators.send(account, topic, jsonEncode(result), wireTable.operatorResult.qos);
        // Who is not connected asks again.
        return true;
      },
      disconnect: broker.operators.disconnect,
    });
    return { kind: 'embedded', broker, topics };
  }
  const topics = createShardTopics(options.topicRoot);
  const broker = createExternalBroker(external, {
    ...{ topics, log, ids },
    onResumed(shards, missed) {
      options.onResumed(shards, missed);
      operators.relay.resumed();
    },
    onMessage(device, topic, payload) {
      if (devices.isRevoked(device)) void broker.disconnect(device);
      else traffic.receive(device, topic, payload);
    },
    onOperator: (account, name, payload) => void operators.relay.receive(account, name, payload),
  });
  operators.relay.onSend({
    async send(account, id, result) {
      // Where a broker cannot be told to cut a connection, it goes on listening.
      if ((await operators.accounts.actorOf(account)) === undefined) return true;
      return broker.send(account, topics.operators.result(account, id), jsonEncode(result), wireTable.operatorResult.qos);
    },
    disconnect: broker.operators.disconnect,
  });
  const traffic = joinModules(broker, topics, modules, { clock, log });
  access.onLogin((device, password) => broker.admit(device, password));
  taps.onStart((device, tap) => broker.watch(topics.build('tap', { device, id: tap })));
  return { kind: 'external', broker, topics };
}

interface Traffic {
  receive(device: string, topic: string, payload: Uint8Array): void;
  /** A device has gone: what it asked for is not sent any more. */
  left(device: string): void;
}

function joinModules(
  broker: Broker,
  topics: DeviceTopics,
  modules: Modules,
  { clock, log }: Pick<DeviceLinkOptions, 'clock' | 'log'>,
): Traffic {
  const { blobs, commands, desiredStates, devices, ingest, taps } = modules;
  const relay = createRelay({
    mayStream: (from, to) => desiredStates.connects(from, to),
    send: (to, topic, payload) => broker.send(to, topic, payload, wireTable.stream.qos),
  });
  const chunks = createChunkServer({
    store: blobs,
    isReachable: async (device, digest) => (await desiredStates.reaches(device, digest)) || (await commands.reaches(device, digest)),
    send: async (device, frame) => void (await broker.send(device, topics.build('blobChunk', { device }), frame, 0)),
    failed: (error) => log.warn({ error: messageOf(error) }, 'a chunk could not be read'),
  });
  const left = (device: string): void => {
    chunks.forget(device);
    taps.deviceGone(device);
  };
  const inbound = createInbound({
    ...{ topics, log, devices, desiredStates, commands, ingest, chunks, taps, left },
    uploads: createUploadReceiver({
      ...{ blobs, clock, log },
      isExpected: commands.expectsUpload,
      stored: commands.uploaded,
    }),
    send: (device, topic, payload, qos) => broker.send(device, topic, payload, qos),
  });
  commands.onSend(async (device, name, jws) => {
    if (!(broker.isConnected(device) ?? (await devices.find(device)).online)) return false;
    return broker.send(device, topics.build('command', { device, name }), encoder.encode(jws), 1);
  });
  desiredStates.connect({
    isConnected: (device) => broker.isConnected(device),
    send: (device, jws) => broker.send(device, topics.build('desired', { device }), encoder.encode(jws), 1),
  });
  return {
    left,
    receive(device, topic, payload) {
      const parsed = topics.parse(topic);
      if (parsed?.name === 'stream') relay(device, parsed.params.to ?? '', topics.build('stream', parsed.params), payload);
      else void inbound.receive(device, topic, payload);
    },
  };
}
