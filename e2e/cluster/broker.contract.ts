import { api, createTopics, type DeviceLogin, jsonEncode, type Presence } from '@starling/shared';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createProtocolDevice, openSession, type ProtocolDevice, type Session, startSession } from '../harness/protocol-device.ts';
import type { ReadyFleet } from '../harness/ready-fleet.ts';
import { until } from '../harness/running-fleet.ts';

export interface BrokerUnderTest {
  fleet: ReadyFleet;
  /** Where devices connect. */
  urls: readonly string[];
  stop(): Promise<void>;
}

const QUIET_MS = 700;

/** What every broker between devices and fleet keeps: who gets in, what each may say and hear, and what goes through. */
export function brokerContract(name: string, start: () => Promise<BrokerUnderTest>): void {
  describe(`devices at ${name}`, () => {
    let under: BrokerUnderTest;
    let devices: { device: ProtocolDevice; login: DeviceLogin; session: Session }[];

    beforeAll(async () => {
      under = await start();
      devices = [];
      const claim = await under.fleet.claim({ uses: 10 });
      for (const url of [under.urls[0] ?? '', under.urls.at(-1) ?? '']) {
        const device = await createProtocolDevice(under.fleet.baseUrl);
        await device.enrol(claim);
        devices.push({ device, login: await device.login(), session: await startSession(url, device) });
      }
    }, 120_000);
    afterAll(async () => {
      for (const { session } of devices ?? []) await session.end().catch(() => undefined);
      await under?.stop();
    });

    const first = () => devices[0] as (typeof devices)[number];
    const second = () => devices[1] as (typeof devices)[number];
    const topicsOf = ({ login }: { login: DeviceLogin }) => createTopics(login.topicRoot);
    const isOnline = async (id: string): Promise<boolean> => (await under.fleet.client.call(api.showDevice, { params: { id } })).online;

    test('are told where it is, get in by their own password and client id, and by no other', async () => {
      const { login } = first();
      expect(login.brokers.length).toBeGreaterThan(0);
      const [url = ''] = under.urls;
      await expect(openSession(url, { ...login, password: `${login.password}x` })).rejects.toThrow();
      await expect(openSession(url, login, { clientId: second().login.username })).rejects.toThrow();
      await expect(openSession(url, { ...login, username: second().login.username })).rejects.toThrow();
      expect(second().session.isOpen()).toBe(true);
    });

    test('are there when they have said hello, and away when their connection breaks', async () => {
      const claim = await under.fleet.claim();
      const device = await createProtocolDevice(under.fleet.baseUrl);
      await device.enrol(claim);
      const login = await device.login();
      const presence: Presence = { state: 'offline', bootId: 'boot' };
      const topics = createTopics(login.topicRoot);
      const will = { topic: topics.build('presence', { device: device.id }), payload: Buffer.from(jsonEncode(presence)), qos: 0 as const };
      const session = await openSession(under.urls[0] ?? '', login, { will: { ...will, retain: false } });
      await session.client.subscribeAsync(topics.deviceFilters(device.id), { qos: 1 });
      await session.client.publishAsync(topics.build('hello', { device: device.id }), Buffer.from(jsonEncode(device.hello())), { qos: 1 });
      await until('the device is there', () => isOnline(device.id));
      session.client.stream.destroy();
      await until('the device is away', async () => !(await isOnline(device.id)));
    });

    test('get commands, and their answers arrive', async () => {
      const { device, session } = first();
      const topics = topicsOf(first());
      const sent = under.fleet.client.call(api.commandDevice, {
        params: { id: device.id },
        body: { name: 'ping', arguments: {}, waitMs: 30_000 },
      });
      await session.received(topics.build('command', { device: device.id, name: 'ping' }));
      const { items } = await under.fleet.client.call(api.listCommands, { params: { id: device.id }, query: {} });
      const id = items[0]?.id ?? '';
      const result = { id, status: 'done', result: { uptimeMs: 1, agentVersion: '0.1.0' }, atMs: 1 };
      await session.client.publishAsync(topics.build('result', { device: device.id, id }), Buffer.from(jsonEncode(result)), { qos: 1 });
      expect(await sent).toMatchObject({ status: 'done', result: { uptimeMs: 1 } });
    });

    test('say only what devices say, and only in their own name', async () => {
      const topics = topicsOf(first());
      const own = first().device.id;
      const other = second().device.id;
      const spoilt = Buffer.from('{"state":"offline","bootId":"x"}');
      const wrong = [
        topics.build('desired', { device: own }),
        topics.build('command', { device: own, name: 'ping' }),
        topicsOf(second()).build('presence', { device: other }),
        topics.build('presence', { device: other }),
        topicsOf(second()).build('desired', { device: other }),
        topics.build('presence', { device: own }).replaceAll('/', '.'),
      ];
      const before = second().session.messages.length;
      for (const topic of wrong) {
        const session = await openSession(under.urls[0] ?? '', first().login).catch(() => undefined);
        await session?.client.subscribeAsync(topics.deviceFilters(own), { qos: 1 });
        // Some brokers cut whoever tries, others say nothing.
        await Promise.race([session?.client.publishAsync(topic, spoilt, { qos: 0 }), session?.closed]).catch(() => undefined);
        await new Promise((resolve) => setTimeout(resolve, QUIET_MS / 4));
        expect(session?.messages ?? []).toEqual([]);
        await session?.end().catch(() => undefined);
      }
      expect(second().session.messages.length).toBe(before);
      expect(await isOnline(other)).toBe(true);
      first().session = await startSession(under.urls[0] ?? '', first().device);
    });

    test('hear only what is for them', async () => {
      const own = topicsOf(first());
      const others = topicsOf(second());
      const other = second().device.id;
      const wrong = ['#', `${own.root}/#`, 'starling/#', '+/+/+/+/d/+/desired', others.build('desired', { device: other }), '$CONTROL/#'];
      for (const filter of wrong) {
        const session = await openSession(under.urls[0] ?? '', await first().device.login());
        const outcome = await Promise.race([
          session.client.subscribeAsync(filter, { qos: 1 }).then(
            ([granted]) => ((granted?.qos as number) === 128 ? 'refused' : 'granted'),
            () => 'refused',
          ),
          session.closed.then(() => 'refused'),
        ]);
        expect([filter, outcome]).toEqual([filter, 'refused']);
        await session.end().catch(() => undefined);
      }
      first().session = await startSession(under.urls[0] ?? '', first().device);
    });

    test('do not reach each other, where nobody has joined them', async () => {
      const from = first().device.id;
      const to = second().device.id;
      const before = second().session.messages.length;
      const topic = topicsOf(first()).build('stream', { pipeline: 'p', part: 'part', from, to });
      await first().session.client.publishAsync(topic, Buffer.from('x'), { qos: 1 });
      await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
      expect(second().session.messages.slice(before)).toEqual([]);
    });

    test('are cut off when they are revoked, and do not come in again', async () => {
      const { device, login, session } = second();
      await under.fleet.client.call(api.revokeDevice, { params: { id: device.id } });
      await Promise.race([session.closed, new Promise((_, reject) => setTimeout(() => reject(new Error('it stays connected')), 10_000))]);
      await expect(openSession(under.urls[0] ?? '', login)).rejects.toThrow();
    });
  });
}
