import {
  type Actor,
  type ArtefactView,
  DOCUMENT_BYTES_MAXIMUM,
  type ModelAsset,
  type ModelCard,
  type ModelDatasets,
  type ModelVersion,
  type ModelView,
  modelVersionSchema,
  type PageQuery,
  StarlingError,
  sha256Hex,
  verifyDocument,
} from '@starling/shared';
import type { Builder } from '../artefacts/index.ts';
import { appendAudit } from '../audit/index.ts';
import type { BlobStore } from '../blobs/index.ts';
import type { Builds } from '../builds/index.ts';
import type { Database } from '../db/index.ts';
import type { Clock, EventBus } from '../ports.ts';
import type { Keyring } from '../trust/index.ts';
import { checkExampleRanges, checkExampleShapes, checkModelDatasets, inspectUpload, requireBlobs, requireUpload } from './check-version.ts';
import { allModelDocuments, findModel, insertModel, listModels, type ModelRow, modelByDigest, newestModel } from './store.ts';

export interface ModelPorts {
  db: Database;
  blobs: BlobStore;
  builder: Builder;
  builds: Builds;
  keyring: Keyring;
  clock: Clock;
  events: EventBus;
  directory: string;
}

export interface ModelDraft {
  name: string;
  version: string;
  /** Manifest digest of the uploaded ONNX file. */
  upload: string;
  /** Manifest digest of its weights, where they are apart. */
  weights?: string | undefined;
  card: ModelCard;
  assets: ModelAsset[];
  datasets?: ModelDatasets | undefined;
}

/** The catalogue of model versions. */
export interface Models {
  draft(draft: ModelDraft): Promise<ModelVersion>;
  register(signed: string, actor: Actor): Promise<ModelView>;
  list(page: PageQuery & { search?: string | undefined }): Promise<{ items: ModelView[]; total: number }>;
  show(digest: string): Promise<ModelView>;
  /** As its publisher has signed it. @throws StarlingError `not-found` */
  signed(digest: string): Promise<Pick<ModelRow, 'signed' | 'document'>>;
  /** A pinned version, or the newest. @throws StarlingError `unknown-model` */
  find(name: string, version?: string): Promise<ModelRow>;
  artefacts(modelDigest: string): Promise<ArtefactView[]>;
  artefact(digest: string): Promise<ArtefactView | undefined>;
  /** Digests of all chunks that model versions are made of, for the garbage collector. */
  references(): Promise<Set<string>>;
}

export function createModels(ports: ModelPorts): Models {
  const { db, builds, keyring } = ports;
  const viewOf = async ({ digest, name, version, createdAtMs, createdBy, document }: ModelRow): Promise<ModelView> => ({
    ...{ digest, name, version, createdAtMs, createdBy, document },
    ...(await builds.ofModel({ digest, name, version })),
  });
  const rowOf = async (digest: string): Promise<ModelRow> => {
    const row = await modelByDigest(db, digest);
    if (row === undefined) throw new StarlingError('not-found', `there is no model version ${digest}`, { field: 'digest' });
    return row;
  };
  const show = async (digest: string): Promise<ModelView> => viewOf(await rowOf(digest));
  return {
    async draft(draft) {
      if ((await findModel(db, draft.name, draft.version)) !== undefined) throw versionTaken(draft);
      const source = await requireUpload(draft.upload, 'upload', ports);
      const weights = draft.weights === undefined ? undefined : await requireUpload(draft.weights, 'weights', ports);
      const { opset, inputs, outputs } = await inspectUpload({ source, weights }, ports);
      checkExampleShapes(draft.card, inputs);
      checkExampleRanges(draft.card, inputs);
      await checkModelDatasets(draft.datasets, draft.card, ports);
      return modelVersionSchema.parse({
        ...{ kind: 'model-version', schemaVersion: 1, critical: [], fleetId: keyring.fleetId },
        ...{ name: draft.name, version: draft.version, source },
        ...(weights === undefined ? {} : { weights }),
        ...{ opset, inputs, outputs, assets: draft.assets, card: draft.card },
        ...(draft.datasets === undefined ? {} : { datasets: draft.datasets }),
      });
    },
    async register(signed, actor) {
      const { digest } = await registerVersion(signed, actor, ports);
      return show(digest);
    },
    async list(page) {
      const { rows, total } = await listModels(db, page);
      return { items: await Promise.all(rows.map(viewOf)), total };
    },
    show,
    async find(name, version) {
      const row = version === undefined ? await newestModel(db, name) : await findModel(db, name, version);
      if (row === undefined) {
        const wanted = version === undefined ? name : `${name}@${version}`;
        throw new StarlingError('unknown-model', `there is no model ${wanted}`, {
          field: `models.${name}`,
          hint: 'push it first, or correct the name',
        });
      }
      return row;
    },
    artefacts: (modelDigest) => builds.artefacts(modelDigest),
    signed: rowOf,
    artefact: (digest) => builds.artefact(digest),
    references: () => referencesOf(ports),
  };
}

