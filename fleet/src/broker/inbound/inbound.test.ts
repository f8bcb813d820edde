import { jsonEncode } from '@starling/shared';
import { beforeEach, expect, test } from 'vitest';
import { createShardTopics } from '../device-topics.ts';
import { createInbound, type Inbound, type InboundPorts } from './index.ts';

const topics = createShardTopics(undefined);
const device = 'a'.repeat(26);
const presence = (state: 'online' | 'offline') => jsonEncode({ state, bootId: 'boot-1' });

let heard: Set<string>;
let sent: { topic: string; said: unknown }[];
let inbound: Inbound;

beforeEach(() => {
  [heard, sent] = [new Set(), []];
  const devices = {
    isHeard: (id: string) => heard.has(id),
    seen: (id: string, online: boolean) => (online ? heard.add(id) : heard.delete(id)),
    report: async () => undefined,
  };
  const ports = {
    ...{ topics, devices, taps: { expects: () => false }, left: () => undefined, log: { warn: () => undefined } },
    async send(_device: string, topic: string, payload: Uint8Array) {
      sent.push({ topic, said: JSON.parse(new TextDecoder().decode(payload)) });
      return true;
    },
  };
  inbound = createInbound(ports as unknown as InboundPorts);
});

const say = (name: 'presence' | 'reported' | 'tap', payload: Uint8Array) =>
  inbound.receive(device, topics.build(name, { device, id: 'tap-1' }), payload);

test('a device that speaks, and whose hello nobody has heard, is asked for it once', async () => {
  await say('presence', presence('online'));
  await say('presence', presence('online'));
  expect(sent).toEqual([{ topic: topics.build('greet', { device }), said: { reason: 'unheard' } }]);
});

test('any other message asks for it too, also one that is refused', async () => {
  await say('reported', new Uint8Array([1]));
  expect(sent).toHaveLength(1);
  expect(inbound.refusals()).toEqual({ reported: 1 });
});

test('a tap that was asked for here tells nothing of the device, which another process may hear', async () => {
  await say('tap', new Uint8Array([1]));
  expect(sent).toEqual([]);
  expect(heard.size).toBe(0);
});

test('one that is known, or that goes, is not asked', async () => {
  await say('presence', presence('offline'));
  expect(sent).toEqual([]);
  heard.add(device);
  await say('presence', presence('online'));
  expect(sent).toEqual([]);
});
