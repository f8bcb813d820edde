import { createHash, X509Certificate } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StarlingError } from '@starling/shared';
import { z } from 'zod';
import type { Queryable } from '../db/index.ts';
import type { Vault } from '../shared-secrets/index.ts';
import { requireNobodyLost, type ShownAuthority } from './nobody-lost.ts';

export interface AuthorityFiles {
  certificate: string;
  key: string;
}

export interface ListedAuthority {
  state: 'now' | 'next' | 'before';
  /** SHA-256 of the DER. */
  digest: string;
  /** PEM. */
  certificate: string;
}

/**
 * From one authority to the next:
 *
 *     prepare() -> next.pem ── a root names it, follow() -> promote ── the fleet starts -> it is the authority, the other `before.pem`
 *
 * Where several processes have the same one, share() puts it into the vault with the root itself, and each takes it from there when it
 * starts. Alone, a start goes by the newest root: a fleet that ended between the two writes has lost nothing.
 *
 * Devices learn from the signed root what to believe, before the change or after it: a root needs no connection that can be trusted.
 */
export interface AuthorityRotation {
  /** Makes the authority that is to follow, or tells the one that was made. */
  prepare(): Promise<ListedAuthority>;
  list(): Promise<ListedAuthority[]>;
  /**
   * @param before what the root of now names; undefined: devices believe what their claim tokens pin
   * @param force also where a process, or the broker, shows one that devices would believe no longer
   * @throws StarlingError `missing-authority` if devices that follow a root with these would believe this fleet no longer,
   * `authority-in-use` if that holds for some of it
   */
  check(named: readonly string[], options: { before: readonly string[] | undefined; force: boolean }): Promise<void>;
  /** In the transaction that stores the root: other processes take the prepared authority when they start, if it is named. */
  share(tx: Queryable, named: readonly string[]): Promise<void>;
  /** The next start takes the prepared authority, if it is named. */
  follow(named: readonly string[]): Promise<void>;
}

export function filesOf(directory: string, name: 'authority' | 'next' | 'before' | 'server'): AuthorityFiles {
  return { certificate: join(directory, `${name}.pem`), key: join(directory, `${name}-key.pem`) };
}

export function authorityDigestOf(pem: string): string {
  return createHash('sha256').update(new X509Certificate(pem).raw).digest('hex');
}

export interface RotationPorts {
  directory: string;
  /** PEM of the authority of now. */
  now: string;
  /** Makes an authority in these files, or reads the one that lies there. */
  makeNext(files: AuthorityFiles): Promise<string>;
  /** Where other processes that have the same authority find the one that is to follow, and what they and the broker show now. */
  shared?: { vault: Vault; shown(authorities: readonly ListedAuthority[]): Promise<ShownAuthority[]> } | undefined;
}

const bothSchema = z.object({ certificate: z.string(), key: z.string() });
/** Names in the vault: both halves of the authority that is to follow, and those of the one of now. */
const [SHARED_NEXT, SHARED_NOW] = ['tls/next.json', { certificate: 'tls/authority.pem', key: 'tls/authority-key.pem' }] as const;

