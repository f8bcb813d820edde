import { api, jsonEncode, messageNames, wireTable } from '@starling/shared';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openSession, type Session } from '../harness/protocol-device.ts';
import { type Neighbours, startNeighbours, topics } from './neighbours.ts';

const values = { name: 'ping', id: 'x'.repeat(26), kind: 'events', pipeline: 'read', part: 'cloud', account: 'anna' };
/** Under its own name, and for a neighbour. */
const sentBy = (device: string, to: string) => ({ ...values, device, from: device, to });
const sentTo = (device: string, from: string) => ({ ...values, device, from, to: device });

let neighbours: Neighbours;
beforeAll(async () => {
  neighbours = await startNeighbours();
});
afterAll(() => neighbours.stop());

/** Did the broker take the message, or did it end the connection? */
async function publishOutcome(topic: string, payload: Uint8Array): Promise<'taken' | 'cut'> {
  const session = await openSession(neighbours.fleet.broker, neighbours.malloryLogin);
  const taken = session.client.publishAsync(topic, Buffer.from(payload), { qos: 1 }).then(
    () => 'taken' as const,
    () => 'cut' as const,
  );
  const outcome = await Promise.race([taken, session.closed.then(() => 'cut' as const)]);
  await session.end();
  return outcome;
}

/** What the broker answers to a subscription: granted, or failure code 128. */
async function subscribeOutcome(session: Session, filter: string): Promise<'granted' | 'refused'> {
  const granted = await session.client.subscribeAsync(filter, { qos: 1 }).catch(() => []);
  return granted.some(({ qos }) => (qos as number) < 128) ? 'granted' : 'refused';
}

describe('a device publishes', () => {
  test.each(messageNames.flatMap((name) => (['its own', "another's"] as const).map((whose) => [name, whose] as const)))(
    '%s on %s topic only as the wire table says',
    async (name, whose) => {
      const { mallory, bob } = neighbours;
      const params = whose === 'its own' ? sentBy(mallory.id, bob.id) : sentBy(bob.id, mallory.id);
      const allowed = whose === 'its own' && wireTable[name].direction.startsWith('device-to-');
      const from = neighbours.bobSession.messages.length;
      const before = await neighbours.fleet.client.call(api.showDevice, { params: { id: neighbours.bob.id } });
      // A message that would do something if it came through.
      const payloads: Partial<Record<typeof name, unknown>> = {
        reported: { schemaVersion: 1, epoch: 9, generation: 9, phase: 'failed', running: null, atMs: 1 },
        presence: { state: 'offline', bootId: `boot-${neighbours.bob.id}` },
        hello: { ...neighbours.bob.hello(), bootId: 'clone' },
      };
      const outcome = await publishOutcome(topics.build(name, params), jsonEncode(payloads[name] ?? {}));
      expect(outcome).toBe(allowed ? 'taken' : 'cut');
      if (whose === 'its own') return;
      const after = await neighbours.fleet.client.call(api.showDevice, { params: { id: neighbours.bob.id } });
      expect([after.online, after.reported, after.status]).toEqual([true, before.reported, before.status]);
      expect(neighbours.bobSession.messages.slice(from)).toEqual([]);
    },
  );

  test.each([
    '/',
    'hello',
    'd',
    '#',
    'blob/abc',
    'stream/p/q',
    'operator/anna/command/ping',
    '$SYS/x',
    'starling/v1',
    'starling/v2/d/x/hello',
  ])('nothing on %j', async (topic) => {
    expect(await publishOutcome(topic, jsonEncode({})).catch(() => 'cut')).toBe('cut');
    expect(await publishOutcome(`${topics.root}/${topic}`, jsonEncode({})).catch(() => 'cut')).toBe('cut');
  });

  test('nothing that the broker would keep for later', async () => {
    const topic = topics.build('presence', { device: neighbours.mallory.id });
    const session = await openSession(neighbours.fleet.broker, neighbours.malloryLogin);
    await session.client.publishAsync(topic, Buffer.from(jsonEncode({ state: 'online', bootId: 'b' })), { qos: 1, retain: true });
    await session.end();
    expect(await neighbours.bobWorks()).toBeLessThan(2000);
  });

  test('nothing that reaches another device, even where it may publish', async () => {
    const from = neighbours.bobSession.messages.length;
    for (const name of messageNames.filter((each) => wireTable[each].direction.startsWith('device-to-')))
      await publishOutcome(topics.build(name, sentBy(neighbours.mallory.id, neighbours.bob.id)), jsonEncode({}));
    // What the fleet has not made one of them do for the other is not carried between them.
    await neighbours.bobWorks();
    const own = topics.build('acknowledgement', { device: neighbours.bob.id, kind: 'events' });
    expect(neighbours.bobSession.messages.slice(from).filter(({ topic }) => topic !== own)).toEqual([]);
  });
});

