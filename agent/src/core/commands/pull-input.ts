import { StarlingError } from '@starling/shared';
import type { Puller } from '../blobs/index.ts';
import type { BlobStore } from '../ports/blob-store.ts';
import type { Keeper } from '../reconcile/index.ts';

export interface PullInputPorts {
  puller: Pick<Puller, 'blob'>;
  store: Pick<BlobStore, 'readRange'>;
  keeper: Pick<Keeper, 'guard'>;
}

/**
 * The bytes that came along with a command, as a blob.
 * @throws StarlingError `input-missing`, and whatever pulling throws
 */
export async function pullInput(
  { manifest, digest, sizeBytes }: { manifest: string; digest: string; sizeBytes: number },
  { puller, store, keeper }: PullInputPorts,
  signal: AbortSignal,
): Promise<Uint8Array> {
  // No release names it: one that ends its probation at this moment would have it collected.
  const end = await keeper.guard(new Set([manifest, digest]));
  try {
    await puller.blob(manifest, [], signal);
    const bytes = await store.readRange(digest, 0, sizeBytes);
    if (bytes === undefined) throw new StarlingError('input-missing', 'the input was not pulled', { retryable: true });
    return bytes;
  } finally {
    end();
  }
}
