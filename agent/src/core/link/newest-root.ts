import { isStarlingError, parseWith, type TrustRoot } from '@starling/shared';
import { z } from 'zod';
import type { FleetAccess } from '../ports/fleet-access.ts';
import type { Trust } from './trust.ts';

/**
 * Verifies under the newest root. A key that this device does not know may be one that was made while it was connected: then it walks
 * to the newer roots, each verified by the one before, and tries once more.
 */
export type UnderNewestRoot = <Result>(verify: (root: TrustRoot) => Promise<Result>) => Promise<Result>;

export function createUnderNewestRoot(access: FleetAccess, trust: Trust): UnderNewestRoot {
  return async (verify) => {
    try {
      return await verify(trust.root());
    } catch (error) {
      if (!isStarlingError(error) || error.code !== 'unknown-key') throw error;
      const { version } = trust.root();
      // Offline, the first refusal is the answer.
      await walkRoots(access, trust).catch(() => undefined);
      if (trust.root().version === version) throw error;
      return verify(trust.root());
    }
  };
}

/** Fetches the roots after the one that this device has, and adopts them. */
export async function walkRoots(access: FleetAccess, trust: Trust): Promise<void> {
  const { roots } = parseWith(z.object({ roots: z.array(z.string()) }), await access.get(`/trust/roots?from=${trust.root().version + 1}`));
  await trust.adopt(roots);
}
