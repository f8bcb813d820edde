import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Actor,
  FIRST_EPOCH,
  generatePrivateKey,
  jsonDecode,
  type PrivateKey,
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
import type { Vault } from '../shared-secrets/index.ts';
import type { AuthorityRotation } from '../tls/index.ts';
import { insertRoot, readEpoch, readFleetId, rootsFrom } from './store.ts';

/** Holds the fleet key and nothing else that is secret: root and publisher keys live with the operator. */
export interface Keyring {
  fleetId: string;
  readonly fleetKey: PublicKey;
  readonly signer: Signer;
  /** @throws StarlingError `no-root` until an operator has published the first root */
  root(): TrustRoot;
  /** The newest signed root as it was published. */
  signedRoot(): { signed: string; digest: string; version: number };
  hasRoot(): boolean;
  roots(from: number): Promise<string[]>;
  /** Of its desired states; the proof of one that the fleet was set back to. */
  epoch: { epoch: number; proof: string | undefined };
  /** Takes what another process of this fleet has published. @returns whether another key signs from now on */
  refresh(): Promise<boolean>;
  /** Makes the key that is to follow, or tells the one that was made before. It signs nothing until a root names it. */
  prepareKey(actor: Actor): Promise<PublicKey>;
  /**
   * Adopts the first root, or the next one after verifying that both it and the current one signed it. Where it names the key that was
   * prepared, that one signs from now on, and the one before is deleted.
   * @param options `force`: also where a process would be believed by no device any more
   */
  publishRoot(signed: string, actor: Actor, options?: { force: boolean }): Promise<{ version: number; digest: string }>;
}

export interface KeyringPorts {
  db: Database;
  clock: Clock;
  ids: Ids;
  directory: string;
  /** Where other processes that sign with the same key find it, and the one that is to follow. */
  vault?: Vault | undefined;
  /** Certificate authorities that a root names. */
  authorities?: Pick<AuthorityRotation, 'check' | 'share' | 'follow'> | undefined;
}

/** Names in the vault: of the key that signs, and of the one that is to follow. */
const [SHARED_KEY, SHARED_NEXT] = ['keys/fleet-key.json', 'keys/fleet-key-next.json'];

