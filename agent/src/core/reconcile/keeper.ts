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
  /** Keeps digests from it that no release names; what is left of them afterwards goes with the next collection. @returns a function that ends it */
  guard(digests: ReadonlySet<string>): Promise<() => void>;
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
  let collecting: Promise<void> = Promise.resolve();
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
    const beingInstalled = installing();
    for (const documents of [...(await releases()), ...(beingInstalled === undefined ? [] : [beingInstalled])])
      for (const digest of await digestsOf(documents, store)) digests.add(digest);
    // Last: more may have been kept while the others were read.
    for (const each of kept) for (const digest of each) digests.add(digest);
    return digests;
  };
  return {
    async manifests() {
      const known: BlobManifest[] = [];
      for (const documents of await releases()) known.push(...(await manifestsAtHand(documents, store)));
      return known;
    },
    collect() {
      collecting = collecting.catch(() => undefined).then(async () => store.keepOnly(await needed()));
      return collecting;
    },
    async guard(digests) {
      // One that has read what is needed already would not know of these.
      await collecting.catch(() => undefined);
      kept.add(digests);
      return () => void kept.delete(digests);
    },
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