async function registerVersion(signed: string, actor: Actor, ports: ModelPorts): Promise<{ digest: string }> {
  const { db, blobs, builds, keyring, clock, events } = ports;
  const document = await verifyDocument(signed, {
    kind: 'model-version',
    keys: keyring.root().keys.publisher,
    schema: modelVersionSchema,
    maximumBytes: DOCUMENT_BYTES_MAXIMUM,
  });
  if (document.fleetId !== keyring.fleetId)
    throw new StarlingError('wrong-fleet', `the model is signed for fleet ${document.fleetId}`, { field: 'fleetId' });
  await requireBlobs(document, ports);
  if ((await findModel(db, document.name, document.version)) !== undefined) throw versionTaken(document);
  // What the publisher signed is compared with the files once more: a client may sign what it likes.
  const inspection = await inspectUpload(document, ports);
  if (JSON.stringify([inspection.inputs, inspection.outputs]) !== JSON.stringify([document.inputs, document.outputs])) {
    throw new StarlingError('ports-differ', 'inputs or outputs of the document are not those of the file', {
      field: 'inputs',
      hint: 'sign the draft as it came',
    });
  }
  await checkModelDatasets(document.datasets, document.card, ports);
  const bytes = new TextEncoder().encode(signed);
  await blobs.putChunk(bytes);
  const digest = await sha256Hex(bytes);
  const { name, version } = document;
  const { operators } = inspection;
  await db.transaction(async (tx) => {
    await insertModel(tx, { digest, name, version, signed, document, operators, createdAtMs: clock.nowMs(), createdBy: actor.name });
    const { origin } = document.card;
    await appendAudit(tx, clock, actor, 'model.push', `${name}@${version}`, { digest, ...(origin === undefined ? {} : { origin }) });
    // With the version itself: a fleet that ends here has both or neither.
    await builds.addDefaults(tx, { digest, name, version, document, operators });
  });
  builds.wake();
  events.publish({ type: 'catalogue', id: digest, atMs: clock.nowMs(), detail: { model: name, version } });
  return { digest };
}

function versionTaken({ name, version }: { name: string; version: string }): StarlingError {
  return new StarlingError('version-exists', `${name}@${version} exists; versions never change`, {
    field: 'version',
    hint: 'raise the version',
  });
}

async function referencesOf({ db, blobs }: ModelPorts): Promise<Set<string>> {
  const used = new Set<string>();
  for (const { digest, document } of await allModelDocuments(db)) {
    used.add(digest);
    const { calibration, evaluation } = document.datasets ?? {};
    const files = [document.source, document.weights, ...document.assets, calibration, evaluation];
    for (const { manifest } of files.filter((file) => file !== undefined))
      for (const chunk of await blobs.reachable(manifest)) used.add(chunk);
  }
  return used;
}
