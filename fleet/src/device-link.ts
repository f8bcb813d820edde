import { createTopics, messageOf, type Topics, wireTable } from '@starling/shared';
import { createChunkServer } from './blobs/index.ts';
import { type Broker, createBroker, createInbound, createRelay } from './broker/index.ts';
import type { Modules } from './modules.ts';
import type { Log } from './ports.ts';
import { createUploadReceiver } from './uploads/index.ts';

const encoder = new TextEncoder();

export interface DeviceLink {
  broker: Broker;
  topics: Topics;
}

/** Wires the broker to the modules: what devices send goes in, desired states, commands and chunks go out. */
export async function openDeviceLink(topicRoot: string | undefined, modules: Modules, log: Log): Promise<DeviceLink> {
  const { access, blobs, commands, desiredStates, devices, ingest, taps } = modules;
  const topics = createTopics(topicRoot);
  const broker = await createBroker({
    topics,
    log,
    checkPassword: (device, password) => access.checkPassword(device, password),
    onMessage(device, topic, payload) {
      const parsed = topics.parse(topic);
      if (parsed?.name === 'stream') relay(device, parsed.params.to ?? '', topic, payload);
      else void inbound.receive(device, topic, payload);
    },
    onConnected: (device) => devices.seen(device, true),
    onDisconnected: (device) => {
      chunks.forget(device);
      devices.seen(device, false);
      taps.deviceGone(device);
    },
  });
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
  const inbound = createInbound({
    ...{ topics, log, devices, desiredStates, commands, ingest, chunks, taps },
    uploads: createUploadReceiver({
      ...{ blobs, log },
      isExpected: commands.expectsUpload,
      stored: commands.uploaded,
    }),
    send: (device, topic, payload, qos) => broker.send(device, topic, payload, qos),
  });
  commands.onSend((device, name, jws) => broker.send(device, topics.build('command', { device, name }), encoder.encode(jws), 1));
  desiredStates.connect({
    isConnected: (device) => broker.isConnected(device),
    send: (device, jws) => broker.send(device, topics.build('desired', { device }), encoder.encode(jws), 1),
  });
  return { broker, topics };
}
