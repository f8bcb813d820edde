import {
  type Artefact,
  type Assignment,
  artefactSchema,
  DOCUMENT_BYTES_MAXIMUM,
  type ModelVersion,
  modelVersionSchema,
  type Pipeline,
  type PublicKey,
  pipelineSchema,
  type Release,
  releaseSchema,
  type SignedKind,
  StarlingError,
  type TrustRoot,
  verifyDocument,
} from '@starling/shared';
import type { z } from 'zod';

/** Everything that an assignment names, verified. */
export interface ReleaseDocuments {
  assignment: Assignment;
  release: Release;
  pipeline: Pipeline;
  models: { version: ModelVersion; artefact: Artefact; artefactDigest: string }[];
  /** Digests of all documents, for keeping them. */
  digests: string[];
}

export type FetchDocument = (digest: string) => Promise<Uint8Array>;

/**
 * Fetches and verifies the documents of an assignment in the order of trust: release, pipeline and model versions by the publisher,
 * then artefact manifests by the fleet, each bound to the source that the publisher signed.
 * @throws TrustError, or what `fetch` throws
 */
export async function fetchDocuments(assignment: Assignment, root: TrustRoot, fetch: FetchDocument): Promise<ReleaseDocuments> {
  const digests: string[] = [];
  const read = async <Schema extends z.ZodType>(
    digest: string,
    kind: SignedKind,
    keys: readonly PublicKey[],
    schema: Schema,
  ): Promise<z.infer<Schema>> => {
    digests.push(digest);
    const jws = new TextDecoder().decode(await fetch(digest));
    const document = await verifyDocument(jws, { kind, keys, schema, maximumBytes: DOCUMENT_BYTES_MAXIMUM });
    const { fleetId } = document as { fleetId?: string };
    if (fleetId !== undefined && fleetId !== root.fleetId) throw new StarlingError('wrong-fleet', `the ${kind} is of fleet ${fleetId}`);
    return document;
  };
  const { publisher, fleet } = root.keys;
  const release = await read(assignment.release, 'release', publisher, releaseSchema);
  const pipeline = await read(release.pipeline.digest, 'pipeline', publisher, pipelineSchema);
  const models: ReleaseDocuments['models'] = [];
  for (const pinned of release.models) {
    const version = await read(pinned.digest, 'model-version', publisher, modelVersionSchema);
    const artefactDigest = assignment.artefacts[pinned.name];
    if (artefactDigest === undefined)
      throw new StarlingError('missing-artefact', `the desired state names no artefact of ${pinned.name}`, { field: pinned.name });
    const artefact = await read(artefactDigest, 'artefact', fleet, artefactSchema);
    // Attack: mix and match. A taken fleet cannot pass the artefact of one model off as another's.
    if (artefact.model !== version.name || artefact.modelVersion !== version.version || artefact.sourceDigest !== version.source.digest) {
      throw new StarlingError('digest-mismatch', `the artefact is not one of ${version.name}@${version.version}`, { field: pinned.name });
    }
    if (artefact.golden !== undefined) {
      digests.push(artefact.golden.digest);
      await fetch(artefact.golden.digest);
    }
    models.push({ version, artefact, artefactDigest });
  }
  return { assignment, release, pipeline, models, digests };
}