describe('a device subscribes', () => {
  let session: Session;
  beforeAll(async () => {
    session = await openSession(neighbours.fleet.broker, neighbours.malloryLogin);
  });
  afterAll(() => session.end());

  test.each(messageNames)('to %s only as the wire table says', async (name) => {
    const { mallory, bob } = neighbours;
    const expected = wireTable[name].direction.endsWith('-to-device') ? 'granted' : 'refused';
    expect(await subscribeOutcome(session, topics.build(name, sentTo(mallory.id, bob.id)))).toBe(expected);
    expect(await subscribeOutcome(session, topics.build(name, sentTo(bob.id, mallory.id)))).toBe('refused');
    const filter = `${topics.root}/${wireTable[name].pattern.replaceAll(/\{\w+\}/g, '+')}`;
    expect(await subscribeOutcome(session, filter)).toBe('refused');
  });

  test('to its own filters, as an agent does', async () => {
    for (const filter of topics.deviceFilters(neighbours.mallory.id)) expect(await subscribeOutcome(session, filter)).toBe('granted');
  });

  const own = (): string => `${topics.root}/d/${neighbours.mallory.id}`;
  test.each<[string, () => string]>([
    ['everything', () => '#'],
    ['everything of one level', () => '+'],
    ['everything below a level', () => '+/#'],
    ['the root', () => `${topics.root}/#`],
    ['all devices', () => `${topics.root}/d/#`],
    ['all of one row', () => `${topics.root}/d/+/desired`],
    ['all of its own', () => `${own()}/#`],
    ['one level of its own', () => `${own()}/+`],
    ['its own blobs', () => `${own()}/blob/+`],
    ["the neighbour's", () => `${topics.root}/d/${neighbours.bob.id}/#`],
    ['the broker itself', () => '$SYS/#'],
    ['a counter of the broker', () => '$SYS/+/clients/total'],
    ['a shared one of its own', () => `$share/g/${own()}/desired`],
    ['multicast without a grant', () => `${topics.root}/blob/#`],
    ['one multicast without a grant', () => `${topics.root}/blob/${'ab'.repeat(32)}`],
    ['all streams', () => `${topics.root}/stream/#`],
    ['streams for anybody', () => `${topics.root}/stream/+/+/+/+`],
    ["the neighbour's streams", () => `${topics.root}/stream/+/+/${neighbours.mallory.id}/${neighbours.bob.id}`],
    ['operators', () => `${topics.root}/operator/+/command/+`],
    ['another root', () => `other/d/${neighbours.mallory.id}/desired`],
    ['its own without a root', () => `d/${neighbours.mallory.id}/desired`],
    ['its own with a slash more', () => `${own()}/desired/`],
    ['its own in capitals', () => `${own().toUpperCase()}/desired`],
  ])('not to %s', async (_what, filter) => {
    expect(await subscribeOutcome(session, filter())).toBe('refused');
  });

  test("and hears nothing of what is another's", async () => {
    const from = session.messages.length;
    await neighbours.fleet.client.call(api.commandDevice, { params: { id: neighbours.bob.id }, body: { name: 'ping', arguments: {} } });
    await neighbours.bobSession.received(topics.build('command', { device: neighbours.bob.id, name: 'ping' }));
    await neighbours.bobWorks();
    expect(session.messages.slice(from).map(({ topic }) => topic)).toEqual([]);
  });

  test('and hears what is for it', async () => {
    await neighbours.fleet.client.call(api.commandDevice, { params: { id: neighbours.mallory.id }, body: { name: 'ping', arguments: {} } });
    await session.received(topics.build('command', { device: neighbours.mallory.id, name: 'ping' }));
  });
});