export async function createKeyring(options: KeyringPorts): Promise<Keyring> {
  const { db, clock, ids, authorities, vault } = options;
  const files = { now: join(options.directory, 'fleet-key.json'), next: join(options.directory, 'fleet-key-next.json') };
  const fleetId = await readFleetId(db, `fleet-${ids.next().slice(0, 12)}`, clock.nowMs());
  let current = (await verifiedRoots(db)).at(-1);
  // A fleet that ended between the root and the change of its key goes on with the key that the root names.
  if (current !== undefined) await takeNamedKey(files, current.root);
  let key = await readOrMakeKey(files.now);
  let signer = await signerOf(key);
  const require = (): NonNullable<typeof current> => {
    if (current === undefined) {
      throw new StarlingError('no-root', 'this fleet has no root document yet', {
        hint: 'run "starling key create --root"',
        retryable: true,
      });
    }
    return current;
  };
  const takeKey = async (): Promise<void> => {
    key = await readOrMakeKey(files.now);
    signer = await signerOf(key);
  };
  /** Puts what other processes share into a file of this one. @returns whether there was anything */
  const fromVault = async (name: string, file: string): Promise<boolean> => {
    const text = await vault?.read(name);
    if (text !== undefined) await writeKey(file, text);
    return text !== undefined;
  };
  const { epoch, proof } = (await readEpoch(db)) ?? { epoch: FIRST_EPOCH, proof: undefined };
  return {
    fleetId,
    epoch: { epoch, proof },
    get fleetKey() {
      return publicKeyOf(key);
    },
    get signer() {
      return signer;
    },
    root: () => require().root,
    signedRoot: () => ({ signed: require().signed, digest: require().digest, version: require().root.version }),
    hasRoot: () => current !== undefined,
    roots: async (from) => (await rootsFrom(db, from)).map((stored) => stored.signed),
    async refresh() {
      for (const { signed, digest } of await rootsFrom(db, (current?.root.version ?? 0) + 1)) {
        const root = current === undefined ? await verifyPinnedRoot(signed, digest) : await verifyNextRoot(signed, current.root);
        current = { root, signed, digest };
      }
      const isNamed = current === undefined || names(current.root, key);
      if (isNamed || !(await fromVault(SHARED_KEY, files.now))) return false;
      const before = key.kid;
      await takeKey();
      await rm(files.next, { force: true });
      return key.kid !== before;
    },
    async prepareKey(actor) {
      let isNew = !(await fromVault(SHARED_NEXT, files.next)) && (await readKey(files.next)) === undefined;
      let next = publicKeyOf(await readOrMakeKey(files.next));
      if (vault !== undefined) {
        const { text, isOurs } = await vault.offer(SHARED_NEXT, JSON.stringify(await readKey(files.next)));
        isNew = isOurs;
        await writeKey(files.next, text);
        next = publicKeyOf(await readOrMakeKey(files.next));
      }
      if (isNew) await appendAudit(db, clock, actor, 'fleet-key.prepare', next.kid);
      return next;
    },
    async publishRoot(signed, actor, { force } = { force: false }) {
      const digest = await rootDigest(signed);
      const root = current === undefined ? await verifyPinnedRoot(signed, digest) : await verifyNextRoot(signed, current.root);
      await fromVault(SHARED_NEXT, files.next);
      const next = await readKey(files.next);
      checkRoot(root, fleetId, [key.kid, next?.kid]);
      if (root.authorities !== undefined) await authorities?.check(root.authorities, { before: current?.root.authorities, force });
      await db.transaction(async (tx) => {
        await insertRoot(tx, { version: root.version, digest, signed, createdAtMs: clock.nowMs() });
        await appendAudit(tx, clock, actor, 'root.publish', `root ${root.version}`, { digest, ...(force ? { force } : {}) });
        if (root.authorities !== undefined) await authorities?.share(tx, root.authorities);
        if (vault === undefined || next === undefined || !names(root, next)) return;
        // With the root itself: whoever sees that one finds the key that it names.
        await vault.replace(tx, SHARED_KEY, JSON.stringify(next));
        await vault.remove(tx, SHARED_NEXT);
      });
      current = { root, signed, digest };
      if (await takeNamedKey(files, root)) await takeKey();
      if (root.authorities !== undefined) await authorities?.follow(root.authorities);
      return { version: root.version, digest };
    },
  };
}

function checkRoot(root: TrustRoot, fleetId: string, fleetKids: readonly (string | undefined)[]): void {
  trustRootSchema.parse(root);
  if (root.fleetId !== fleetId) {
    throw new StarlingError('wrong-fleet', `the root is for fleet ${root.fleetId}, this is ${fleetId}`, { field: 'fleetId' });
  }
  if (!root.keys.fleet.some(({ kid }) => fleetKids.includes(kid))) {
    throw new StarlingError('missing-fleet-key', 'the root does not name the key of this fleet', {
      field: 'keys.fleet',
      hint: 'take the key from GET /api/v1/trust/fleet-key',
    });
  }
}

function names({ keys }: TrustRoot, { kid }: { kid: string }): boolean {
  return keys.fleet.some((each) => each.kid === kid);
}

/** Puts the prepared key in the place of the other, if the root names it. @returns whether it did */
async function takeNamedKey(files: { now: string; next: string }, root: TrustRoot): Promise<boolean> {
  const next = await readKey(files.next);
  if (next === undefined || !names(root, next)) return false;
  await rename(files.next, files.now);
  return true;
}

async function readKey(file: string): Promise<PrivateKey | undefined> {
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  return bytes === undefined ? undefined : jsonDecode(bytes, privateKeySchema);
}

async function readOrMakeKey(file: string): Promise<PrivateKey> {
  const known = await readKey(file);
  if (known !== undefined) return known;
  const key = await generatePrivateKey();
  await writeKey(file, JSON.stringify(key));
  return key;
}

async function writeKey(file: string, text: string): Promise<void> {
  await mkdir(join(file, '..'), { recursive: true, mode: 0o700 });
  await writeFile(`${file}.new`, text, { mode: 0o600 });
  await chmod(`${file}.new`, 0o600);
  await rename(`${file}.new`, file);
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
