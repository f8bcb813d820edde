import { createTopics, type MessageName, messageNames, type Topics, wireTable } from '@starling/shared';
import { shardOf } from '../shards/index.ts';
import type { DeviceTopics } from './broker.ts';

/** One root for all: the embedded broker knows whose a connection is. */
export function createCommonTopics(root: string | undefined): DeviceTopics {
  const topics = createTopics(root);
  return { root: topics.root, build: topics.build, parse: topics.parse, rootOf: () => topics.root };
}

export interface ShardTopics extends DeviceTopics {
  /** Topics of people's own tools, which lie below the common root. */
  operators: OperatorTopics;
  /** Whose root a topic is below. */
  deviceOf(topic: string): string | undefined;
  /** What one has to subscribe to, to hear all devices of a shard; taps are asked for one by one. */
  shardFilters(shard: string): { topic: string; qos: 0 | 1 }[];
  mayPublish(device: string, topic: string): boolean;
  maySubscribe(device: string, filter: string): boolean;
  /** Topics with wildcards, for brokers that are told beforehand who may do what. */
  publishPatterns(device: string): string[];
  subscribePatterns(device: string): string[];
}

export interface OperatorTopics extends Pick<Topics, 'operatorPublishes' | 'operatorSubscribes'> {
  /** Of what all accounts ask. */
  filter: string;
  /** What an account publishes, and what it hears, with wildcards. */
  patterns(account: string): { publish: string; subscribe: string };
  /** Who asks for what; undefined for any other topic. */
  parse(topic: string): { account: string; name: string } | undefined;
  result(account: string, id: string): string;
}

/**
 * Roots for a broker that is not ours: `{root}/{shard}/{device}`. By the shard a process hears its own devices and no others: a wildcard
 * cannot hash. By the device what one sends to another never reaches that one directly: the fleet alone hears it, and relays it if the two
 * were joined. Devices are told their root at the login, and need not know any of this.
 */
export function createShardTopics(base: string | undefined): ShardTopics {
  const topics = createTopics(base);
  const { root } = topics;
  const rootOf = (device: string): string => `${root}/${shardOf(device)}/${device}`;
  const below = (device: string, topic: string): string => `${rootOf(device)}${topic.slice(root.length)}`;
  /** The same topic below the common root; undefined if it is not below that of the device. */
  const common = (device: string, topic: string): string | undefined => {
    const own = rootOf(device);
    return topic.startsWith(`${own}/`) ? `${root}${topic.slice(own.length)}` : undefined;
  };
  const deviceOf = (topic: string): string | undefined => {
    if (!topic.startsWith(`${root}/`)) return undefined;
    const [shard, device] = topic.slice(root.length + 1).split('/', 2);
    return device !== undefined && shardOf(device) === shard ? device : undefined;
  };
  const sentBy = (device: string, params: Record<string, string>): boolean => (params.device ?? params.from) === device;
  return {
    root,
    rootOf,
    deviceOf,
    operators: operatorTopics(topics),
    build: (name, params) => below(params.device ?? params.to ?? '', topics.build(name, params)),
    parse(topic) {
      const device = deviceOf(topic);
      const parsed = device === undefined ? undefined : topics.parse(common(device, topic) ?? '');
      // What the fleet relays to a device lies below the root of that one: it names another sender, and is no message to the fleet.
      return device !== undefined && parsed !== undefined && sentBy(device, parsed.params) ? parsed : undefined;
    },
    shardFilters: (shard) =>
      heard.map((name) => {
        const pattern = wireTable[name].pattern.replace(/\{[a-z]+\}/g, '+');
        return { topic: `${root}/${shard}/+/${pattern}`, qos: wireTable[name].qos };
      }),
    mayPublish: (device, topic) => isAllowed(topics.devicePublishes, device, common(device, topic)),
    maySubscribe: (device, filter) => isAllowed(topics.deviceSubscribes, device, common(device, filter)),
    publishPatterns: (device) => messageNames.flatMap((name) => patternOf(name, device, { from: device })).map(inRoot),
    subscribePatterns: (device) => topics.deviceFilters(device).map((filter) => below(device, filter)),
  };

  function inRoot({ device, pattern }: { device: string; pattern: string }): string {
    return `${rootOf(device)}/${pattern}`;
  }
}

function operatorTopics(topics: Topics): OperatorTopics {
  const { root, operatorPublishes, operatorSubscribes } = topics;
  const patterns = (account: string) => ({
    publish: `${root}/${wireTable.operatorCommand.pattern.replace('{account}', account).replace('{name}', '+')}`,
    subscribe: `${root}/${wireTable.operatorResult.pattern.replace('{account}', account).replace('{id}', '+')}`,
  });
  return {
    ...{ operatorPublishes, operatorSubscribes, patterns, filter: patterns('+').publish },
    parse(topic) {
      const parsed = topics.parse(topic);
      if (parsed?.name !== 'operatorCommand') return undefined;
      return { account: parsed.params.account ?? '', name: parsed.params.name ?? '' };
    },
    result: (account, id) => topics.build('operatorResult', { account, id }),
  };
}

function isSentByDevices(name: MessageName): boolean {
  return wireTable[name].direction.startsWith('device-to-');
}

/** Rows that the fleet always hears. */
const heard: readonly MessageName[] = messageNames.filter((name) => isSentByDevices(name) && name !== 'tap');

function isAllowed(may: Topics['devicePublishes'], device: string, topic: string | undefined): boolean {
  return topic !== undefined && may(device, topic);
}

/** The pattern of a row with the device in its place, and wildcards for the rest. */
function patternOf(name: MessageName, device: string, own: Record<string, string>): { device: string; pattern: string }[] {
  const { pattern } = wireTable[name];
  if (!isSentByDevices(name)) return [];
  const filled = pattern.replace(/\{([a-z]+)\}/g, (_, part: string) => (part === 'device' ? device : (own[part] ?? '+')));
  return [{ device, pattern: filled }];
}
