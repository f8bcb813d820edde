import {
  type ApiClient,
  api,
  type PrivateKey,
  type PublicKey,
  publicKeyOf,
  rootDigest,
  signRoot,
  type TrustRoot,
  verifyNextRoot,
  verifyPinnedRoot,
} from '@starling/shared';
import { cliError } from './errors.ts';
import { demoKeyHint } from './key-files.ts';

export interface SignedRoot {
  signed: string;
  root: TrustRoot;
}

/** The newest root of the fleet, each one verified against the one before; undefined if none was published yet. */
export async function newestRoot(client: ApiClient): Promise<SignedRoot | undefined> {
  const { roots } = await client.call(api.listRoots, { query: { from: 1 } });
  let newest: SignedRoot | undefined;
  for (const signed of roots) {
    const root =
      newest === undefined ? await verifyPinnedRoot(signed, await rootDigest(signed)) : await verifyNextRoot(signed, newest.root);
    newest = { signed, root };
  }
  return newest;
}

/**
 * Attack: a taken fleet answers with a root that names a publisher key of the thief, so that the operator signs a next one with it. What
 * the operator continues must bear the signature of the very key in the operator's hand.
 */
export async function requireSignedBy({ signed, root }: SignedRoot, key: PublicKey): Promise<void> {
  if (!root.keys.root.some(({ kid }) => kid === key.kid)) {
    throw cliError('key-not-in-root', `root ${root.version} of the fleet does not name the key ${key.kid}`, {
      field: '--root-key',
      hint: 'give the file of the root key that signed it; "starling key show" lists its keys',
    });
  }
  await verifyNextRoot(signed, { ...root, version: root.version - 1, keys: { ...root.keys, root: [publicKeyOfPublic(key)] } });
}

function publicKeyOfPublic({ kty, crv, x, kid }: PublicKey): PublicKey {
  return { kty, crv, x, kid };
}

export interface NextRoot {
  /** Signs the new root; the first one's own key, or the new one at a rotation. */
  rootKey: PrivateKey;
  /** The key that signed the root before, at a rotation. */
  oldRootKey?: PrivateKey;
  publishers: readonly PublicKey[];
  nowMs: number;
  lifeDays: number;
  /** The fleet has another key than the root names: its data directory was replaced, or somebody else answers. */
  acceptFleetKey: boolean;
  /** The keys of the fleet from now on; those of `current` if not given. */
  fleet?: { keys: readonly PublicKey[]; retired: readonly PublicKey[] };
  /** Digests of its certificate authorities from now on; those of `current` if not given. */
  authorities?: readonly string[];
  /** Also where a process still shows an authority that is dropped. */
  force?: boolean;
}

const DAY_MS = 86_400_000;

/** Signs the root that follows `current`, or the first one, and publishes it. */
export async function publishNextRoot(
  client: ApiClient,
  current: SignedRoot | undefined,
  { rootKey, oldRootKey, publishers, nowMs, lifeDays, acceptFleetKey, fleet, ...given }: NextRoot,
): Promise<{ version: number; digest: string; root: TrustRoot }> {
  const { fleetId, key: fleetKey } = await client.call(api.fleetKey, {});
  const known = current?.root.keys.fleet ?? [fleetKey];
  const retired = fleet?.retired ?? current?.root.keys.retired ?? [];
  const authorities = given.authorities ?? current?.root.authorities;
  if (!acceptFleetKey && !known.some(({ kid }) => kid === fleetKey.kid)) {
    throw cliError('key-not-in-root', `the fleet now has the key ${fleetKey.kid}, which its root does not name`, {
      field: '--accept-fleet-key',
      hint: 'find out why its key changed; if that is right, give --accept-fleet-key',
    });
  }
  const root: TrustRoot = {
    kind: 'root',
    schemaVersion: 1,
    critical: [],
    fleetId,
    version: (current?.root.version ?? 0) + 1,
    issuedAtMs: nowMs,
    expiresAtMs: nowMs + lifeDays * DAY_MS,
    demo: oldRootKey === undefined && (current?.root.demo ?? false),
    keys: {
      root: [publicKeyOf(rootKey)],
      publisher: uniqueKeys(publishers),
      fleet: uniqueKeys(fleet?.keys ?? [...known, fleetKey]),
      ...(retired.length === 0 ? {} : { retired: uniqueKeys(retired) }),
    },
    ...(authorities === undefined ? {} : { authorities: [...authorities] }),
  };
  const signed = await signRoot(oldRootKey === undefined ? [rootKey] : [oldRootKey, rootKey], root);
  return { ...(await client.call(api.publishRoot, { body: { signed, force: given.force ?? false } })), root };
}

function uniqueKeys(keys: readonly PublicKey[]): PublicKey[] {
  return [...new Map(keys.map((key) => [key.kid, publicKeyOfPublic(key)])).values()];
}

/** Says before anything is uploaded that the fleet would refuse the signature. */
export async function requirePublisher(client: ApiClient, key: PublicKey): Promise<void> {
  const current = await newestRoot(client);
  if (current === undefined) {
    throw cliError('key-not-in-root', 'the fleet has no root document yet, so nobody may publish', {
      field: '--publisher-key',
      hint: 'run "starling key create --root"',
    });
  }
  if (!current.root.keys.publisher.some(({ kid }) => kid === key.kid)) {
    const demo = current.root.demo ? demoKeyHint('--publisher-key') : '';
    throw cliError('key-not-in-root', `the root of the fleet does not name the publisher key ${key.kid}`, {
      field: '--publisher-key',
      hint: `give the file of one that it names ("starling key show"), or add this one with "starling key publish --publisher-key FILE"${demo}`,
    });
  }
}
