import { commandSchema, createTopics, type DeviceLogin, jsonEncode } from '@starling/shared';
import type { Session } from '../harness/protocol-device.ts';

/** Answers as a device does that runs a release. @param running its pipeline and its digest */
export function answerCommands({ client, messages }: Session, { username, topicRoot }: DeviceLogin, running: () => object): void {
  const topics = createTopics(topicRoot);
  const item = { stream: 'camera', sequence: 1, timeMs: 1, traceId: null };
  const answers: Readonly<Record<string, object>> = {
    infer: { outputs: { boxes: [] }, latencyMs: 1 },
    tap: { edges: ['map.y'], untilMs: Date.now() + 60_000 },
    'tap-stop': { stopped: true },
    replay: { item, edges: [], latencyMs: 1, nodesMs: {} },
  };
  const answer = (topic: string, payload: Uint8Array): void => {
    const name = topics.parse(topic)?.params.name ?? '';
    if (!Object.hasOwn(answers, name)) return;
    const { id } = commandSchema.parse(
      JSON.parse(Buffer.from(Buffer.from(payload).toString().split('.')[1] ?? '', 'base64url').toString()),
    );
    const result = { ...running(), ...answers[name] };
    client.publish(
      topics.build('result', { device: username, id }),
      Buffer.from(jsonEncode({ id, status: 'done', result, atMs: Date.now() })),
      { qos: 1 },
    );
  };
  for (const { topic, payload } of messages) answer(topic, payload);
  client.on('message', answer);
}
