import { generatePrivateKey, type PrivateKey, publicKeyOf, rootDigest, StarlingError, signRoot, type TrustRoot } from '@starling/shared';
import { beforeAll, expect, test } from 'vitest';
import { applyEntry, emptyState, entriesOf, type Journal, type JournalEntry } from '../journal/index.ts';
import type { Clock } from '../ports/clock.ts';
import type { FleetAccess } from '../ports/fleet-access.ts';
import { createUnderNewestRoot } from './newest-root.ts';
import { createTrust } from './trust.ts';

const clock: Clock = { monotonicMs: () => 0, wallMs: () => 0, after: () => () => undefined };
let key: PrivateKey;
let signedRoots: string[];
let pinned: string;

beforeAll(async () => {
  key = await generatePrivateKey();
  const own = publicKeyOf(key);
  const rootOf = async (version: number): Promise<TrustRoot> => ({
    ...{ kind: 'root', schemaVersion: 1, critical: [], fleetId: 'fleet', version, issuedAtMs: 0, expiresAtMs: 1e12, demo: false },
    keys: { root: [own], publisher: [publicKeyOf(await generatePrivateKey())], fleet: [own] },
  });
  signedRoots = [];
  for (const version of [1, 2, 3]) signedRoots.push(await signRoot([key], await rootOf(version)));
  pinned = await rootDigest(signedRoots[0] as string);
});

/** A journal in memory that keeps its entries as the real one does after it was written anew. */
function openMemoryJournal(): Journal {
  let state = emptyState();
  return {
    get state() {
      return entriesOf(state).reduce<ReturnType<typeof emptyState>>(applyEntry, emptyState());
    },
    async record(entry: JournalEntry) {
      state = applyEntry(state, entry);
    },
  };
}

test('after two rotations and a restart the device stands at the newest root again', async () => {
  const journal = openMemoryJournal();
  const trust = await createTrust(journal, clock, pinned, signedRoots.slice(0, 1));
  await trust.adopt(signedRoots);
  expect(trust.root().version).toBe(3);
  const restarted = await createTrust(journal, clock, pinned, [signedRoots[0] as string, ...journal.state.roots]);
  expect(restarted.root().version).toBe(3);
});

test('a key that came with a newer root is learnt while the device is connected', async () => {
  const trust = await createTrust(openMemoryJournal(), clock, pinned, signedRoots.slice(0, 1));
  const asked: string[] = [];
  const access = {
    get: async (path: string) => {
      asked.push(path);
      return { roots: signedRoots.slice(1) };
    },
  } as unknown as FleetAccess;
  const verify = createUnderNewestRoot(access, trust);
  const version = await verify(async (root) => {
    if (root.version < 3) throw new StarlingError('unknown-key', 'a key of root 3');
    return root.version;
  });
  expect(version).toBe(3);
  expect(asked).toEqual(['/trust/roots?from=2']);
});

test('a key that no root names is refused, online and offline, and nothing else asks the fleet', async () => {
  const trust = await createTrust(openMemoryJournal(), clock, pinned, signedRoots.slice(0, 1));
  let asked = 0;
  const access = {
    get: async () => {
      asked += 1;
      throw new StarlingError('unreachable', 'offline');
    },
  } as unknown as FleetAccess;
  const verify = createUnderNewestRoot(access, trust);
  const refuse = (code: string) =>
    verify(async () => {
      throw new StarlingError(code, 'refused');
    });
  await expect(refuse('unknown-key')).rejects.toMatchObject({ code: 'unknown-key' });
  expect(asked).toBe(1);
  await expect(refuse('bad-signature')).rejects.toMatchObject({ code: 'bad-signature' });
  expect(asked).toBe(1);
});
