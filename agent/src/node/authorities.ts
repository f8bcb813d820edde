import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { api, isStarlingError, jsonDecode, jsonEncode, messageOf, parseWith, StarlingError } from '@starling/shared';
import { z } from 'zod';
import type { Enrolment, Trust } from '../core/link/index.ts';
import type { FleetAccess } from '../core/ports/fleet-access.ts';
import type { Log } from '../core/ports/log.ts';
import { writeDurably } from './file-store.ts';
import { authorityDigestOf, createFleetAccess, createUntrustedAccess } from './fleet-access.ts';
import type { Authority } from './pinned-tls.ts';

const FILE = 'authorities.json';
const fileSchema = z.object({ certificates: z.array(z.string()).min(1) });

/** The authorities that this device believes: those that it has followed to, else the one that its claim token has pinned. */
export async function readAuthorities(directory: string, { authority }: Enrolment): Promise<string[] | undefined> {
  if (authority === undefined) return undefined;
  const bytes = await readFile(join(directory, FILE)).catch(() => undefined);
  return bytes === undefined ? [authority] : jsonDecode(bytes, fileSchema).certificates;
}

export interface FollowingAccess {
  authority: Authority | undefined;
  access: FleetAccess;
}

/**
 * HTTP to a fleet whose authority may be replaced. The root names the authorities by digest, so it needs no connection that can be
 * trusted: a device that was away during the change, and is shown a certificate of an authority that it does not know, fetches newer
 * roots over that very connection, verifies them by the root that it has, and then believes what they name. Whoever stands between can
 * withhold roots, and forge none.
 */
export async function openFollowingAccess(
  directory: string,
  enrolment: Enrolment,
  { trust, log }: { trust: Trust; log: Log },
): Promise<FollowingAccess> {
  const { url } = enrolment;
  let held = await readAuthorities(directory, enrolment);
  if (held === undefined) return { authority: undefined, access: createFleetAccess(url, undefined) };
  const authority: Authority = { certificates: () => held ?? [], earliestNowMs: () => trust.nowMs() };
  const pinned = createFleetAccess(url, authority);
  const untrusted = createUntrustedAccess(url);
  let followed = 0;

  const follow = async (): Promise<void> => {
    const { version, authorities: named } = trust.root();
    if (version === followed) return;
    if (named !== undefined) {
      const known = (held ?? []).filter((certificate) => named.includes(authorityDigestOf(certificate)));
      const offered = known.length === named.length ? [] : await offeredBy(untrusted);
      const next = [
        ...known,
        ...offered.filter((certificate) => named.includes(authorityDigestOf(certificate)) && !known.includes(certificate)),
      ];
      if (next.length === 0) throw new StarlingError('missing-authority', 'the fleet offers none of the authorities that its root names');
      if (next.join() !== held?.join()) {
        await writeDurably(directory, FILE, jsonEncode({ certificates: next }));
        held = next;
        log.info('the authorities of the fleet have changed', { root: version, authorities: next.length });
      }
    }
    followed = version;
  };
  /** @returns whether something else is believed now */
  const recover = async (): Promise<boolean> => {
    const before = held?.join();
    const from = trust.root().version + 1;
    const { roots } = parseWith(api.listRoots.response, await untrusted.get(`/trust/roots?from=${from}`));
    await trust.adopt(roots);
    // Another process of the fleet may have offered less of what the same root names.
    followed = 0;
    await follow();
    return held?.join() !== before;
  };
  const call = async (ask: () => Promise<unknown>): Promise<unknown> => {
    await follow().catch((error: unknown) => log.warn('the authorities of the root could not be followed', { reason: messageOf(error) }));
    try {
      return await ask();
    } catch (error) {
      if (!isCertificateRefused(error) || !(await recover().catch(() => false))) throw error;
      return ask();
    }
  };
  return {
    authority,
    access: { get: (path) => call(() => pinned.get(path)), post: (path, body) => call(() => pinned.post(path, body)) },
  };
}

async function offeredBy(untrusted: FleetAccess): Promise<string[]> {
  const { authorities } = parseWith(api.listAuthorities.response, await untrusted.get('/trust/authorities'));
  return authorities.map(({ certificate }) => certificate);
}

function isCertificateRefused(error: unknown): boolean {
  return isStarlingError(error) && (error.code === 'certificate-refused' || isCertificateRefused(error.cause));
}
