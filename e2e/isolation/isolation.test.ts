import { connect as connectTcp } from 'node:net';
import { api, cborEncode, createTopics, type DeviceLogin, jsonDecode, jsonEncode, messageNames, wireTable } from '@starling/shared';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createProtocolDevice, openSession, type ProtocolDevice, type Session, startSession } from '../harness/protocol-device.ts';
import { type ReadyFleet, startReadyFleet } from '../harness/ready-fleet.ts';

const topics = createTopics();
const values = { name: 'ping', id: 'x'.repeat(26), kind: 'events' };

let fleet: ReadyFleet;
/** The one that misbehaves, and the one that must not notice. */
let mallory: ProtocolDevice;
let bob: ProtocolDevice;
let malloryLogin: DeviceLogin;
let bobSession: Session;
let sequence = 0;

beforeAll(async () => {
  fleet = await startReadyFleet();
  const token = await fleet.claim({ uses: 2 });
  [mallory, bob] = await Promise.all([createProtocolDevice(fleet.baseUrl), createProtocolDevice(fleet.baseUrl)]);
  await mallory.enrol(token);
  await bob.enrol(token);
  malloryLogin = await mallory.login();
  bobSession = await startSession(fleet.broker, bob);
});
afterAll(async () => {
  await bobSession?.end();
  await fleet?.stop();
});

const record = (number: number, payload: unknown = { level: 'info', code: 'test', message: 'hello' }): unknown => ({
  ...{ sequence: number, bootId: 'boot', monotonicMs: 1, wallMs: Date.now(), clock: 'trusted', payload },
});

/** Bob sends a batch and hears that it is stored. @returns how long that took */
async function bobWorks(): Promise<number> {
  sequence += 1;
  const startMs = performance.now();
  const from = bobSession.messages.length;
  const batch = { streamId: bob.id, records: [record(sequence)] };
  await bobSession.client.publishAsync(topics.build('telemetry', { device: bob.id, kind: 'events' }), Buffer.from(cborEncode(batch)), {
    qos: 1,
  });
  const { payload } = await bobSession.received(topics.build('acknowledgement', { device: bob.id, kind: 'events' }), 5000, from);
  expect(jsonDecode(payload, wireTable.acknowledgement.schema)).toEqual({ streamId: bob.id, sequence });
  return performance.now() - startMs;
}

/** Did the broker take the message, or did it end the connection? */
async function publishOutcome(topic: string, payload: Uint8Array): Promise<'taken' | 'cut'> {
  const session = await openSession(fleet.broker, malloryLogin);
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
      const owner = whose === 'its own' ? mallory.id : bob.id;
      const allowed = whose === 'its own' && wireTable[name].direction === 'device-to-fleet';
      const from = bobSession.messages.length;
      const before = await fleet.client.call(api.showDevice, { params: { id: bob.id } });
      // A message that would do something if it came through.
      const payloads: Partial<Record<typeof name, unknown>> = {
        reported: { schemaVersion: 1, epoch: 9, generation: 9, phase: 'failed', running: null, atMs: 1 },
        presence: { state: 'offline', bootId: `boot-${bob.id}` },
        hello: { ...bob.hello(), bootId: 'clone' },
      };
      const outcome = await publishOutcome(topics.build(name, { device: owner, ...values }), jsonEncode(payloads[name] ?? {}));
      expect(outcome).toBe(allowed ? 'taken' : 'cut');
      if (whose === 'its own') return;
      const after = await fleet.client.call(api.showDevice, { params: { id: bob.id } });
      expect([after.online, after.reported, after.status]).toEqual([true, before.reported, before.status]);
      expect(bobSession.messages.slice(from)).toEqual([]);
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
    const topic = topics.build('presence', { device: mallory.id });
    const session = await openSession(fleet.broker, malloryLogin);
    await session.client.publishAsync(topic, Buffer.from(jsonEncode({ state: 'online', bootId: 'b' })), { qos: 1, retain: true });
    await session.end();
    expect(await bobWorks()).toBeLessThan(2000);
  });

  test('nothing that reaches another device, even where it may publish', async () => {
    const from = bobSession.messages.length;
    for (const name of messageNames.filter((each) => wireTable[each].direction === 'device-to-fleet'))
      await publishOutcome(topics.build(name, { device: mallory.id, ...values }), jsonEncode({}));
    expect(bobSession.messages.slice(from)).toEqual([]);
  });
});

