import { api, cborEncode, type DeviceLogin } from '@starling/shared';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createProtocolDevice, openSession, type ProtocolDevice, startSession } from '../harness/protocol-device.ts';
import { quickest, slowness } from '../harness/scale.ts';
import { type Neighbours, recordOf, startNeighbours, topics } from './neighbours.ts';

let neighbours: Neighbours;
/** Made first, since it lives on while the others are tried. */
let shortLived: Awaited<ReturnType<Neighbours['fleet']['claim']>>;
let shortLivedEndMs: number;
beforeAll(async () => {
  neighbours = await startNeighbours();
  shortLived = await neighbours.fleet.claim({ expiresInHours: 0.01 });
  shortLivedEndMs = performance.now() + 37_000;
});
afterAll(() => neighbours.stop());

describe('the login to the broker', () => {
  const refused = (change: object, login: DeviceLogin = neighbours.malloryLogin): Promise<string> =>
    openSession(neighbours.fleet.broker, login, change).then(
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
    ['the name of another device', () => ({ username: neighbours.bob.id, clientId: neighbours.bob.id })],
    ['the client id of another device', () => ({ clientId: neighbours.bob.id })],
    ['the name of another device and its own client id', () => ({ username: neighbours.bob.id })],
    ['a session that outlives the connection', () => ({ clean: false })],
  ])('is closed to %s', async (_what, change) => {
    expect(await refused(change())).toBe('refused');
    expect(neighbours.bobSession.isOpen()).toBe(true);
  });
});

describe('the login of a device', () => {
  test('takes a nonce once', async () => {
    const { nonce } = await neighbours.mallory.nonce();
    await neighbours.mallory.login({ nonce });
    await expect(neighbours.mallory.login({ nonce })).rejects.toMatchObject({ code: 'login-refused' });
  });

  test('takes no nonce that the fleet did not give', async () => {
    await expect(neighbours.mallory.login({ nonce: 'A'.repeat(32) })).rejects.toMatchObject({ code: 'login-refused' });
  });

  test("takes no claim by another's key, for another device or another fleet", async () => {
    await expect(neighbours.mallory.login({ device: neighbours.bob.id })).rejects.toMatchObject({ code: 'login-refused' });
    await expect(neighbours.mallory.login({ signedBy: neighbours.bob.key })).rejects.toMatchObject({ code: 'login-refused' });
    await expect(neighbours.mallory.login({ audience: 'another-fleet' })).rejects.toMatchObject({ code: 'login-refused' });
  });

  test('uses a nonce up even where the claim is refused', async () => {
    const { nonce } = await neighbours.mallory.nonce();
    await expect(neighbours.mallory.login({ nonce, audience: 'another-fleet' })).rejects.toMatchObject({ code: 'login-refused' });
    await expect(neighbours.mallory.login({ nonce })).rejects.toMatchObject({ code: 'login-refused' });
  });

  test('says the same of a device that was never there', async () => {
    const stranger = await createProtocolDevice(neighbours.fleet.baseUrl);
    const { nonce, fleetId } = await neighbours.mallory.nonce();
    await expect(stranger.login({ nonce, audience: fleetId })).rejects.toMatchObject({ code: 'login-refused' });
  });

  test('waits for approval where the token asks for it', async () => {
    const device = await createProtocolDevice(neighbours.fleet.baseUrl);
    await device.enrol(await neighbours.fleet.claim({ requireApproval: true }));
    await expect(device.login()).rejects.toMatchObject({ code: 'approval-pending' });
    await neighbours.fleet.client.call(api.approveDevice, { params: { id: device.id } });
    expect((await device.login()).username).toBe(device.id);
  });
});

