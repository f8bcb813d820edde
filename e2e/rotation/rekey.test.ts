import { API_BASE, api, generatePrivateKey, type PrivateKey, publicKeyOf, signDocument, signerOf } from '@starling/shared';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createProtocolDevice, type ProtocolDevice } from '../harness/protocol-device.ts';
import { type ReadyFleet, startReadyFleet } from '../harness/ready-fleet.ts';

let fleet: ReadyFleet;
let device: ProtocolDevice;
let other: ProtocolDevice;
const next = await generatePrivateKey();

beforeAll(async () => {
  fleet = await startReadyFleet();
  device = await createProtocolDevice(fleet.baseUrl);
  other = await createProtocolDevice(fleet.baseUrl);
  for (const each of [device, other]) await each.enrol(await fleet.claim());
});
afterAll(() => fleet?.stop());

interface Change {
  device?: string;
  nonce?: string;
  audience?: string;
  /** Who signs as the key of now, and as the one that is to follow. */
  claimBy?: PrivateKey;
  proofBy?: PrivateKey;
  /** What the second document says otherwise. */
  proof?: Record<string, string>;
  key?: PrivateKey;
}

async function rekey(change: Change = {}): Promise<{ status: number; nonce: string }> {
  const { key = next } = change;
  const fresh = await device.nonce();
  const nonce = change.nonce ?? fresh.nonce;
  const claim = { device: change.device ?? device.id, nonce, audience: change.audience ?? fresh.fleetId, publicKey: publicKeyOf(key).x };
  const body = {
    claim: await signDocument(await signerOf(change.claimBy ?? device.key), 'device-rekey', claim),
    proof: await signDocument(await signerOf(change.proofBy ?? key), 'device-rekey', { ...claim, ...change.proof }),
  };
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${fleet.baseUrl}${API_BASE}${api.deviceRekey.path}`, { method: 'POST', headers, body: JSON.stringify(body) });
  return { status: answer.status, nonce };
}

test.each<[string, () => Promise<Change>]>([
  ['the key of now does not sign', async () => ({ claimBy: await generatePrivateKey() })],
  ['the key that is to follow does not sign', async () => ({ proofBy: device.key })],
  ['the two say different things', async () => ({ proof: { nonce: (await device.nonce()).nonce } })],
  ['the second is of another device', async () => ({ proof: { device: other.id } })],
  ['another device is meant', async () => ({ device: other.id })],
  ['it is for another fleet', async () => ({ audience: 'fleet-elsewhere' })],
  ['the nonce is made up', async () => ({ nonce: 'n'.repeat(32) })],
  ['the key is that of another device', async () => ({ key: other.key })],
])('a device keeps its key where %s', async (_why, change) => {
  expect((await rekey(await change())).status).toBe(401);
  expect(await device.login()).toMatchObject({ username: device.id });
});

test('a device gets another key once, and the old one is worth nothing', async () => {
  const login = await device.login();
  const { status, nonce } = await rekey();
  expect(status).toBe(200);
  await expect(device.login()).rejects.toMatchObject({ code: 'login-refused' });
  expect(await device.login({ signedBy: next })).toMatchObject({ username: login.username });
  expect((await rekey({ nonce, claimBy: next, key: await generatePrivateKey() })).status).toBe(401);
  // With a token it comes back as itself, not as a stranger.
  await device.enrol(await fleet.claim(), { signedBy: next, claim: { publicKey: publicKeyOf(next).x } });
  const { total } = await fleet.client.call(api.listDevices, { query: {} });
  expect(total).toBe(2);
});

test('a device that was shut out gets none', async () => {
  await fleet.client.call(api.revokeDevice, { params: { id: device.id } });
  expect((await rekey({ claimBy: next, key: await generatePrivateKey() })).status).toBe(401);
});