describe('a device subscribes', () => {
  let session: Session;
  beforeAll(async () => {
    session = await openSession(fleet.broker, malloryLogin);
  });
  afterAll(() => session.end());

  test.each(messageNames)('to %s only as the wire table says', async (name) => {
    const { direction } = wireTable[name];
    const expected = direction === 'fleet-to-device' ? 'granted' : 'refused';
    expect(await subscribeOutcome(session, topics.build(name, { device: mallory.id, ...values }))).toBe(expected);
    expect(await subscribeOutcome(session, topics.build(name, { device: bob.id, ...values }))).toBe('refused');
    const filter = `${topics.root}/${wireTable[name].pattern.replaceAll(/\{\w+\}/g, '+')}`;
    expect(await subscribeOutcome(session, filter)).toBe('refused');
  });

  test('to its own filters, as an agent does', async () => {
    for (const filter of topics.deviceFilters(mallory.id)) expect(await subscribeOutcome(session, filter)).toBe('granted');
  });

  const own = (): string => `${topics.root}/d/${mallory.id}`;
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
    ["the neighbour's", () => `${topics.root}/d/${bob.id}/#`],
    ['the broker itself', () => '$SYS/#'],
    ['a counter of the broker', () => '$SYS/+/clients/total'],
    ['a shared one of its own', () => `$share/g/${own()}/desired`],
    ['multicast without a grant', () => `${topics.root}/blob/#`],
    ['one multicast without a grant', () => `${topics.root}/blob/${'ab'.repeat(32)}`],
    ['a stream without a grant', () => `${topics.root}/stream/read-signs/image`],
    ['operators', () => `${topics.root}/operator/+/command/+`],
    ['another root', () => `other/d/${mallory.id}/desired`],
    ['its own without a root', () => `d/${mallory.id}/desired`],
    ['its own with a slash more', () => `${own()}/desired/`],
    ['its own in capitals', () => `${own().toUpperCase()}/desired`],
  ])('not to %s', async (_what, filter) => {
    expect(await subscribeOutcome(session, filter())).toBe('refused');
  });

  test("and hears nothing of what is another's", async () => {
    const from = session.messages.length;
    await fleet.client.call(api.commandDevice, { params: { id: bob.id }, body: { name: 'ping', arguments: {} } });
    await bobSession.received(topics.build('command', { device: bob.id, name: 'ping' }));
    await bobWorks();
    expect(session.messages.slice(from).map(({ topic }) => topic)).toEqual([]);
  });

  test('and hears what is for it', async () => {
    await fleet.client.call(api.commandDevice, { params: { id: mallory.id }, body: { name: 'ping', arguments: {} } });
    await session.received(topics.build('command', { device: mallory.id, name: 'ping' }));
  });
});

