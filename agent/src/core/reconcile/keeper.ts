import type { Assignment, BlobManifest } from '@starling/shared';
import type { Journal } from '../journal/index.ts';
import type { BlobStore } from '../ports/blob-store.ts';
import type { ReleaseDocuments } from './documents.ts';
import { digestsOf, manifestsAtHand } from './installer.ts';

/** Knows what must stay on the disk. */
export interface Keeper {
  /** Manifests of the blobs of releases that are kept here. */
  manifests(): Promise<BlobManifest[]>;
  /** Removes what nothing needs. */
  collect(): Promise<void>;
  /** Keeps digests from the garbage collector. The set may grow; the returned function removes what nothing else needs. */
  keep(digests: ReadonlySet<string>): () => Promise<void>;
}

interface KeeperPorts {
  journal: Journal;
  store: BlobStore;
  fromDisk(assignment: Assignment): Promise<ReleaseDocuments>;
  /** Documents of the release that is being installed. */
  installing(): ReleaseDocuments | undefined;
}

export function createKeeper({ journal, store, fromDisk, installing }: KeeperPorts): Keeper {
  const kept = new Set<ReadonlySet<string>>();
  const releases = async (): Promise<ReleaseDocuments[]> => {
    const found: ReleaseDocuments[] = [];
    for (const release of [journal.state.good, journal.state.previousGood]) {
      const documents = release === null ? undefined : await fromDisk(release.assignment).catch(() => undefined);
      if (documents !== undefined) found.push(documents);
    }
    return found;
  };
  const needed = async (): Promise<Set<string>> => {
    const digests = new Set<string>();
    for (const each of kept) for (const digest of each) digests.add(digest);
    const beingInstalled = installing();
    for (const documents of [...(await releases()), ...(beingInstalled === undefined ? [] : [beingInstalled])])
      for (const digest of await digestsOf(documents, store)) digests.add(digest);
    return digests;
  };
  return {
    async manifests() {
      const known: BlobManifest[] = [];
      for (const documents of await releases()) known.push(...(await manifestsAtHand(documents, store)));
      return known;
    },
    collect: async () => store.keepOnly(await needed()),
    keep(digests) {
      kept.add(digests);
      return async () => {
        kept.delete(digests);
        const others = await needed();
        await store.remove(new Set([...digests].filter((digest) => !others.has(digest))));
      };
    },
  };
}
