import { StarlingError, type TrustRoot, trustRootSchema, verifyNextRoot, verifyPinnedRoot } from '@starling/shared';
import type { Journal } from '../journal/index.ts';
import type { Clock } from '../ports/clock.ts';

/** The newest root that this device has walked to, and the time that it may trust. */
export interface Trust {
  root(): TrustRoot;
  /** Walks to newer roots, each verified by the one before. Those it knows already are passed over. */
  adopt(signedRoots: readonly string[]): Promise<void>;
  /** The last signed time plus what has gone by since; undefined before the first login. Never goes back. */
  nowMs(): number | undefined;
  setTime(signedMs: number): Promise<void>;
}

/** Time is recorded at most this often: it only has to be late enough to refuse what is long expired. */
const RECORD_INTERVAL_MS = 3_600_000;

export async function createTrust(journal: Journal, clock: Clock, pinnedDigest: string, firstRoots: readonly string[]): Promise<Trust> {
  let root: TrustRoot | undefined;
  let anchor = journal.state.trustedMs === null ? undefined : { trustedMs: journal.state.trustedMs, monotonicMs: clock.monotonicMs() };

  const adopt = async (signedRoots: readonly string[]): Promise<void> => {
    for (const signed of signedRoots) {
      if (root === undefined) {
        root = await verifyPinnedRoot(signed, pinnedDigest);
        continue;
      }
      if (versionOf(signed) <= root.version) continue;
      root = await verifyNextRoot(signed, root);
      await journal.record({ type: 'root', signed });
    }
  };
  await adopt(firstRoots);
  return {
    root() {
      if (root === undefined) throw new StarlingError('no-root', 'this device has no root document', { hint: 'enrol it again' });
      return root;
    },
    adopt,
    nowMs: () => (anchor === undefined ? undefined : anchor.trustedMs + clock.monotonicMs() - anchor.monotonicMs),
    async setTime(signedMs) {
      const nowMs = anchor === undefined ? 0 : anchor.trustedMs + clock.monotonicMs() - anchor.monotonicMs;
      anchor = { trustedMs: Math.max(nowMs, signedMs), monotonicMs: clock.monotonicMs() };
      if (anchor.trustedMs - (journal.state.trustedMs ?? 0) > RECORD_INTERVAL_MS)
        await journal.record({ type: 'time', trustedMs: anchor.trustedMs });
    },
  };
}

/** Read to skip what is known; everything newer is verified before it counts. */
function versionOf(signed: string): number {
  try {
    const { payload } = JSON.parse(signed) as { payload: string };
    return trustRootSchema.parse(JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/')))).version;
  } catch {
    return 0;
  }
}