describe('a device that misbehaves', () => {
  const telemetryTopic = (): string => topics.build('telemetry', { device: mallory.id, kind: 'events' });
  let stream = 0;
  const batch = (...payloads: unknown[]): Uint8Array => {
    stream += 1;
    const streamId = `${mallory.id.slice(0, 20)}${'abcdefghijklmnopqrstuvwxyz'[stream % 26]}zzzzz`;
    return cborEncode({ streamId, records: payloads.map((payload, index) => record(index + 1, payload)) });
  };
  const event = { level: 'error', code: 'broken' };
  const deep = (levels: number): unknown => {
    let value: unknown = 1;
    for (let level = 0; level < levels; level += 1) value = [value];
    return value;
  };

  test.each<[string, () => [string, Uint8Array]]>([
    ['no CBOR', () => [telemetryTopic(), new Uint8Array([0xff, 0xff])]],
    ['an array without end', () => [telemetryTopic(), new Uint8Array([0x9b, 0x7f, ...Array(7).fill(0xff)])]],
    ['nesting without end', () => [telemetryTopic(), new Uint8Array(100_000).fill(0x81)]],
    ['a batch over its limit', () => [telemetryTopic(), new Uint8Array(wireTable.telemetry.maximumBytes + 1)]],
    ['a want that is text', () => [topics.build('blobWant', { device: mallory.id }), new TextEncoder().encode('give me all')]],
    [
      'a want without credit',
      () => [topics.build('blobWant', { device: mallory.id }), cborEncode({ want: 1, chunks: [], receivedChunks: 0, creditBytes: 1 })],
    ],
    ['a hello that is no JSON', () => [topics.build('hello', { device: mallory.id }), new Uint8Array([0xc3, 0x28])]],
    [
      'a result of a command that is not its own',
      () => [topics.build('result', { device: mallory.id, id: values.id }), jsonEncode({ id: values.id, status: 'done', atMs: 1 })],
    ],
    ['a report of another schema', () => [topics.build('reported', { device: mallory.id }), jsonEncode({ schemaVersion: 99 })]],
    [
      'a kind of telemetry that is none',
      () => [topics.build('telemetry', { device: mallory.id, kind: 'gossip' }), batch({ ...event, message: 'x' })],
    ],
    ['a presence over its limit', () => [topics.build('presence', { device: mallory.id }), new Uint8Array(5000).fill(0x20)]],
    ['a NUL in a text', () => [telemetryTopic(), batch({ ...event, message: 'cut\0off' })]],
    ['half a surrogate pair', () => [telemetryTopic(), batch({ ...event, message: 'x\ud800', detail: { '\udfff': 1 } })]],
    ['a NUL in a key', () => [telemetryTopic(), batch({ ...event, message: 'x', detail: { 'a\0b': 1 } })]],
    ['a number that JSON has not', () => [telemetryTopic(), batch({ ...event, message: 'x', detail: { big: 2n ** 63n } })]],
    ['detail too deep for a database', () => [telemetryTopic(), batch({ ...event, message: 'x', detail: { deep: deep(1000) } })]],
    [
      'sequences at the end of numbers',
      () => [
        telemetryTopic(),
        cborEncode({
          streamId: mallory.id,
          records: [record(Number.MAX_SAFE_INTEGER)],
          dropped: [{ from: 1, to: Number.MAX_SAFE_INTEGER }],
        }),
      ],
    ],
  ])('by %s disturbs nobody', async (_what, message) => {
    const [topic, payload] = message();
    const session = await openSession(fleet.broker, malloryLogin);
    // Before, with and after the other's, so that they share a transaction.
    for (let round = 0; round < 3; round += 1) {
      const sent = Array.from({ length: 5 }, () => session.client.publishAsync(topic, Buffer.from(payload), { qos: 1 }));
      expect(await bobWorks()).toBeLessThan(2000);
      await Promise.all(sent);
    }
    expect(session.isOpen()).toBe(true);
    await session.end();
    expect(await bobWorks()).toBeLessThan(2000);
  });

  test('by a text that a database cannot hold still gets its acknowledgement', async () => {
    const session = await openSession(fleet.broker, malloryLogin);
    await session.client.subscribeAsync(topics.deviceFilters(mallory.id), { qos: 1 });
    const payload = cborEncode({ streamId: 'c'.repeat(26), records: [record(1, { ...event, message: 'cut\0off' })] });
    await session.client.publishAsync(telemetryTopic(), Buffer.from(payload), { qos: 1 });
    const answer = await session.received(topics.build('acknowledgement', { device: mallory.id, kind: 'events' }));
    expect(jsonDecode(answer.payload, wireTable.acknowledgement.schema)).toEqual({ streamId: 'c'.repeat(26), sequence: 1 });
    await session.end();
  });

  test('by a histogram of its own kind leaves the figures of the fleet readable', async () => {
    const session = await openSession(fleet.broker, malloryLogin);
    const window = { startMs: Date.now(), lengthMs: 1000, release: null, pipeline: 'p', items: 1 };
    const odd = { edges: [1, 2], counts: [1, 0, 0], count: 1, sum: 0.5, minimum: 0.5, maximum: 0.5 };
    const other = { ...odd, edges: [3, 4] };
    const payload = cborEncode({
      streamId: 'd'.repeat(26),
      records: [record(1, { ...window, latencyMs: odd }), record(2, { ...window, latencyMs: other })],
    });
    await session.client.publishAsync(topics.build('telemetry', { device: mallory.id, kind: 'inference' }), Buffer.from(payload), {
      qos: 1,
    });
    await session.end();
    await expect.poll(async () => (await fleet.client.call(api.overview, {})).inference.itemsLastHour, { timeout: 5000 }).toBe(2);
    await fleet.client.call(api.summariseTelemetry, { params: { id: mallory.id } });
    await fleet.client.call(api.telemetrySeries, { params: { id: mallory.id } });
  });

  test('by a packet over the limit of the broker is cut, and nobody else', async () => {
    const session = await openSession(fleet.broker, malloryLogin);
    session.client.publish(telemetryTopic(), Buffer.alloc(2 * 1024 * 1024), { qos: 0 });
    await session.closed;
    expect(bobSession.isOpen()).toBe(true);
    expect(await bobWorks()).toBeLessThan(2000);
  });

  test.each<[string, number[]]>([
    ['bytes that are no MQTT', [...Buffer.from('GET / HTTP/1.1\r\n\r\n')]],
    ['a length without end', [0x10, 0xff, 0xff, 0xff, 0xff, 0xff]],
    ['a packet before its connect', [0x30, 0x05, 0x00, 0x01, 0x61, 0x68, 0x69]],
    ['a connect of 256 MB', [0x10, 0xff, 0xff, 0xff, 0x7f, 0x00, 0x04]],
  ])(
    'by %s on a bare connection is cut',
    async (_what, bytes) => {
      const { hostname, port } = new URL(fleet.broker);
      const socket = connectTcp(Number(port), hostname);
      socket.on('error', () => undefined);
      const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
      socket.write(Buffer.from(bytes));
      await closed;
      expect(await bobWorks()).toBeLessThan(2000);
    },
    30_000,
  );

  test('by sending as fast as it can slows nobody', async () => {
    const session = await openSession(fleet.broker, malloryLogin);
    for (let message = 0; message < 3000 && session.isOpen(); message += 1)
      session.client.publish(topics.build('presence', { device: mallory.id }), Buffer.from(jsonEncode({ state: 'online', bootId: 'b' })), {
        qos: 0,
      });
    expect(await bobWorks()).toBeLessThan(2000);
    await session.end().catch(() => undefined);
  });
});