export function createRotation({ directory, now, makeNext, shared }: RotationPorts): AuthorityRotation {
  const next = filesOf(directory, 'next');
  const writeNext = async (text: string): Promise<void> => {
    const { certificate, key } = bothSchema.parse(JSON.parse(text));
    await writeFile(next.key, key, { mode: 0o600 });
    await writeFile(next.certificate, certificate);
  };
  /** What another process has prepared is here as well. */
  const fetchNext = async (): Promise<void> => {
    const text = await shared?.vault.read(SHARED_NEXT);
    if (text !== undefined) await writeNext(text);
  };
  const list = async (): Promise<ListedAuthority[]> => {
    await fetchNext();
    const listed: ListedAuthority[] = [{ state: 'now', digest: authorityDigestOf(now), certificate: now }];
    const add = (state: ListedAuthority['state'], certificate: string | undefined): void => {
      const digest = certificate === undefined ? undefined : authorityDigestOf(certificate);
      if (certificate === undefined || digest === undefined || listed.some((known) => known.digest === digest)) return;
      listed.push({ state, digest, certificate });
    };
    // What other processes have taken over already is what follows here: devices that come to this one hear of it too.
    add('next', await shared?.vault.read(SHARED_NOW.certificate));
    for (const state of ['next', 'before'] as const) add(state, await readIfThere(filesOf(directory, state).certificate));
    return listed;
  };
  return {
    list,
    async prepare() {
      await fetchNext();
      let certificate = await makeNext(next);
      if (shared !== undefined) {
        const both = JSON.stringify({ certificate, key: await readFile(next.key, 'utf8') });
        await writeNext((await shared.vault.offer(SHARED_NEXT, both)).text);
        certificate = await readFile(next.certificate, 'utf8');
      }
      return { state: 'next', digest: authorityDigestOf(certificate), certificate };
    },
    async check(named, { before, force }) {
      const own = await list();
      if (!own.some(({ state, digest }) => state !== 'before' && named.includes(digest)))
        throw missing('the root names neither the authority of this fleet nor the one that is to follow');
      const starting = await promoted();
      if (starting !== undefined && !named.includes(starting))
        throw missing('the authority that takes over when this fleet starts again is not among those that the root names');
      if (force) return;
      const shown = (await shared?.shown(own)) ?? [{ name: 'this fleet', authority: authorityDigestOf(now) }];
      requireNobodyLost(shown, { named, before });
    },
    async share(tx, named) {
      const text = await shared?.vault.read(SHARED_NEXT, tx);
      if (shared === undefined || text === undefined) return;
      const { certificate, key } = bothSchema.parse(JSON.parse(text));
      if (!named.includes(authorityDigestOf(certificate))) return;
      const { vault } = shared;
      await vault.replace(tx, SHARED_NOW.certificate, certificate);
      await vault.replace(tx, SHARED_NOW.key, key);
      await vault.remove(tx, SHARED_NEXT);
    },
    async follow(named) {
      // With several, every start takes what the vault has.
      if (shared !== undefined) return;
      const prepared = (await list()).find(({ state }) => state === 'next');
      if (prepared !== undefined && named.includes(prepared.digest)) await writeFile(join(directory, PROMOTE), prepared.digest);
    },
  };

  /** What the next start shows, where that is another one. */
  async function promoted(): Promise<string | undefined> {
    if (shared === undefined) return readIfThere(join(directory, PROMOTE));
    const certificate = await shared.vault.read(SHARED_NOW.certificate);
    return certificate === undefined ? undefined : authorityDigestOf(certificate);
  }
}

function missing(message: string): StarlingError {
  return new StarlingError('missing-authority', message, {
    field: 'authorities',
    hint: 'take their digests from GET /api/v1/trust/authorities',
  });
}

const PROMOTE = 'promote';

/**
 * At a start: the authority that a root has named takes the place of the other, whose key is gone with it. Goes on where it was cut off.
 * @param named by the newest root, where it alone says what follows
 */
export async function takeNextAuthority(directory: string, named: readonly string[] = []): Promise<void> {
  const [now, next, before] = [filesOf(directory, 'authority'), filesOf(directory, 'next'), filesOf(directory, 'before')];
  const certificate = await readIfThere(next.certificate);
  const isNamed = certificate !== undefined && named.includes(authorityDigestOf(certificate));
  const wanted = (await readIfThere(join(directory, PROMOTE))) ?? (isNamed ? authorityDigestOf(certificate) : undefined);
  if (wanted === undefined) return;
  if (certificate !== undefined && authorityDigestOf(certificate) === wanted) {
    const old = await readIfThere(now.certificate);
    // Cut off after the first rename, the old one is kept already.
    if (old !== undefined && authorityDigestOf(old) !== wanted) await writeFile(before.certificate, old);
    await writeFile(`${now.certificate}.new`, certificate);
    const key = await readIfThere(next.key);
    if (key !== undefined) await rename(next.key, now.key);
    await rename(`${now.certificate}.new`, now.certificate);
    await rm(next.certificate, { force: true });
  }
  await rm(join(directory, PROMOTE), { force: true });
}

async function readIfThere(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch(() => undefined);
}
