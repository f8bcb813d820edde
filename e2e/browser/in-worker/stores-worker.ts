/** Calls of a test -> the stores of the agent for browsers, on the private files of a real one -> what came of them. */
import { isStarlingError, messageOf } from '@starling/shared';
import { openBlobStore } from '../../../agent/src/browser/blob-store.ts';
import { openFileStore } from '../../../agent/src/browser/file-store.ts';
import { openFolder } from '../../../agent/src/browser/private-folder.ts';
import type { BlobStore, PartialBlob } from '../../../agent/src/core/ports/blob-store.ts';
import type { FileStore } from '../../../agent/src/core/ports/file-store.ts';

declare const self: DedicatedWorkerGlobalScope;

type Target = FileStore | BlobStore | PartialBlob | typeof root;

const root = {
  openFiles: async (home: string): Promise<FileStore> => openFileStore(await openFolder(home)),
  openBlobs: async (home: string): Promise<BlobStore> => openBlobStore(await openFolder(home)),
};
const targets: Target[] = [root];

self.addEventListener('message', async ({ data: { target, method, given } }: MessageEvent) => {
  const called = targets[target] as unknown as Record<string, (...given: unknown[]) => Promise<unknown>>;
  try {
    const value = await called[method]?.(...given);
    self.postMessage({
      value: isTarget(value) ? { target: targets.push(value) - 1 } : value,
      verified: verifiedOf(isTarget(value) ? value : called),
    });
  } catch (error) {
    self.postMessage({ error: { code: isStarlingError(error) ? error.code : 'unknown', message: messageOf(error) } });
  }
});

function isTarget(value: unknown): value is Target {
  return typeof value === 'object' && value !== null && Object.values(value).some((part) => typeof part === 'function');
}

function verifiedOf(target: object): number[] {
  return 'verified' in target ? [...(target.verified as Set<number>)] : [];
}