describe('the login to the broker', () => {
  const refused = (change: object, login: DeviceLogin = malloryLogin): Promise<string> =>
    openSession(fleet.broker, login, change).then(
      async (session) => {
        await session.end();
        return 'open';
      },
      () => 'refused',
    );

  test('is open to the device itself', async () => {
    expect(await refused({})).toBe('open');
  });

  test.each<[string, () => object]>([
    ['a wrong password', () => ({ password: 'wrong' })],
    ['no password', () => ({ password: undefined })],
    ['no name', () => ({ username: undefined, password: undefined })],
    ['the name of another device', () => ({ username: bob.id, clientId: bob.id })],
    ['the client id of another device', () => ({ clientId: bob.id })],
    ['the name of another device and its own client id', () => ({ username: bob.id })],
    ['a session that outlives the connection', () => ({ clean: false })],
  ])('is closed to %s', async (_what, change) => {
    expect(await refused(change())).toBe('refused');
    expect(bobSession.isOpen()).toBe(true);
  });
});

describe('the login of a device', () => {
  test('takes a nonce once', async () => {
    const { nonce } = await mallory.nonce();
    await mallory.login({ nonce });
    await expect(mallory.login({ nonce })).rejects.toMatchObject({ code: 'login-refused' });
  });

  test('takes no nonce that the fleet did not give', async () => {
    await expect(mallory.login({ nonce: 'A'.repeat(32) })).rejects.toMatchObject({ code: 'login-refused' });
  });

  test("takes no claim by another's key, for another device or another fleet", async () => {
    await expect(mallory.login({ device: bob.id })).rejects.toMatchObject({ code: 'login-refused' });
    await expect(mallory.login({ signedBy: bob.key })).rejects.toMatchObject({ code: 'login-refused' });
    await expect(mallory.login({ audience: 'another-fleet' })).rejects.toMatchObject({ code: 'login-refused' });
  });

  test('uses a nonce up even where the claim is refused', async () => {
    const { nonce } = await mallory.nonce();
    await expect(mallory.login({ nonce, audience: 'another-fleet' })).rejects.toMatchObject({ code: 'login-refused' });
    await expect(mallory.login({ nonce })).rejects.toMatchObject({ code: 'login-refused' });
  });

  test('says the same of a device that was never there', async () => {
    const stranger = await createProtocolDevice(fleet.baseUrl);
    const { nonce, fleetId } = await mallory.nonce();
    await expect(stranger.login({ nonce, audience: fleetId })).rejects.toMatchObject({ code: 'login-refused' });
  });

  test('waits for approval where the token asks for it', async () => {
    const device = await createProtocolDevice(fleet.baseUrl);
    await device.enrol(await fleet.claim({ requireApproval: true }));
    await expect(device.login()).rejects.toMatchObject({ code: 'approval-pending' });
    await fleet.client.call(api.approveDevice, { params: { id: device.id } });
    expect((await device.login()).username).toBe(device.id);
  });
});

