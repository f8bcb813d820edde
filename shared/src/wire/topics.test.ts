import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { messageNames, wireTable } from './registry.ts';
import { createTopics, DEFAULT_TOPIC_ROOT } from './topics.ts';

const topics = createTopics();
const me = 'a'.repeat(26);
const other = 'b'.repeat(26);
const segment = fc.stringMatching(/^[a-z0-9_-]{1,64}$/);
const params = fc.record({
  device: segment,
  name: segment,
  id: segment,
  kind: segment,
  pipeline: segment,
  part: segment,
  from: segment,
  to: segment,
  account: segment,
});
const values = { name: 'ping', id: 'x', kind: 'health', pipeline: 'read', part: 'cloud', account: 'anna' };
/** What a device sends under its own name, and what is for it. */
const sentBy = (device: string, to: string): Record<string, string> => ({ ...values, device, from: device, to });
const sentTo = (device: string, from: string): Record<string, string> => ({ ...values, device, from, to: device });
const named = (name: (typeof messageNames)[number], values: Record<string, string>): Record<string, string> =>
  Object.fromEntries([...wireTable[name].pattern.matchAll(/\{(\w+)\}/g)].map(([, key = '']) => [key, values[key] ?? '']));

/** MQTT 3.1.1, section 4.7: does a topic match a filter? Written apart from the code under test. */
function matches(filter: string, topic: string): boolean {
  const pattern = filter
    .split('/')
    .map((part) => (part === '+' ? '[^/]*' : part === '#' ? '.*' : part.replaceAll(/[^a-z0-9_-]/gi, '\\$&')))
    .join('/');
  return new RegExp(`^${pattern.replace(/\/\.\*$/, '(/.*)?')}$`).test(topic);
}

describe.each(messageNames)('the topic of %s', (name) => {
  const { direction } = wireTable[name];

  test('parses back to what it was built from', () => {
    fc.assert(
      fc.property(params, fc.constantFrom(DEFAULT_TOPIC_ROOT, 'a', 'plant-1/edge/x_y'), (values, root) => {
        const own = createTopics(root);
        const given = named(name, values);
        expect(own.parse(own.build(name, given))).toEqual({ name, params: given });
      }),
    );
  });

  test('is heard by whom it is for, by the filters that they subscribe to', () => {
    fc.assert(
      fc.property(params, (values) => {
        const topic = topics.build(name, named(name, values));
        const toFleet = direction.endsWith('-to-fleet');
        expect(topics.fleetFilters().some((filter) => matches(filter, topic))).toBe(toFleet);
        const hears = direction === 'device-to-device' ? values.to : values.device;
        expect(topics.deviceFilters(hears).some((filter) => matches(filter, topic))).toBe(direction.endsWith('-to-device'));
      }),
    );
  });

  test('may be published by its own device alone, and only towards the fleet or another device', () => {
    expect(topics.devicePublishes(me, topics.build(name, sentBy(me, other)))).toBe(direction.startsWith('device-to-'));
    expect(topics.devicePublishes(me, topics.build(name, sentBy(other, me)))).toBe(false);
  });

  test('may be subscribed to by its own device alone, and not what goes to the fleet', () => {
    expect(topics.deviceSubscribes(me, topics.build(name, sentTo(me, other)))).toBe(direction.endsWith('-to-device'));
    expect(topics.deviceSubscribes(me, topics.build(name, sentTo(other, me)))).toBe(false);
  });

  test('is open to an account of an operator only where it is its own', () => {
    const topic = topics.build(name, { ...sentBy(me, other), account: 'anna' });
    expect(topics.operatorPublishes('anna', topic)).toBe(direction === 'operator-to-fleet');
    expect(topics.operatorSubscribes('anna', topic)).toBe(direction === 'fleet-to-operator');
    const filter = `${topics.root}/${wireTable[name].pattern.replace('{account}', 'anna').replaceAll(/\{\w+\}/g, '+')}`;
    expect(topics.operatorSubscribes('anna', filter)).toBe(direction === 'fleet-to-operator');
    for (const stranger of ['berta', me]) {
      expect([topics.operatorPublishes(stranger, topic), topics.operatorSubscribes(stranger, topic)]).toEqual([false, false]);
    }
  });

  const hostile = ['', '+', '#', '$sys', '..', 'a/b', 'A', 'a b', 'a\0', 'ä', 'x'.repeat(65), 'a\n'];
  test.each(hostile)('is never built with %j', (value) => {
    for (const key of Object.keys(named(name, {}))) {
      const given = { ...named(name, sentBy(me, other)), [key]: value };
      expect(() => topics.build(name, given)).toThrowError(expect.objectContaining({ code: 'invalid-topic', field: key }));
    }
  });
});

describe('topics', () => {
  test('of any text are either in the table or nothing', () => {
    const almost = fc
      .tuple(
        fc.constantFrom(...messageNames),
        fc.array(fc.oneof(fc.string({ maxLength: 5 }), fc.constantFrom('+', '#', '/', '..')), { maxLength: 3 }),
      )
      .map(([name, extra]) => [topics.build(name, named(name, sentBy(me, other))), ...extra].join('/'));
    fc.assert(
      fc.property(fc.oneof(fc.string(), almost), (topic) => {
        const parsed = topics.parse(topic);
        if (parsed !== undefined) expect(topics.build(parsed.name, parsed.params)).toBe(topic);
      }),
      { numRuns: 500 },
    );
  });

  test('that a device may subscribe to never match what is not its own', () => {
    const part = fc.oneof(segment, fc.constantFrom('+', '#', 'd', me, other, 'blob', 'chunk', 'command', 'desired', 'ack', '$share', ''));
    const filter = fc.oneof(
      fc.array(part, { minLength: 1, maxLength: 7 }).map((parts) => parts.join('/')),
      fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => [DEFAULT_TOPIC_ROOT, 'd', me, ...parts].join('/')),
    );
    const foreign = messageNames.flatMap((name) => {
      const theirs = topics.build(name, sentTo(other, me));
      return wireTable[name].direction === 'device-to-fleet' ? [theirs, topics.build(name, sentTo(me, other))] : [theirs];
    });
    fc.assert(
      fc.property(filter, (asked) => {
        if (!topics.deviceSubscribes(me, asked)) return;
        expect(foreign.filter((topic) => matches(asked, topic))).toEqual([]);
      }),
      { numRuns: 2000 },
    );
  });

  test('that a device subscribes to by itself are allowed', () => {
    expect(topics.deviceFilters(me).filter((filter) => !topics.deviceSubscribes(me, filter))).toEqual([]);
  });

  test.each(['', '/', 'a//b', '+', 'a/#', 'A', 'a b', '$SYS', 'a/'])('have no root %j', (root) => {
    expect(() => createTopics(root)).toThrowError(expect.objectContaining({ code: 'invalid-topic', field: 'topicRoot' }));
  });

  test('have one row for each pattern', () => {
    const shapes = messageNames.map((name) => wireTable[name].pattern.replaceAll(/\{\w+\}/g, '+'));
    expect(new Set(shapes).size).toBe(shapes.length);
    for (const [index, shape] of shapes.entries()) {
      // No topic belongs to two rows: a row with a placeholder must not swallow another's fixed word.
      expect(shapes.filter((candidate, at) => at !== index && matches(shape, candidate))).toEqual([]);
    }
  });
});
