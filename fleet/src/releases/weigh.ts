import { artefactFiles, type Release } from '@starling/shared';
import type { BlobStore } from '../blobs/index.ts';
import type { Models } from '../models/index.ts';

/** What a device fetches for a release: digest of each chunk -> its bytes before compression. */
export type Weight = ReadonlyMap<string, number>;

/**
 * Chunks of a release with one artefact for each of its models; artefacts that are not there any more weigh nothing.
 * @param artefacts model -> digest of the artefact manifest
 */
export async function weigh(
  release: Release,
  artefacts: Readonly<Record<string, string>>,
  { blobs, models }: { blobs: BlobStore; models: Pick<Models, 'artefacts' | 'find'> },
): Promise<Weight> {
  const weight = new Map<string, number>();
  const add = async (manifest: string): Promise<void> => {
    const { chunks } = await blobs.readManifest(manifest);
    for (const { digest, sizeBytes } of chunks) weight.set(digest, sizeBytes);
  };
  for (const { name, version, digest } of release.models) {
    const model = await models.find(name, version);
    for (const { manifest } of model.document.assets) await add(manifest);
    const artefact = (await models.artefacts(digest)).find((each) => each.digest === artefacts[name]);
    if (artefact === undefined) continue;
    const { golden } = artefact.document;
    if (golden !== undefined) weight.set(golden.digest, golden.sizeBytes);
    for (const { manifest } of artefactFiles(artefact.document)) await add(manifest);
  }
  return weight;
}

/** Bytes of what one has and the other lacks. */
export function missingBytes(wanted: Weight, there: Weight): number {
  let bytes = 0;
  for (const [digest, sizeBytes] of wanted) if (!there.has(digest)) bytes += sizeBytes;
  return bytes;
}
