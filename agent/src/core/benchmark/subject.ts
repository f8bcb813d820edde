import { artefactFiles, type NamedArtefact, StarlingError, type WeightsFile } from '@starling/shared';
import type { Puller } from '../blobs/index.ts';
import type { UnderNewestRoot } from '../link/index.ts';
import type { BlobStore } from '../ports/blob-store.ts';
import type { MeasuredModel } from '../ports/measure-host.ts';
import { fetchArtefact, type Keeper, requireFreeDisk, type VerifiedArtefact } from '../reconcile/index.ts';

/** An artefact that is to be measured, on disk and verified. */
export interface Subject {
  sizeBytes: number;
  executionProviders: readonly string[];
  model: MeasuredModel;
}

export interface SubjectPorts {
  store: BlobStore;
  puller: Puller;
  underNewestRoot: UnderNewestRoot;
  keeper: Pick<Keeper, 'keep' | 'manifests'>;
}

/**
 * Brings an artefact to this device that need not run here: verified in the order of trust, disk checked before its first byte is asked for.
 * @throws StarlingError `disk-full`, `digest-mismatch`, `golden-missing`, `chunk-missing`, TrustError
 */
export async function withSubject<Value>(
  named: NamedArtefact,
  { store, puller, underNewestRoot, keeper }: SubjectPorts,
  signal: AbortSignal,
  work: (subject: Subject) => Promise<Value>,
): Promise<Value> {
  const kept = new Set<string>([named.artefact, named.modelVersion]);
  const release = keeper.keep(kept);
  try {
    const fetch = (digest: string): Promise<Uint8Array> => {
      kept.add(digest);
      return puller.document(digest, signal);
    };
    const verified = await underNewestRoot((root) => fetchArtefact(named, root, fetch));
    for (const blob of artefactFiles(verified.artefact)) {
      kept.add(blob.digest).add(blob.manifest);
      await bringFile(blob, named.artefact, { store, puller, keeper }, signal);
    }
    return await work(await subjectOf(named.artefact, verified, store));
  } finally {
    await release();
  }
}

async function bringFile(
  { digest, sizeBytes, manifest: wanted }: WeightsFile,
  artefact: string,
  { store, puller, keeper }: Pick<SubjectPorts, 'store' | 'puller' | 'keeper'>,
  signal: AbortSignal,
): Promise<void> {
  await requireFreeDisk((await store.has(digest)) ? 0 : sizeBytes, store);
  const manifest = await puller.blob(wanted, await keeper.manifests(), signal);
  if (manifest.digest !== digest || manifest.sizeBytes !== sizeBytes)
    throw new StarlingError('digest-mismatch', 'the manifest is of another blob', { field: artefact });
  if (!(await store.verify(digest)))
    throw new StarlingError('digest-mismatch', 'the artefact on this disk is not what it was', { field: artefact, retryable: true });
}

async function subjectOf(digest: string, { artefact, version }: VerifiedArtefact, store: BlobStore): Promise<Subject> {
  const golden = artefact.golden === undefined ? undefined : await store.getDocument(artefact.golden.digest);
  if (golden === undefined) {
    throw new StarlingError('golden-missing', `the artefact of ${version.name} has no golden set to run`, {
      field: digest,
      hint: 'build it again',
    });
  }
  const { inputs, outputs } = version;
  return {
    sizeBytes: artefactFiles(artefact).reduce((sum, file) => sum + file.sizeBytes, 0),
    executionProviders: artefact.executionProviders,
    model: {
      name: version.name,
      artefact: digest,
      location: store.locate(artefact.blob.digest),
      ...(artefact.weights === undefined ? {} : { weights: store.locate(artefact.weights.digest) }),
      golden,
      ports: { inputs, outputs },
    },
  };
}
