import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Actor,
  FIRST_EPOCH,
  generatePrivateKey,
  jsonDecode,
  type PublicKey,
  privateKeySchema,
  publicKeyOf,
  rootDigest,
  type Signer,
  StarlingError,
  signerOf,
  type TrustRoot,
  trustRootSchema,
  verifyNextRoot,
  verifyPinnedRoot,
} from '@starling/shared';
import { appendAudit } from '../audit/index.ts';
import type { Database, Queryable } from '../db/index.ts';
import type { Clock, Ids } from '../ports.ts';
import { insertRoot, readEpoch, readFleetId, rootsFrom } from './store.ts';

/** Holds the fleet key and nothing else that is secret: root and publisher keys live with the operator. */
export interface Keyring {
  fleetId: string;
  fleetKey: PublicKey;
  signer: Signer;
  /** @throws StarlingError `no-root` until an operator has published the first root */
  root(): TrustRoot;
  /** The newest signed root as it was published. */
  signedRoot(): { signed: string; digest: string; version: number };
  hasRoot(): boolean;
  roots(from: number): Promise<string[]>;
  /** Of its desired states; the proof of one that the fleet was set back to. */
  epoch: { epoch: number; proof: string | undefined };
  /** Takes what another process of this fleet has published. */
  refresh(): Promise<void>;
  /** Adopts the first root, or the next one after verifying that both it and the current one signed it. */
  publishRoot(signed: string, actor: Actor): Promise<{ version: number; digest: string }>;
}

export async function createKeyring(options: { db: Database; clock: Clock; ids: Ids; directory: string }): Promise<Keyring> {
  const { db, clock, ids } = options;
  const key = await readOrMakeKey(join(options.directory, 'fleet-key.json'));
  const fleetId = await readFleetId(db, `fleet-${ids.next().slice(0, 12)}`, clock.nowMs());
  const signer = await signerOf(key);
  let current = (await verifiedRoots(db)).at(-1);
  const require = (): NonNullable<typeof current> => {
    if (current === undefined) {
      throw new StarlingError('no-root', 'this fleet has no root document yet', {
        hint: 'run "starling key create --root"',
        retryable: true,
      });
    }
    return current;
  };
  const { epoch, proof } = (await readEpoch(db)) ?? { epoch: FIRST_EPOCH, proof: undefined };
  return {
    fleetId,
    epoch: { epoch, proof },
    fleetKey: publicKeyOf(key),
    signer,
    root: () => require().root,
    signedRoot: () => ({ signed: require().signed, digest: require().digest, version: require().root.version }),
    hasRoot: () => current !== undefined,
    roots: async (from) => (await rootsFrom(db, from)).map((stored) => stored.signed),
    async refresh() {
      for (const { signed, digest } of await rootsFrom(db, (current?.root.version ?? 0) + 1)) {
        const root = current === undefined ? await verifyPinnedRoot(signed, digest) : await verifyNextRoot(signed, current.root);
        current = { root, signed, digest };
      }
    },
    async publishRoot(signed, actor) {
      const digest = await rootDigest(signed);
      const root = current === undefined ? await verifyPinnedRoot(signed, digest) : await verifyNextRoot(signed, current.root);
      checkRoot(root, fleetId, key.kid);
      await db.transaction(async (tx) => {
        await insertRoot(tx, { version: root.version, digest, signed, createdAtMs: clock.nowMs() });
        await appendAudit(tx, clock, actor, 'root.publish', `root ${root.version}`, { digest });
      });
      current = { root, signed, digest };
      return { version: root.version, digest };
    },
  };
}

function checkRoot(root: TrustRoot, fleetId: string, fleetKid: string): void {
  trustRootSchema.parse(root);
  if (root.fleetId !== fleetId) {
    throw new StarlingError('wrong-fleet', `the root is for fleet ${root.fleetId}, this is ${fleetId}`, { field: 'fleetId' });
  }
  if (!root.keys.fleet.some((key) => key.kid === fleetKid)) {
    throw new StarlingError('missing-fleet-key', 'the root does not name the key of this fleet', {
      field: 'keys.fleet',
      hint: 'take the key from GET /api/v1/trust/fleet-key',
    });
  }
}

async function readOrMakeKey(file: string) {
  try {
    return jsonDecode(await readFile(file), privateKeySchema);
  } catch (error) {
    if (error instanceof StarlingError) throw error;
  }
  const key = await generatePrivateKey();
  await mkdir(join(file, '..'), { recursive: true, mode: 0o700 });
  await writeFile(`${file}.new`, JSON.stringify(key), { mode: 0o600 });
  await chmod(`${file}.new`, 0o600);
  await rename(`${file}.new`, file);
  return key;
}

/** The newest root of a database, verified from its first one on. */
export async function newestRoot(db: Queryable): Promise<TrustRoot | undefined> {
  return (await verifiedRoots(db)).at(-1)?.root;
}

async function verifiedRoots(db: Queryable): Promise<{ root: TrustRoot; signed: string; digest: string }[]> {
  const verified: { root: TrustRoot; signed: string; digest: string }[] = [];
  for (const { signed, digest } of await rootsFrom(db, 1)) {
    const before = verified.at(-1);
    const root = before === undefined ? await verifyPinnedRoot(signed, digest) : await verifyNextRoot(signed, before.root);
    verified.push({ root, signed, digest });
  }
  return verified;
}