describe('a claim token', () => {
  const enrol = async (...[token, change]: Parameters<ProtocolDevice['enrol']>) =>
    (await createProtocolDevice(neighbours.fleet.baseUrl)).enrol(token, change);

  test('that is used up is refused, with the reason', async () => {
    const token = await neighbours.fleet.claim({ uses: 1 });
    await enrol(token);
    await expect(enrol(token)).rejects.toMatchObject({
      code: 'claim-token-refused',
      field: 'tokenId',
      message: expect.stringContaining('used up'),
    });
  });

  test('costs one use, however often the same device asks', async () => {
    const token = await neighbours.fleet.claim({ uses: 1 });
    const device = await createProtocolDevice(neighbours.fleet.baseUrl);
    await device.enrol(token);
    await device.enrol(token);
  });

  test('is used no more often than it may, by any number at once', async () => {
    const token = await neighbours.fleet.claim({ uses: 3 });
    const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => enrol(token)));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
  });

  test('that was revoked is refused, with the reason', async () => {
    const token = await neighbours.fleet.claim();
    await neighbours.fleet.client.call(api.revokeClaimToken, { params: { id: token.id } });
    await expect(enrol(token)).rejects.toMatchObject({ code: 'claim-token-refused', message: expect.stringContaining('revoked') });
  });

  test('with another secret, or of another name, is not known', async () => {
    const token = await neighbours.fleet.claim();
    await expect(enrol(token, { secret: 'x'.repeat(32) })).rejects.toMatchObject({
      code: 'claim-token-refused',
      message: expect.stringContaining('this fleet does not know it'),
    });
    await expect(enrol({ ...token, tokenId: 'nobody' })).rejects.toMatchObject({ code: 'claim-token-refused' });
  });

  test('enrols no key that the device does not hold', async () => {
    await expect(enrol(await neighbours.fleet.claim(), { signedBy: neighbours.bob.key })).rejects.toMatchObject({
      code: expect.stringMatching(/unknown-key|bad-signature/),
    });
    await expect(
      enrol(await neighbours.fleet.claim(), { signedBy: { ...neighbours.bob.key, kid: neighbours.mallory.key.kid } }),
    ).rejects.toThrow();
  });

  test('with a claim that is not one is told which field', async () => {
    await expect(enrol(await neighbours.fleet.claim(), { claim: { publicKey: 'short' } })).rejects.toMatchObject({
      code: 'invalid-claim',
      field: 'claim.publicKey',
    });
  });

  test('is refused by a device whose root is another one', async () => {
    const token = await neighbours.fleet.claim();
    await expect(enrol({ ...token, rootDigest: '0'.repeat(64) })).rejects.toMatchObject({ code: 'digest-mismatch' });
  });
});

describe('a device whose disk was copied', () => {
  const clonesTold = async (id: string): Promise<number> => {
    const { items } = await neighbours.fleet.client.call(api.listAudit, { query: { limit: 100, offset: 0, search: 'device.clone' } });
    return items.filter(({ subject }) => subject === id).length;
  };

  test('is told from one that was started again: two take turns under one key', async () => {
    const device = await createProtocolDevice(neighbours.fleet.baseUrl);
    await device.enrol(await neighbours.fleet.claim());
    /** As an agent of this life does: connects, says hello, and hears at least that its telemetry is stored. */
    const live = async (bootId: string) => {
      const session = await startSession(neighbours.fleet.broker, { ...device, hello: () => ({ ...device.hello(), bootId }) });
      const kind = { device: device.id, kind: 'events' };
      const batch = cborEncode({ streamId: device.id, records: [recordOf(1)] });
      await session.client.publishAsync(topics.build('telemetry', kind), Buffer.from(batch), { qos: 1 });
      await session.received(topics.build('acknowledgement', kind));
      return session;
    };
    for (const bootId of ['first', 'second', 'second', 'third']) await (await live(bootId)).end();
    expect(await clonesTold(device.id)).toBe(0);
    // Neither ends its session: the broker gives the name to whoever came last.
    const third = await live('third');
    const copy = await live('copy');
    await third.closed;
    const back = await live('third');
    await copy.closed;
    await expect.poll(() => clonesTold(device.id)).toBe(1);
    await (await live('copy')).end();
    await back.end();
    expect(await clonesTold(device.id)).toBe(1);
  });
});

describe('a device that is revoked', () => {
  const revoke = async () => {
    const device = await createProtocolDevice(neighbours.fleet.baseUrl);
    const token = await neighbours.fleet.claim({ uses: 2 });
    await device.enrol(token);
    const login = await device.login();
    const session = await openSession(neighbours.fleet.broker, login);
    const { nonce } = await device.nonce();
    const startMs = performance.now();
    await neighbours.fleet.client.call(api.revokeDevice, { params: { id: device.id } });
    await session.closed;
    return { device, token, login, nonce, cutMs: performance.now() - startMs };
  };

  test('is cut at once, and gets in by no way', async () => {
    const limitMs = 1000 * slowness();
    expect(await quickest(limitMs, async () => (await revoke()).cutMs)).toBeLessThan(limitMs);
    const { device, token, login, nonce } = await revoke();
    await expect(openSession(neighbours.fleet.broker, login)).rejects.toThrow();
    await expect(device.login({ nonce })).rejects.toMatchObject({ code: 'login-refused' });
    await expect(device.login()).rejects.toMatchObject({ code: 'login-refused' });
    await expect(device.enrol(token)).rejects.toMatchObject({ code: 'device-revoked' });
    expect(await neighbours.bobWorks()).toBeLessThan(2000);
  });
});

test('a claim token that has expired is refused, with the reason', async () => {
  await new Promise((resolve) => setTimeout(resolve, shortLivedEndMs - performance.now()));
  const device = await createProtocolDevice(neighbours.fleet.baseUrl);
  await expect(device.enrol(shortLived)).rejects.toMatchObject({
    code: 'claim-token-refused',
    message: expect.stringContaining('expired'),
  });
}, 60_000);
