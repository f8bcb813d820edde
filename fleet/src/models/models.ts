import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Actor,
  type ArtefactView,
  type BuildJob,
  DOCUMENT_BYTES_MAXIMUM,
  type ModelAsset,
  type ModelCard,
  type ModelVersion,
  type ModelView,
  modelVersionSchema,
  type PageQuery,
  StarlingError,
  sha256Hex,
  verifyDocument,
} from '@starling/shared';
import { appendAudit } from '../audit/index.ts';
import { type BuildQueuePorts, createBuildQueue } from './build-queue.ts';
import {
  allArtefactDocuments,
  allModelDocuments,
  artefactByDigest,
  artefactsOfModel,
  findJob,
  findModel,
  insertModel,
  listJobs,
  listModels,
  type ModelRow,
  modelByDigest,
  newestModel,
  toModelView,
} from './store.ts';

export interface ModelDraft {
  name: string;
  version: string;
  /** Manifest digest of the uploaded ONNX file. */
  upload: string;
  card: ModelCard;
  assets: ModelAsset[];
}

/** The catalogue of model versions and their artefacts. */
export interface Models {
  draft(draft: ModelDraft): Promise<ModelVersion>;
  register(signed: string, actor: Actor): Promise<ModelView>;
  list(page: PageQuery & { search?: string | undefined }): Promise<{ items: ModelView[]; total: number }>;
  show(digest: string): Promise<ModelView>;
  /** A pinned version, or the newest. @throws StarlingError `unknown-model` */
  find(name: string, version?: string): Promise<ModelRow>;
  artefacts(modelDigest: string): Promise<ArtefactView[]>;
  artefact(digest: string): Promise<ArtefactView | undefined>;
  listBuilds(page: PageQuery): Promise<{ items: BuildJob[]; total: number }>;
  cancelBuild(id: string, actor: Actor): Promise<BuildJob>;
  retryBuild(id: string, actor: Actor): Promise<BuildJob>;
  resumeBuilds(): Promise<void>;
  buildsIdle(): Promise<void>;
  /** Digests of all chunks that model versions and artefacts are made of, for the garbage collector. */
  references(): Promise<Set<string>>;
  close(): Promise<void>;
}

export function createModels(ports: BuildQueuePorts): Models {
  const { db, blobs, keyring, clock, events } = ports;
  const queue = createBuildQueue(ports);
  const requireJob = async (id: string): Promise<BuildJob> => {
    const job = await findJob(db, id);
    if (job === undefined) throw new StarlingError('not-found', `there is no build ${id}`, { field: 'id' });
    return job;
  };
  const show = async (digest: string): Promise<ModelView> => {
    const row = await modelByDigest(db, digest);
    if (row === undefined) throw new StarlingError('not-found', `there is no model version ${digest}`, { field: 'digest' });
    return toModelView(db, row);
  };
  return {
    async draft(draft) {
      if ((await findModel(db, draft.name, draft.version)) !== undefined) throw versionTaken(draft);
      const { sizeBytes, digest } = await blobs.readManifest(draft.upload).catch(() => {
        throw new StarlingError('unknown-upload', `there is no upload ${draft.upload}`, { field: 'upload', hint: 'upload the file first' });
      });
      const inspection = await inspectUpload(draft.upload, ports);
      const { opset, inputs, outputs } = inspection;
      checkExampleShapes(draft.card, inputs);
      return modelVersionSchema.parse({
        kind: 'model-version',
        schemaVersion: 1,
        critical: [],
        fleetId: keyring.fleetId,
        name: draft.name,
        version: draft.version,
        source: { digest, sizeBytes, manifest: draft.upload },
        opset,
        inputs,
        outputs,
        assets: draft.assets,
        card: draft.card,
      });
    },
    async register(signed, actor) {
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
      // What the publisher signed is compared with the file once more: a client may sign what it likes.
      const inspection = await inspectUpload(document.source.manifest, ports);
      if (JSON.stringify([inspection.inputs, inspection.outputs]) !== JSON.stringify([document.inputs, document.outputs])) {
        throw new StarlingError('ports-differ', 'inputs or outputs of the document are not those of the file', {
          field: 'inputs',
          hint: 'sign the draft as it came',
        });
      }
      const bytes = new TextEncoder().encode(signed);
      await blobs.putChunk(bytes);
      const digest = await sha256Hex(bytes);
      const { name, version } = document;
      await db.transaction(async (tx) => {
        await insertModel(tx, { digest, name, version, signed, document, createdAtMs: clock.nowMs(), createdBy: actor.name });
        await appendAudit(tx, clock, actor, 'model.push', `${name}@${version}`, { digest });
      });
      await queue.add(digest);
      events.publish({ type: 'catalogue', id: digest, atMs: clock.nowMs(), detail: { model: name, version } });
      return show(digest);
    },
    list: (page) => listModels(db, page),
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
    artefacts: (modelDigest) => artefactsOfModel(db, modelDigest),
    artefact: (digest) => artefactByDigest(db, digest),
    listBuilds: (page) => listJobs(db, page),
    async cancelBuild(id, actor) {
      const { model, version } = await requireJob(id);
      await queue.cancel(id);
      await appendAudit(db, clock, actor, 'build.cancel', `${model}@${version}`, { id });
      return requireJob(id);
    },
    async retryBuild(id, actor) {
      const { model, version } = await requireJob(id);
      await queue.retry(id);
      await appendAudit(db, clock, actor, 'build.retry', `${model}@${version}`, { id });
      return requireJob(id);
    },
    resumeBuilds: () => queue.resume(),
    buildsIdle: () => queue.idle(),
    references: () => referencesOf(ports),
    close: () => queue.close(),
  };
}

