import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Artefact,
  cborEncode,
  isStarlingError,
  messageOf,
  type Problem,
  StarlingError,
  sha256Hex,
  signDocument,
} from '@starling/shared';
import type { Builder, BuiltArtefact } from '../artefacts/index.ts';
import { tensorRegions } from '../artefacts/index.ts';
import type { BlobStore } from '../blobs/index.ts';
import type { Database } from '../db/index.ts';
import type { Clock, EventBus, Ids, Log } from '../ports.ts';
import type { Keyring } from '../trust/index.ts';
import { findJob, insertArtefact, insertJob, type ModelRow, modelOfJob, unfinishedJobs, updateJob } from './store.ts';

export interface BuildQueuePorts {
  db: Database;
  blobs: BlobStore;
  builder: Builder;
  keyring: Keyring;
  clock: Clock;
  ids: Ids;
  events: EventBus;
  log: Log;
  directory: string;
  /** Called when a model has new artefacts: devices may deserve another one now. */
  onBuilt: (modelDigest: string) => Promise<void>;
}

/** Builds artefacts one model at a time: the builder takes all cores that it finds. */
export interface BuildQueue {
  add(modelDigest: string): Promise<string>;
  cancel(id: string): Promise<void>;
  retry(id: string): Promise<void>;
  /** Takes up what a stop of the fleet left unfinished. */
  resume(): Promise<void>;
  idle(): Promise<void>;
  close(): Promise<void>;
}

export function createBuildQueue(ports: BuildQueuePorts): BuildQueue {
  const { db, clock, ids, events, log } = ports;
  const waiting: string[] = [];
  let current: { id: string; abort: AbortController } | undefined;
  let running: Promise<void> = Promise.resolve();

  const change = async (id: string, update: Omit<Parameters<typeof updateJob>[2], 'updatedAtMs'>): Promise<void> => {
    await updateJob(db, id, { ...update, updatedAtMs: clock.nowMs() });
    events.publish({ type: 'build', id, atMs: clock.nowMs(), detail: { ...update } });
  };
  const runJob = async (id: string): Promise<void> => {
    const model = await modelOfJob(db, id);
    if (model === undefined) return;
    const abort = new AbortController();
    current = { id, abort };
    try {
      await change(id, { state: 'running', progress: 0, step: 'start', error: null });
      await buildModel(model, ports, abort.signal, (progress, step) => void change(id, { progress, step }).catch(() => undefined));
      await change(id, { state: 'done', progress: 100, step: 'done' });
      await ports.onBuilt(model.digest);
    } catch (error) {
      const problem = problemOf(error);
      log.warn({ job: id, problem }, 'a build failed');
      await change(id, { state: problem.code === 'cancelled' ? 'cancelled' : 'failed', error: problem });
    } finally {
      current = undefined;
    }
  };
  const work = (): void => {
    running = running.then(async () => {
      const id = waiting.shift();
      if (id !== undefined)
        await runJob(id).catch((error: unknown) => log.error({ job: id, error: messageOf(error) }, 'a build could not be recorded'));
    });
  };
  const enqueue = (id: string): void => {
    waiting.push(id);
    work();
  };
  return {
    async add(modelDigest) {
      const id = ids.next();
      await insertJob(db, id, modelDigest, clock.nowMs());
      enqueue(id);
      return id;
    },
    async cancel(id) {
      if (current?.id === id) return current.abort.abort();
      const at = waiting.indexOf(id);
      if (at === -1) throw new StarlingError('not-running', 'the build is not waiting or running', { field: 'id' });
      waiting.splice(at, 1);
      await change(id, { state: 'cancelled' });
    },
    async retry(id) {
      const job = await findJob(db, id);
      if (job === undefined) throw new StarlingError('not-found', `there is no build ${id}`, { field: 'id' });
      if (job.state === 'queued' || job.state === 'running')
        throw new StarlingError('still-running', 'the build has not ended', { field: 'id' });
      await change(id, { state: 'queued', progress: 0, step: '', error: null });
      enqueue(id);
    },
    async resume() {
      for (const job of await unfinishedJobs(db)) enqueue(job.id);
    },
    idle: async () => {
      for (let last = running; ; last = running) {
        await last;
        if (last === running) return;
      }
    },
    async close() {
      waiting.length = 0;
      current?.abort.abort();
      await running;
    },
  };
}

async function buildModel(
  model: ModelRow,
  ports: BuildQueuePorts,
  signal: AbortSignal,
  onProgress: (percent: number, step: string) => void,
): Promise<void> {
  const directory = await mkdtemp(join(ports.directory, 'build-'));
  try {
    const file = join(directory, 'source.onnx');
    await ports.blobs.exportFile(model.document.source.manifest, file);
    const exampleShapes = model.document.card.exampleShapes ?? {};
    const built = await ports.builder.build({ file, outputDirectory: directory, exampleShapes }, { signal, onProgress });
    for (const artefact of built) await storeArtefact(model, artefact, ports);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function storeArtefact(model: ModelRow, built: BuiltArtefact, ports: BuildQueuePorts): Promise<void> {
  const { blobs, keyring, db, clock } = ports;
  const blob = await blobs.putFile(built.file, { regions: tensorRegions(await readFile(built.file)) });
  const golden = cborEncode(built.golden);
  const document: Artefact = {
    kind: 'artefact',
    schemaVersion: 1,
    critical: [],
    fleetId: keyring.fleetId,
    model: model.name,
    modelVersion: model.version,
    sourceDigest: model.document.source.digest,
    precision: built.precision,
    optimisation: built.optimisation,
    executionProviders: built.executionProviders,
    blob,
    golden: { digest: await blobs.putChunk(golden), sizeBytes: golden.length },
  };
  const signed = await signDocument(keyring.signer, 'artefact', document);
  const bytes = new TextEncoder().encode(signed);
  await blobs.putChunk(bytes);
  const digest = await sha256Hex(bytes);
  await insertArtefact(db, { digest, modelDigest: model.digest, signed, document, report: built.report, createdAtMs: clock.nowMs() });
}

function problemOf(error: unknown): Problem {
  if (!isStarlingError(error)) return { code: 'build-failed', message: messageOf(error) };
  const { code, message, field, hint } = error;
  return { code, message, ...(field === undefined ? {} : { field }), ...(hint === undefined ? {} : { hint }) };
}
