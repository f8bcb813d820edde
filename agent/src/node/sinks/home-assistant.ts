import { jsonDecode, jsonEncode, messageOf, type SinkParams } from '@starling/shared';
import { z } from 'zod';
import { type Broker, clientIdOf, openBroker } from '../broker.ts';
import { AGENT_VERSION } from '../version.ts';
import { availabilityPayloads, discoveryMessages, stateTopics } from './discovery.ts';
import type { OpenSink } from './sink.ts';
import { pictureOf, textOf } from './values.ts';

type Params = SinkParams<'home-assistant'>;

const RETAINED = { qos: 1, retain: true } as const;
const TOPICS_FILE = 'announced.json';
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

/**
 * Entities of Home Assistant by MQTT discovery. Their states are kept by the broker, so that Home Assistant knows them after a restart; of
 * several values that come while there is no connection, the newest alone is worth sending.
 */
export const openHomeAssistant: OpenSink<Params> = (params, { node, pipeline }, ports) => {
  const context = { device: ports.device, place: `${pipeline}-${node}`, agentVersion: AGENT_VERSION };
  const topics = stateTopics(params, context);
  const messages = discoveryMessages(params, context);
  /** Topic -> newest payload that the broker has not got yet. */
  const unsent = new Map<string, Uint8Array>();
  const newest = new Map<string, Uint8Array>();
  let isSending = false;
  let isGone = false;
  const store = ports.storeOf(`home-assistant-${pipeline}-${node}`);
  store.catch((error: unknown) => ports.tell('error', 'sink-failed', `${node}: ${messageOf(error)}`, { node }));

  const send = async (): Promise<void> => {
    if (isSending) return;
    isSending = true;
    try {
      for (const [topic, payload] of unsent) {
        if (!broker.isConnected()) return;
        await broker.publish(topic, payload, RETAINED);
        if (unsent.get(topic) === payload) unsent.delete(topic);
      }
    } catch {
      // The connection is gone: with the next one, all of it is said again.
    } finally {
      isSending = false;
    }
    if (unsent.size > 0 && broker.isConnected()) await send();
  };
  const announce = async (to: Broker): Promise<void> => {
    const { files } = await store;
    const bytes = await files.read(TOPICS_FILE);
    const before = bytes === undefined ? [] : jsonDecode(bytes, z.array(z.string()));
    const now = messages.map(({ topic }) => topic);
    // An entity that this release no longer has goes: an empty message takes it away.
    for (const topic of before.filter((each) => !now.includes(each))) await to.publish(topic, new Uint8Array(), RETAINED);
    await files.write(TOPICS_FILE, jsonEncode(now));
    for (const { topic, payload } of messages) await to.publish(topic, jsonEncode(payload), RETAINED);
    await to.publish(topics.availability, bytesOf(availabilityPayloads.online), RETAINED);
    for (const [topic, payload] of newest) unsent.set(topic, payload);
    void send();
  };
  const broker: Broker = openBroker(
    {
      url: params.url,
      credentials: params.credentials,
      clientId: params.clientId ?? clientIdOf(ports.device, context.place),
      will: { topic: topics.availability, payload: availabilityPayloads.offline },
      subscribe: { filter: `${params.discoveryPrefix}/status`, qos: 0 },
      onConnected: announce,
      // Home Assistant has started, perhaps with another broker database: it is told everything again.
      async onMessage(_topic, payload, isRetained) {
        if (!isRetained && payload.toString('utf8') === availabilityPayloads.online) void announce(broker).catch(() => undefined);
      },
      async farewell(last) {
        if (isGone) {
          for (const { topic } of messages) await last.publish(topic, new Uint8Array(), RETAINED);
          await (await store).files.remove(TOPICS_FILE);
        }
        await last.publish(topics.availability, bytesOf(availabilityPayloads.offline), RETAINED);
      },
    },
    { ...ports, node },
  );
  const set = (topic: string, payload: Uint8Array): void => {
    newest.set(topic, payload);
    unsent.set(topic, payload);
  };
  return {
    async deliver({ value, image }) {
      if (value !== undefined) set(topics.value, bytesOf(await textOf(value, ports.encode)));
      if (image !== undefined) set(topics.image, await pictureOf(image, ports.encode));
      void send();
    },
    async close(gone) {
      isGone = gone;
      await broker.close();
      (await store.catch(() => undefined))?.free();
    },
  };
};
