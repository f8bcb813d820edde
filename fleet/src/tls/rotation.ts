import { createHash, X509Certificate } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StarlingError } from '@starling/shared';

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
 * Devices learn from the signed root what to believe, before the change or after it: a root needs no connection that can be trusted.
 */
export interface AuthorityRotation {
  /** Makes the authority that is to follow, or tells the one that was made. */
  prepare(): Promise<ListedAuthority>;
  list(): Promise<ListedAuthority[]>;
  /** @throws StarlingError `missing-authority` if devices that follow a root with these would believe this fleet no longer */
  check(named: readonly string[]): Promise<void>;
  /** The next start takes the prepared authority, if it is named. */
  follow(named: readonly string[]): Promise<void>;
}

export function filesOf(directory: string, name: 'authority' | 'next' | 'before' | 'server'): AuthorityFiles {
  return { certificate: join(directory, `${name}.pem`), key: join(directory, `${name}-key.pem`) };
}

export function authorityDigestOf(pem: string): string {
  return createHash('sha256').update(new X509Certificate(pem).raw).digest('hex');
}

/** @param makeNext makes an authority in these files, or reads the one that lies there */
export function createRotation(directory: string, now: string, makeNext: (files: AuthorityFiles) => Promise<string>): AuthorityRotation {
  const list = async (): Promise<ListedAuthority[]> => {
    const listed: ListedAuthority[] = [{ state: 'now', digest: authorityDigestOf(now), certificate: now }];
    for (const state of ['next', 'before'] as const) {
      const certificate = await readIfThere(filesOf(directory, state).certificate);
      if (certificate !== undefined) listed.push({ state, digest: authorityDigestOf(certificate), certificate });
    }
    return listed;
  };
  return {
    list,
    async prepare() {
      const certificate = await makeNext(filesOf(directory, 'next'));
      return { state: 'next', digest: authorityDigestOf(certificate), certificate };
    },
    async check(named) {
      const own = await list();
      if (own.some(({ state, digest }) => state !== 'before' && named.includes(digest))) return;
      throw new StarlingError('missing-authority', 'the root names neither the authority of this fleet nor the one that is to follow', {
        field: 'authorities',
        hint: 'take their digests from GET /api/v1/trust/authorities',
      });
    },
    async follow(named) {
      const next = (await list()).find(({ state }) => state === 'next');
      if (next !== undefined && named.includes(next.digest)) await writeFile(join(directory, PROMOTE), next.digest);
    },
  };
}

const PROMOTE = 'promote';

/** At a start: the authority that a root has named takes the place of the other, whose key is gone with it. Goes on where it was cut off. */
export async function takeNextAuthority(directory: string): Promise<void> {
  const wanted = await readIfThere(join(directory, PROMOTE));
  if (wanted === undefined) return;
  const [now, next, before] = [filesOf(directory, 'authority'), filesOf(directory, 'next'), filesOf(directory, 'before')];
  const certificate = await readIfThere(next.certificate);
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