describe('a claim token', () => {
  const enrol = async (...[token, change]: Parameters<ProtocolDevice['enrol']>) =>
    (await createProtocolDevice(fleet.baseUrl)).enrol(token, change);

  test('that is used up is refused, with the reason', async () => {
    const token = await fleet.claim({ uses: 1 });
    await enrol(token);
    await expect(enrol(token)).rejects.toMatchObject({
      code: 'claim-token-refused',
      field: 'tokenId',
      message: expect.stringContaining('used up'),
    });
  });

  test('costs one use, however often the same device asks', async () => {
    const token = await fleet.claim({ uses: 1 });
    const device = await createProtocolDevice(fleet.baseUrl);
    await device.enrol(token);
    await device.enrol(token);
  });

  test('is used no more often than it may, by any number at once', async () => {
    const token = await fleet.claim({ uses: 3 });
    const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => enrol(token)));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
  });

  test('that was revoked is refused, with the reason', async () => {
    const token = await fleet.claim();
    await fleet.client.call(api.revokeClaimToken, { params: { id: token.id } });
    await expect(enrol(token)).rejects.toMatchObject({ code: 'claim-token-refused', message: expect.stringContaining('revoked') });
  });

  test('with another secret, or of another name, is not known', async () => {
    const token = await fleet.claim();
    await expect(enrol(token, { secret: 'x'.repeat(32) })).rejects.toMatchObject({
      code: 'claim-token-refused',
      message: expect.stringContaining('not known'),
    });
    await expect(enrol({ ...token, tokenId: 'nobody' })).rejects.toMatchObject({ code: 'claim-token-refused' });
  });

  test('enrols no key that the device does not hold', async () => {
    await expect(enrol(await fleet.claim(), { signedBy: bob.key })).rejects.toMatchObject({
      code: expect.stringMatching(/unknown-key|bad-signature/),
    });
    await expect(enrol(await fleet.claim(), { signedBy: { ...bob.key, kid: mallory.key.kid } })).rejects.toThrow();
  });

  test('with a claim that is not one is told which field', async () => {
    await expect(enrol(await fleet.claim(), { claim: { publicKey: 'short' } })).rejects.toMatchObject({
      code: 'invalid-claim',
      field: 'claim.publicKey',
    });
  });

  test('is refused by a device whose root is another one', async () => {
    const token = await fleet.claim();
    await expect(enrol({ ...token, rootDigest: '0'.repeat(64) })).rejects.toMatchObject({ code: 'digest-mismatch' });
  });

  test('that has expired is refused, with the reason', async () => {
    const token = await fleet.claim({ expiresInHours: 0.01 });
    await new Promise((resolve) => setTimeout(resolve, 37_000));
    await expect(enrol(token)).rejects.toMatchObject({ code: 'claim-token-refused', message: expect.stringContaining('expired') });
  }, 60_000);
});

describe('a device that is revoked', () => {
  test('is cut at once, and gets in by no way', async () => {
    const device = await createProtocolDevice(fleet.baseUrl);
    const token = await fleet.claim({ uses: 2 });
    await device.enrol(token);
    const login = await device.login();
    const session = await openSession(fleet.broker, login);
    const { nonce } = await device.nonce();
    const startMs = performance.now();
    await fleet.client.call(api.revokeDevice, { params: { id: device.id } });
    await session.closed;
    expect(performance.now() - startMs).toBeLessThan(1000);
    await expect(openSession(fleet.broker, login)).rejects.toThrow();
    await expect(device.login({ nonce })).rejects.toMatchObject({ code: 'login-refused' });
    await expect(device.login()).rejects.toMatchObject({ code: 'login-refused' });
    await expect(device.enrol(token)).rejects.toMatchObject({ code: 'device-revoked' });
    expect(await bobWorks()).toBeLessThan(2000);
  });
});
