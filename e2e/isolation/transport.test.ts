import { connect as connectTcp } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { api, createTopics, generatePrivateKey, publicKeyOf, signRoot } from '@starling/shared';
import { connect } from 'mqtt';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createProtocolDevice, openSession, type ProtocolDevice } from '../harness/protocol-device.ts';
import { type ReadyFleet, startReadyFleet } from '../harness/ready-fleet.ts';

const topics = createTopics();
let fleet: ReadyFleet;
let device: ProtocolDevice;
let authority: string;

beforeAll(async () => {
  fleet = await startReadyFleet();
  device = await createProtocolDevice(fleet.baseUrl);
  await device.enrol(await fleet.claim());
  authority = await (await fetch(`${fleet.baseUrl}/api/v1/trust/ca.pem`)).text();
});
afterAll(() => fleet?.stop());

const portOf = (address: string): number => Number(new URL(address).port);

/** Whether anybody answers there. */
function answers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectTcp(port, host);
    const end = (open: boolean): void => {
      socket.destroy();
      resolve(open);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}

/** The name of the error of a TLS handshake, or the protocol that was agreed on. */
function handshake(port: number, options: object): Promise<string> {
  return new Promise((resolve) => {
    const socket = connectTls({ port, host: '127.0.0.1', servername: 'localhost', ...options });
    socket.once('secureConnect', () => {
      resolve(socket.getProtocol() ?? '');
      socket.destroy();
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}

describe('a session', () => {
  test.each(['mqtts', 'wss'] as const)('over %s opens with the authority that the claim token pins', async (kind) => {
    const address = new URL(fleet.process.ready.addresses[kind]);
    address.hostname = 'localhost';
    const session = await openSession(address.href.replace(/\/$/, ''), await device.login(), { ca: authority });
    await session.client.subscribeAsync(topics.deviceFilters(device.id), { qos: 1 });
    expect(session.isOpen()).toBe(true);
    await session.end();
  });

  test.each(['mqtts', 'wss'] as const)('over %s does not open to one that trusts another authority', async (kind) => {
    const address = new URL(fleet.process.ready.addresses[kind]);
    address.hostname = 'localhost';
    const client = connect(address.href, { reconnectPeriod: 0, connectTimeout: 30_000 });
    const error = await new Promise<Error>((resolve) => client.once('error', resolve));
    expect(error.message).toMatch(/certificate|self.signed|unable to/i);
    client.end(true);
  });
});

describe('the ports', () => {
  test('without TLS are open on loopback itself, and on no other address', async () => {
    const { http, mqtt, https, mqtts } = fleet.process.ready.addresses;
    for (const address of [http, mqtt]) {
      expect(await answers('127.0.0.1', portOf(address))).toBe(true);
      expect(await answers('127.0.0.2', portOf(address))).toBe(false);
    }
    for (const address of [https, mqtts]) expect(await answers('127.0.0.2', portOf(address))).toBe(true);
  });

  test.each(['https', 'mqtts'] as const)('of %s speak no old TLS', async (kind) => {
    const port = portOf(fleet.process.ready.addresses[kind]);
    expect(await handshake(port, { ca: authority, minVersion: 'TLSv1.3' })).toBe('TLSv1.3');
    const old = { ca: authority, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' };
    expect(await handshake(port, old)).toMatch(/ERR_SSL|ECONNRESET/);
  });

  test('tell their name: a certificate is for the host that was asked for', async () => {
    const port = portOf(fleet.process.ready.addresses.https);
    expect(await handshake(port, { ca: authority, servername: 'evil.example' })).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
  });
});

describe('the roots', () => {
  test('are taken by the fleet only from an admin who holds the old key and the new', async () => {
    const settings = await fleet.client.call(api.settings, {});
    const [thief, next] = await Promise.all([generatePrivateKey(), generatePrivateKey()]);
    const root = { ...(settings.root ?? expect.unreachable()), version: 2 };
    const signed = await signRoot([thief, next], { ...root, keys: { ...root.keys, root: [publicKeyOf(next)] } });
    await expect(fleet.client.call(api.publishRoot, { body: { signed } })).rejects.toMatchObject({ code: 'bad-signature' });
    expect((await fleet.client.call(api.listRoots, {})).roots).toHaveLength(1);
  });
});
