import { type SourceParams, StarlingError } from '@starling/shared';
import { clientIdOf, openBroker } from '../broker.ts';
import { createEpisode } from '../tell.ts';
import type { OpenSource } from './source.ts';

type Params = SourceParams<'mqtt'>;

/** Messages that are in the pipeline at once; what comes beyond waits at the broker. */
const UNDER_WAY_MAXIMUM = 8;

/** Each message of a topic is an item. */
export const openMqttSource: OpenSource<Params> = (params, context) => {
  const { node, push } = context;
  const episode = createEpisode(context, 'source-recovered', { node });
  const underWay = new Set<Promise<unknown>>();
  const broker = openBroker(
    {
      url: params.url,
      credentials: params.credentials,
      // Not that of a sink of the same name: a broker ends the older of two connections with one id.
      clientId: params.clientId ?? clientIdOf(context.device, `${context.pipeline}-${node}-source`),
      subscribe: { filter: params.topic, qos: params.qos },
      async onMessage(topic, payload) {
        let ports: Record<string, unknown>;
        try {
          ports = { [params.payload]: valueIn(payload, params), topic };
        } catch (error) {
          const reason = error instanceof StarlingError ? error.message : String(error);
          return episode.failed('bad-payload', `${node}: a message of ${topic} is no ${params.payload}`, { topic, reason });
        }
        episode.recovered();
        const work = push(ports, params.streamPerTopic ? { stream: `${node}/${topic}` } : {}).catch((error: unknown) =>
          context.log.debug('a message was not worked on', { node, reason: error instanceof Error ? error.message : String(error) }),
        );
        underWay.add(work);
        void work.finally(() => underWay.delete(work));
        if (underWay.size >= UNDER_WAY_MAXIMUM) await Promise.race(underWay);
      },
    },
    context,
  );
  return {
    async close() {
      await broker.close();
      await Promise.allSettled(underWay);
      episode.close();
    },
  };
};

/** @throws StarlingError `bad-payload` */
function valueIn(payload: Buffer, { payload: kind }: Params): unknown {
  if (payload.length === 0) throw new StarlingError('bad-payload', 'it is empty');
  if (kind === 'image') return Uint8Array.from(payload);
  const text = payload.toString('utf8');
  if (kind === 'text') return { text, confidence: 1 };
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new StarlingError('bad-payload', 'it is no JSON', { cause });
  }
}
