import { type ApiClient, api, generatePrivateKey, type PrivateKey, publicKeyOf, signRoot, type TrustRoot } from '@starling/shared';
import { beforeAll, expect, test } from 'vitest';
import { newestRoot, publishNextRoot, requireSignedBy } from './roots.ts';

let ours: PrivateKey;
let thief: PrivateKey;
let fleetKey: PrivateKey;

beforeAll(async () => {
  [ours, thief, fleetKey] = await Promise.all([generatePrivateKey(), generatePrivateKey(), generatePrivateKey()]);
});

function rootOf(keys: { root: PrivateKey[]; publisher: PrivateKey[] }, version = 1): TrustRoot {
  return {
    ...{ kind: 'root', schemaVersion: 1, critical: [], fleetId: 'fleet-a', version, issuedAtMs: 0, expiresAtMs: 1, demo: false },
    keys: { root: keys.root.map(publicKeyOf), publisher: keys.publisher.map(publicKeyOf), fleet: [publicKeyOf(fleetKey)] },
  };
}

/** A fleet whose answers are these: what the network, or whoever took the fleet, may say. */
function fleetThatAnswers(roots: string[], key = fleetKey): ApiClient & { published: string[] } {
  const published: string[] = [];
  const answers = new Map<unknown, (options: { body?: { signed: string } }) => unknown>([
    [api.listRoots, () => ({ roots })],
    [api.fleetKey, () => ({ fleetId: 'fleet-a', key: publicKeyOf(key) })],
    [
      api.publishRoot,
      ({ body }) => {
        published.push(body?.signed ?? '');
        return { version: published.length, digest: '0'.repeat(64) };
      },
    ],
  ]);
  return { published, call: async (endpoint, options) => answers.get(endpoint)?.(options as never) as never };
}

const next = (more: object) => ({ rootKey: ours, publishers: [], nowMs: 1000, lifeDays: 1, acceptFleetKey: false, ...more });

test('a root that only names our key beside that of a thief is not continued', async () => {
  const root = rootOf({ root: [ours, thief], publisher: [thief] });
  const signed = await signRoot([thief], root);
  const current = await newestRoot(fleetThatAnswers([signed]));
  expect(current?.root.version).toBe(1);
  await expect(requireSignedBy({ signed, root }, publicKeyOf(ours))).rejects.toMatchObject({ code: 'bad-signature' });
});

test('a root that our key signed is continued, one that does not name it is not', async () => {
  const root = rootOf({ root: [ours], publisher: [ours] });
  const signed = await signRoot([ours], root);
  await expect(requireSignedBy({ signed, root }, publicKeyOf(ours))).resolves.toBeUndefined();
  await expect(requireSignedBy({ signed, root }, publicKeyOf(thief))).rejects.toMatchObject({ code: 'key-not-in-root' });
});

test('a chain of roots with a forged link is refused', async () => {
  const first = await signRoot([ours], rootOf({ root: [ours], publisher: [ours] }));
  const forged = await signRoot([thief], rootOf({ root: [thief], publisher: [thief] }, 2));
  await expect(newestRoot(fleetThatAnswers([first, forged]))).rejects.toMatchObject({ code: 'bad-signature' });
});

test('a fleet that comes with another key needs a word of consent', async () => {
  const root = rootOf({ root: [ours], publisher: [ours] });
  const current = { root, signed: await signRoot([ours], root) };
  const client = fleetThatAnswers([current.signed], thief);
  await expect(publishNextRoot(client, current, next({ publishers: root.keys.publisher }))).rejects.toMatchObject({
    field: '--accept-fleet-key',
  });
  expect(client.published).toEqual([]);
  const { root: made } = await publishNextRoot(client, current, next({ publishers: root.keys.publisher, acceptFleetKey: true }));
  expect(made.keys.fleet.map(({ kid }) => kid)).toEqual([fleetKey.kid, thief.kid]);
  expect(made).toMatchObject({ version: 2, issuedAtMs: 1000, expiresAtMs: 1000 + 86_400_000 });
});