async function inspectUpload(manifest: string, { blobs, builder, directory }: BuildQueuePorts) {
  const temporary = await mkdtemp(join(directory, 'inspect-'));
  try {
    const file = join(temporary, 'model.onnx');
    await blobs.exportFile(manifest, file);
    return await builder.inspect(file);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

function checkExampleShapes(card: ModelCard, inputs: ModelVersion['inputs']): void {
  for (const [name, shape] of Object.entries(card.exampleShapes ?? {})) {
    const field = `card.exampleShapes.${name}`;
    const port = inputs.find((input) => input.name === name);
    if (port === undefined) {
      const known = inputs.map((input) => input.name).join(', ');
      throw new StarlingError('unknown-input', `the model has no input "${name}"`, { field, hint: `inputs: ${known}` });
    }
    const fits = shape.length === port.shape.length && port.shape.every((side, axis) => typeof side === 'string' || side === shape[axis]);
    if (!fits) throw new StarlingError('shape-mismatch', `[${shape.join()}] does not fit [${port.shape.join()}]`, { field });
  }
}

async function requireBlobs(document: ModelVersion, { blobs }: BuildQueuePorts): Promise<void> {
  const wanted = [
    { field: 'source', digest: document.source.digest, manifest: document.source.manifest },
    ...document.assets.map((asset) => ({ field: `assets.${asset.name}`, digest: asset.digest, manifest: asset.manifest })),
  ];
  for (const { field, digest, manifest } of wanted) {
    // Touched before the document is stored: a sweep that runs meanwhile does not see the new reference yet.
    const found = await blobs.touch(manifest).catch(() => undefined);
    if (found?.digest !== digest)
      throw new StarlingError('unknown-upload', `no upload matches ${field}`, { field, hint: 'upload the file first' });
  }
}

function versionTaken({ name, version }: { name: string; version: string }): StarlingError {
  return new StarlingError('version-exists', `${name}@${version} exists; versions never change`, {
    field: 'version',
    hint: 'raise the version',
  });
}

async function referencesOf({ db, blobs }: BuildQueuePorts): Promise<Set<string>> {
  const used = new Set<string>();
  const addBlob = async (manifest: string): Promise<void> => {
    for (const digest of await blobs.reachable(manifest)) used.add(digest);
  };
  for (const { digest, document } of await allModelDocuments(db)) {
    used.add(digest);
    await addBlob(document.source.manifest);
    for (const asset of document.assets) await addBlob(asset.manifest);
  }
  for (const { digest, document } of await allArtefactDocuments(db)) {
    used.add(digest);
    if (document.golden !== undefined) used.add(document.golden.digest);
    await addBlob(document.blob.manifest);
  }
  return used;
}
