import { StarlingError } from '../errors.ts';
import { type Direction, type MessageName, messageNames, type WireMessage, wireTable } from './registry.ts';

/** Root of all topics unless configured otherwise. */
export const DEFAULT_TOPIC_ROOT = 'starling/v1';

export interface ParsedTopic {
  name: MessageName;
  /** Values of the segments in braces: `device` among them, or `from` and `to` of what devices send to each other. */
  params: Record<string, string>;
}

const segment = /^[a-z0-9_-]{1,64}$/;

/** Builds and reads topics below one root. */
export interface Topics {
  root: string;
  /** @throws StarlingError `invalid-topic` if a parameter is missing or no legal segment */
  build(name: MessageName, params: Record<string, string>): string;
  /** @returns undefined for anything that is not in the wire table */
  parse(topic: string): ParsedTopic | undefined;
  /** Filters that a device subscribes to. */
  deviceFilters(device: string): string[];
  /** Filters by which the fleet hears all devices and operators. */
  fleetFilters(): string[];
  /** May this device publish on this topic? What is for another device needs a grant besides. */
  devicePublishes(device: string, topic: string): boolean;
  /** May this device subscribe with this filter? Only filters that stay inside what the fleet, or other devices, send to it. */
  deviceSubscribes(device: string, filter: string): boolean;
  /** The same of the account of a person's own tools: its own topics, and none of any device. */
  operatorPublishes(account: string, topic: string): boolean;
  operatorSubscribes(account: string, filter: string): boolean;
}

export function createTopics(root: string = DEFAULT_TOPIC_ROOT): Topics {
  if (!root.split('/').every((part) => segment.test(part))) {
    throw new StarlingError('invalid-topic', `"${root}" is no topic root`, {
      field: 'topicRoot',
      hint: 'use segments of a-z, 0-9, _ and -',
    });
  }
  const patterns = messageNames.map((name) => ({ name, parts: `${root}/${wireTable[name].pattern}`.split('/') }));
  const read = (topic: string): ParsedTopic | undefined => {
    const parts = topic.split('/');
    for (const pattern of patterns) {
      const params = matchParts(pattern.parts, parts);
      if (params !== undefined) return { name: pattern.name, params };
    }
    return undefined;
  };
  // A message is looked at several times on its way: may it, whose is it, what is it.
  let last: { topic: string; parsed: ParsedTopic | undefined } = { topic: '', parsed: undefined };
  const parse = (topic: string): ParsedTopic | undefined => {
    if (last.topic !== topic) last = { topic, parsed: read(topic) };
    return last.parsed;
  };
  const filtersOf = (direction: Direction, own: '{device}' | '{to}' | '{account}', device: string): string[] =>
    patterns
      .filter(({ name }) => wireTable[name].direction === direction)
      .map(({ parts }) => parts.map((part) => (part === own ? device : part.startsWith('{') ? '+' : part)).join('/'));
  const deviceFilters = (device: string): string[] => [
    ...filtersOf('fleet-to-device', '{device}', device),
    ...filtersOf('device-to-device', '{to}', device),
  ];
  return {
    root,
    build: (name, params) => buildTopic(root, wireTable[name], params),
    parse,
    deviceFilters,
    fleetFilters: () => [...filtersOf('device-to-fleet', '{device}', '+'), ...filtersOf('operator-to-fleet', '{account}', '+')],
    devicePublishes: (device, topic) => {
      const parsed = parse(topic);
      if (parsed === undefined) return false;
      const { direction } = wireTable[parsed.name];
      return direction === 'device-to-device'
        ? parsed.params.from === device
        : direction === 'device-to-fleet' && parsed.params.device === device;
    },
    deviceSubscribes: (device, filter) => deviceFilters(device).some((allowed) => covers(allowed, filter)),
    operatorPublishes: (account, topic) => {
      const parsed = parse(topic);
      return parsed !== undefined && wireTable[parsed.name].direction === 'operator-to-fleet' && parsed.params.account === account;
    },
    operatorSubscribes: (account, filter) =>
      filtersOf('fleet-to-operator', '{account}', account).some((allowed) => covers(allowed, filter)),
  };
}

function buildTopic(root: string, message: WireMessage, params: Record<string, string>): string {
  const parts = message.pattern.split('/').map((part) => {
    if (!part.startsWith('{')) return part;
    const name = part.slice(1, -1);
    const value = params[name];
    if (value === undefined || !segment.test(value)) {
      throw new StarlingError('invalid-topic', `"${value ?? ''}" cannot be the ${name} of a topic`, { field: name });
    }
    return value;
  });
  return `${root}/${parts.join('/')}`;
}

function matchParts(pattern: readonly string[], parts: readonly string[]): Record<string, string> | undefined {
  if (pattern.length !== parts.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, expected] of pattern.entries()) {
    const part = parts[index] ?? '';
    if (!segment.test(part)) return undefined;
    if (expected.startsWith('{')) params[expected.slice(1, -1)] = part;
    else if (expected !== part) return undefined;
  }
  return params;
}

/** True if every topic that matches `filter` also matches `allowed`; of a topic, whether it matches. `#` is never covered: no row of the table ends in it. */
export function covers(allowed: string, filter: string): boolean {
  const allowedParts = allowed.split('/');
  const filterParts = filter.split('/');
  if (allowedParts.length !== filterParts.length) return false;
  return allowedParts.every((part, index) => {
    const asked = filterParts[index] ?? '';
    return part === '+' ? asked === '+' || segment.test(asked) : part === asked;
  });
}
