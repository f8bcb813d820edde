import {
  type Artefact,
  type Assignment,
  artefactKeys,
  artefactSchema,
  DOCUMENT_BYTES_MAXIMUM,
  expandPipeline,
  HOME_PLACE,
  type ModelVersion,
  modelsAtPlaces,
  modelVersionSchema,
  type NamedArtefact,
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
  /** Further pipelines that run at the same time. */
  alongside: Pipeline[];
  models: { version: ModelVersion; artefact: Artefact; artefactDigest: string }[];
  /** Versions whose artefacts run elsewhere: of them only the assets are here, which operators may name. */
  elsewhere: ModelVersion[];
  /** Digests of all documents, for keeping them. */
  digests: string[];
}

export type FetchDocument = (digest: string) => Promise<Uint8Array>;

/** An artefact and the model version that it is one of, both verified. */
export interface VerifiedArtefact {
  version: ModelVersion;
  artefact: Artefact;
}

/**
 * Fetches and verifies the documents of an assignment in the order of trust: release, pipeline and model versions by the publisher,
 * then artefact manifests by the fleet, each bound to the source that the publisher signed.
 * @throws TrustError, or what `fetch` throws
 */
export async function fetchDocuments(assignment: Assignment, root: TrustRoot, fetch: FetchDocument): Promise<ReleaseDocuments> {
  const digests: string[] = [];
  const noted: FetchDocument = (digest) => {
    digests.push(digest);
    return fetch(digest);
  };
  const read = createReader(root, noted);
  const { publisher } = root.keys;
  const release = await read(assignment.release, 'release', publisher, releaseSchema);
  const pipeline = await read(release.pipeline.digest, 'pipeline', publisher, pipelineSchema);
  const alongside: Pipeline[] = [];
  for (const { digest } of release.alongside) alongside.push(await read(digest, 'pipeline', publisher, pipelineSchema));
  const models: ReleaseDocuments['models'] = [];
  const needed = new Set([pipeline, ...alongside].flatMap((each) => modelsHere(each, assignment)));
  const elsewhere: ModelVersion[] = [];
  for (const pinned of release.models) {
    const artefactDigest = assignment.artefacts[pinned.name];
    if (!needed.has(pinned.name)) {
      elsewhere.push(await read(pinned.digest, 'model-version', publisher, modelVersionSchema));
      continue;
    }
    if (artefactDigest === undefined)
      throw new StarlingError('missing-artefact', `the desired state names no artefact of ${pinned.name}`, { field: pinned.name });
    const verified = await fetchArtefact({ artefact: artefactDigest, modelVersion: pinned.digest }, root, noted);
    models.push({ ...verified, artefactDigest });
  }
  return { assignment, release, pipeline, alongside, models, elsewhere, digests };
}

/** Models of the nodes that this device runs: of the places that it runs for others, or of its own. */
function modelsHere(pipeline: Pipeline, { places = [HOME_PLACE] }: Assignment): string[] {
  return modelsAtPlaces(expandPipeline(pipeline), places);
}

/**
 * A model version by the publisher, then an artefact manifest by the fleet that is bound to it, then its golden set.
 * @throws TrustError, or what `fetch` throws
 */
export async function fetchArtefact(named: NamedArtefact, root: TrustRoot, fetch: FetchDocument): Promise<VerifiedArtefact> {
  const read = createReader(root, fetch);
  const version = await read(named.modelVersion, 'model-version', root.keys.publisher, modelVersionSchema);
  const artefact = await read(named.artefact, 'artefact', artefactKeys(root), artefactSchema);
  // Attack: mix and match. A taken fleet cannot pass the artefact of one model off as another's.
  if (artefact.model !== version.name || artefact.modelVersion !== version.version || artefact.sourceDigest !== version.source.digest) {
    throw new StarlingError('digest-mismatch', `the artefact is not one of ${version.name}@${version.version}`, { field: version.name });
  }
  if (artefact.golden !== undefined) await fetch(artefact.golden.digest);
  return { version, artefact };
}

type ReadDocument = <Schema extends z.ZodType>(
  digest: string,
  kind: SignedKind,
  keys: readonly PublicKey[],
  schema: Schema,
) => Promise<z.infer<Schema>>;

function createReader(root: TrustRoot, fetch: FetchDocument): ReadDocument {
  return async (digest, kind, keys, schema) => {
    const jws = new TextDecoder().decode(await fetch(digest));
    const document = await verifyDocument(jws, { kind, keys, schema, maximumBytes: DOCUMENT_BYTES_MAXIMUM });
    const { fleetId } = document as { fleetId?: string };
    if (fleetId !== undefined && fleetId !== root.fleetId) throw new StarlingError('wrong-fleet', `the ${kind} is of fleet ${fleetId}`);
    return document;
  };
}
