import { type SinkParams, StarlingError } from '@starling/shared';
import { clientIdOf, openBroker } from '../broker.ts';
import type { OpenSink, SinkItem, SinkPlace, SinkPorts } from './sink.ts';
import { createSpooledSink } from './spooled.ts';
import { fillTopic, jsonTextOf, pictureOf, textOf } from './values.ts';

type Params = SinkParams<'mqtt'>;

const RETRY_MS = 500;
/** Messages have no age of their own: whoever wants them fresh sets the spool small, or `qos: 0`. */
const MAXIMUM_AGE_MS = 30 * 86_400_000;

/** Publishes each value. With `qos: 1` it waits on the disk until the broker has it; with 0 it is lost while there is no connection. */
export const openMqttSink: OpenSink<Params> = (params, place, ports) => {
  const { node } = place;
  const { url, credentials, qos, retain } = params;
  const broker = openBroker(
    { url, credentials, clientId: params.clientId ?? clientIdOf(ports.device, `${place.pipeline}-${node}`) },
    { ...ports, node },
  );
  const pack = (values: Readonly<Record<string, unknown>>, item: SinkItem) => packValue(values.value, item, params, place, ports);
  if (qos === 1) {
    return createSpooledSink(
      {
        ...{ node, store: `mqtt-${place.pipeline}-${node}`, pack, spoolMegabytes: params.spoolMegabytes },
        ...{ retryDelayMs: RETRY_MS, retryDelayMaximumMs: RETRY_MS, maximumAgeMs: MAXIMUM_AGE_MS },
        async send({ to, body }, signal) {
          // What waits for the connection ends with the sink, not with the network.
          const stopped = new Promise<never>((_, reject) =>
            signal.addEventListener('abort', () => reject(new StarlingError('broker-lost', 'the sink was closed', { retryable: true })), {
              once: true,
            }),
          );
          await Promise.race([broker.publish(to, body, { qos, retain }), stopped]);
        },
        close: () => broker.close(),
      },
      ports,
    );
  }
  return {
    async deliver(values, item) {
      const { to, body } = await pack(values, item);
      if (broker.isConnected()) await broker.publish(to, body, { qos, retain }).catch(() => undefined);
    },
    close: () => broker.close(),
  };
};

async function packValue(
  value: unknown,
  item: SinkItem,
  params: Params,
  { node, pipeline }: SinkPlace,
  { device, encode }: SinkPorts,
): Promise<{ to: string; body: Uint8Array }> {
  const fields = { node, pipeline, device, stream: item.stream, sequence: item.sequence, timeMs: item.timeMs, value };
  const to = fillTopic(params.topic, fields);
  if (params.payload === 'image') return { to, body: await pictureOf(value, encode) };
  const text = params.payload === 'text' ? await textOf(value, encode) : await jsonTextOf(value, encode);
  return { to, body: new TextEncoder().encode(text) };
}
