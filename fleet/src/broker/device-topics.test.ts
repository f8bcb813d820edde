import { createTopics, makeRandomId, messageNames, wireTable } from '@starling/shared';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { shards } from '../shards/index.ts';
import { createAskedByBroker, topicOfRoutingKey } from './ask-fleet.ts';
import { createShardTopics } from './device-topics.ts';

const topics = createShardTopics('starling/v1');
const id = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => makeRandomId(() => bytes));
const params = (own: string, other: string) => ({
  ...{ device: own, from: own, to: other, id: makeRandomId(() => new Uint8Array(16)), kind: 'events', name: 'ping' },
  ...{ pipeline: 'p', part: 'q', account: 'anna' },
});
/** MQTT 3.1.1, 4.7, for filters without `#`. */
const matches = (filter: string, topic: string): boolean => {
  const parts = topic.split('/');
  const asked = filter.split('/');
  return asked.length === parts.length && asked.every((part, index) => part === '+' || part === parts[index]);
};

test('the process of a shard hears every device of it once, and no other; taps are asked for apart', () => {
  fc.assert(
    fc.property(id, id, fc.constantFrom(...messageNames), (own, other, name) => {
      const { device, ...rest } = params(own, other);
      const topic = topics.build(name, name === 'stream' ? rest : { ...rest, device, to: own });
      // What a device sends to another lies below its own root; built, it is addressed to the other.
      const sent = name === 'stream' ? createTopics(topics.rootOf(own)).build(name, rest) : topic;
      const hearing = shards.filter((shard) => topics.shardFilters(shard).some((filter) => matches(filter.topic, sent)));
      const isHeard = wireTable[name].direction.startsWith('device-to-') && name !== 'tap';
      expect(hearing).toEqual(isHeard ? [own.slice(0, 1)] : []);
      if (!wireTable[name].direction.startsWith('device-to-')) return;
      expect(topics.deviceOf(sent)).toBe(own);
      expect(topics.parse(sent)?.name).toBe(name);
    }),
  );
});

test('a device keeps to its own root, its own rows and its own directions, however the rules are told', () => {
  fc.assert(
    fc.property(id, id, fc.constantFrom(...messageNames), (own, other, name) => {
      fc.pre(own !== other);
      const mine = createTopics(topics.rootOf(own)).build(name, { ...params(own, other), ...(name === 'stream' ? {} : { to: own }) });
      const { direction } = wireTable[name];
      const publishes = direction.startsWith('device-to-');
      expect(topics.mayPublish(own, mine)).toBe(publishes);
      expect(topics.publishPatterns(own).some((pattern) => matches(pattern, mine))).toBe(publishes);
      expect(topics.maySubscribe(own, mine)).toBe(direction === 'fleet-to-device');
      for (const may of [topics.mayPublish, topics.maySubscribe]) expect(may(other, mine)).toBe(false);
      for (const pattern of [...topics.publishPatterns(other), ...topics.subscribePatterns(other)])
        expect(matches(pattern, mine)).toBe(false);
    }),
  );
});

test('what is relayed goes below the root of the receiver, and is no message of it', () => {
  const [from, to] = ['a'.repeat(26), 'b'.repeat(26)];
  const topic = topics.build('stream', { pipeline: 'p', part: 'q', from, to });
  expect(topic).toBe(`starling/v1/b/${to}/stream/p/q/${from}/${to}`);
  expect(topics.subscribePatterns(to).some((pattern) => matches(pattern, topic))).toBe(true);
  expect(topics.parse(topic)).toBeUndefined();
});

test('RabbitMQ is answered by topics, as its routing keys have them; what a device may hide in a key is refused', async () => {
  const device = 'a'.repeat(26);
  const asked = createAskedByBroker({
    topics,
    fleet: { username: 'starling-fleet', password: 'secret' },
    checkPassword: async (_device, password) => password === 'right',
    checkOperator: async () => false,
  });
  const own = `starling.v1.a.${device}.d.${device}`;
  expect(topicOfRoutingKey(`${own}.command.*`)).toBe(`starling/v1/a/${device}/d/${device}/command/+`);
  expect(topicOfRoutingKey(`${own}/command`)).toBeUndefined();
  expect(asked.mayUse(device, 'subscribe', topicOfRoutingKey(`${own}.command.*`) ?? '')).toBe(true);
  expect(asked.mayUse(device, 'subscribe', 'starling/v1/#')).toBe(false);
  expect(asked.mayUse('guest', 'publish', `starling/v1/a/${device}/d/${device}/hello`)).toBe(false);
  expect(await asked.mayLogIn(device, 'right', device)).toBe(true);
  expect(await asked.mayLogIn(device, 'right', undefined)).toBe(true);
  expect(await asked.mayLogIn(device, 'right', 'b'.repeat(26))).toBe(false);
  expect(await asked.mayLogIn('starling-fleet', 'right', 'x')).toBe(false);
  expect(await asked.mayLogIn('starling-fleet', 'secret', 'x')).toBe(true);
  const resource = (kind: string, name: string, permission: string) => asked.mayUseResource(device, { kind, name, permission });
  expect(resource('queue', `mqtt-subscription-${device}qos1`, 'configure')).toBe(true);
  expect(resource('queue', `mqtt-subscription-${'b'.repeat(26)}qos1`, 'read')).toBe(false);
  expect(resource('exchange', 'amq.topic', 'write')).toBe(true);
  expect(resource('exchange', 'amq.topic', 'configure')).toBe(false);
});

test('an account of an operator asks under its own name, hears its own answers, and takes the place of nobody', async () => {
  const device = 'a'.repeat(26);
  const asked = createAskedByBroker({
    topics,
    fleet: { username: 'starling-fleet', password: 'secret' },
    checkPassword: async () => false,
    checkOperator: async (account, password) => password === `of ${account}`,
  });
  for (const clientId of ['line-4', 'line-4/listener', undefined]) expect(await asked.mayLogIn('line-4', 'of line-4', clientId)).toBe(true);
  for (const clientId of [device, 'line-40', 'line-5', 'starling-fleet-1', ''])
    expect(await asked.mayLogIn('line-4', 'of line-4', clientId)).toBe(false);
  expect(await asked.mayLogIn('line-4', 'of line-5', 'line-4')).toBe(false);
  const own = 'starling/v1/operator/line-4';
  expect(asked.mayUse('line-4', 'publish', `${own}/command/ping`)).toBe(true);
  expect(asked.mayUse('line-4', 'subscribe', `${own}/result/+`)).toBe(true);
  for (const filter of [
    `${own}/command/+`,
    'starling/v1/operator/line-5/result/+',
    'starling/v1/operator/+/result/+',
    '#',
    `starling/v1/a/${device}/#`,
  ])
    expect(asked.mayUse('line-4', 'subscribe', filter)).toBe(false);
  for (const topic of [`${own}/result/x`, 'starling/v1/operator/line-5/command/ping', `starling/v1/a/${device}/d/${device}/command/ping`])
    expect(asked.mayUse('line-4', 'publish', topic)).toBe(false);
  const queue = (clientId: string) =>
    asked.mayUseResource('line-4', { kind: 'queue', name: `mqtt-subscription-${clientId}qos1`, permission: 'read' });
  expect(['line-4', 'line-4/listener', 'line-40', device].map(queue)).toEqual([true, true, false, false]);
  expect(topics.operators.parse(`${own}/command/ping`)).toEqual({ account: 'line-4', name: 'ping' });
  expect(topics.operators.parse(`${own}/result/x`)).toBeUndefined();
  expect(topics.operators.filter).toBe('starling/v1/operator/+/command/+');
});
