import { type Artefact, type ArtefactProvenance, type BuildRecipe, cborEncode, sha256Hex, signDocument } from '@starling/shared';
import { type BuiltResult, tensorRegionsOfFile } from '../artefacts/index.ts';
import type { BlobStore } from '../blobs/index.ts';
import type { Clock } from '../ports.ts';
import type { Keyring } from '../trust/index.ts';
import { canonicalRecipe, usesCalibration } from './build-key.ts';
import type { ArtefactRow, BuildModel } from './store.ts';

export interface PublishPorts {
  blobs: BlobStore;
  keyring: Keyring;
  clock: Clock;
}

export type NewArtefact = Omit<ArtefactRow, 'precision'>;

/** Stores what a worker built, and signs its manifest with what it was made of. */
export async function publishArtefact(
  built: BuiltResult,
  made: { model: BuildModel; recipe: BuildRecipe; key: string; tools: Record<string, string> },
  ports: PublishPorts,
): Promise<NewArtefact> {
  const { blobs, keyring, clock } = ports;
  const { model, recipe, tools } = made;
  const blob = await blobs.putFile(built.file, { regions: tensorRegionsOfFile(built.file) });
  const weights = built.weights === undefined ? undefined : await blobs.putFile(built.weights.file);
  const golden = cborEncode(built.golden);
  const { calibration, evaluation } = model.document.datasets ?? {};
  const provenance: ArtefactProvenance = {
    recipe: canonicalRecipe(recipe),
    tools,
    ...(calibration === undefined || !usesCalibration(recipe) ? {} : { calibrationDigest: calibration.digest }),
    ...(evaluation === undefined ? {} : { evaluationDigest: evaluation.digest }),
    keptInFloat: built.keptInFloat,
    builtAtMs: clock.nowMs(),
  };
  const document: Artefact = {
    ...{ kind: 'artefact', schemaVersion: 1, critical: weights === undefined ? [] : ['weights'], fleetId: keyring.fleetId },
    ...{ model: model.name, modelVersion: model.version, sourceDigest: model.document.source.digest },
    ...{ precision: built.precision, optimisation: built.optimisation, executionProviders: built.executionProviders },
    ...{ needs: built.needs, provenance, blob },
    ...(weights === undefined ? {} : { weights }),
    golden: { digest: await blobs.putChunk(golden), sizeBytes: golden.length },
  };
  return sign(document, { model, key: made.key, report: built.report }, ports);
}

/** The same build for another model version: the bytes are there, only the manifest is another. */
export function publishCopy(equal: ArtefactRow, model: BuildModel, key: string, ports: PublishPorts): Promise<NewArtefact> {
  const document = { ...equal.document, model: model.name, modelVersion: model.version };
  return sign(document, { model, key, report: equal.report }, ports);
}

async function sign(
  document: Artefact,
  { model, key, report }: { model: BuildModel; key: string; report: ArtefactRow['report'] },
  { blobs, keyring, clock }: PublishPorts,
): Promise<NewArtefact> {
  const signed = await signDocument(keyring.signer, 'artefact', document);
  const bytes = new TextEncoder().encode(signed);
  await blobs.putChunk(bytes);
  const digest = await sha256Hex(bytes);
  return { digest, modelDigest: model.digest, signed, document, report, buildKey: key, createdAtMs: clock.nowMs() };
}
