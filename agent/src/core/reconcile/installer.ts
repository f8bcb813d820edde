import { artefactFiles, type BlobManifest, operatorVersions, PROTOCOL_VERSION, readManifest, StarlingError } from '@starling/shared';
import type { Puller, PullProgress } from '../blobs/index.ts';
import type { GoodRelease } from '../journal/index.ts';
import type { BlobStore } from '../ports/blob-store.ts';
import type { InstalledRelease } from '../ports/runtime-host.ts';
import type { Tunings } from '../sessions/index.ts';
import type { ReleaseDocuments } from './documents.ts';
import { loadKey } from './plan.ts';

/** Left free on the disk whatever is pulled: logs, the spool and the system need to go on. */
const RESERVE_BYTES = 64 * 1024 * 1024;

/** Left free beside loaded weights: for activations, for the rest of the agent, and for the system. */
const MEMORY_RESERVE_BYTES = 32 * 1024 * 1024;

interface Blob {
  /** What progress calls it. */
  name: string;
  digest: string;
  manifest: string;
  sizeBytes: number;
}

/** @throws StarlingError `agent-too-old` */
export function requireOperators({ release, pipeline, alongside }: ReleaseDocuments): void {
  const needed = { ...release.requires.operators };
  for (const { nodes } of [pipeline, ...alongside]) {
    for (const node of Object.values(nodes)) if ('op' in node) needed[node.op] ??= 1;
  }
  const hint = 'update the agent';
  if (release.requires.protocolVersion > PROTOCOL_VERSION) {
    throw new StarlingError('agent-too-old', `the release needs protocol version ${release.requires.protocolVersion}`, {
      field: 'requires.protocolVersion',
      hint,
    });
  }
  for (const [operator, version] of Object.entries(needed)) {
    const own = operatorVersions[operator] ?? 0;
    if (own < version)
      throw new StarlingError('agent-too-old', `the release needs ${operator} ${version}, this agent has ${own || 'none'}`, {
        field: operator,
        hint,
      });
  }
}

/** What a model adds to the memory of this device. */
export interface MemoryNeed {
  /** Of the model. */
  name: string;
  artefact: string;
  bytes: number;
}

/** @param loaded digests of artefacts that are loaded already: sessions are shared, so they need nothing more */
export function memoryNeeds({ models }: ReleaseDocuments, loaded: readonly string[]): MemoryNeed[] {
  return models
    .filter(({ artefactDigest }) => !loaded.includes(artefactDigest))
    .map(({ version, artefact, artefactDigest }) => ({
      ...{ name: version.name, artefact: artefactDigest, bytes: artefact.needs?.memoryBytes ?? 0 },
    }));
}

/**
 * @param availableBytes null: the memory is not that of this device
 * @throws StarlingError `memory-low` before anything is pulled
 */
export function requireMemory(added: readonly MemoryNeed[], availableBytes: number | null): void {
  const neededBytes = added.reduce((sum, { bytes }) => sum + bytes, 0);
  if (availableBytes === null || neededBytes === 0 || neededBytes + MEMORY_RESERVE_BYTES <= availableBytes) return;
  const largest = added.reduce((most, each) => (each.bytes > most.bytes ? each : most));
  throw new StarlingError(
    'memory-low',
    `${neededBytes} bytes of memory and a reserve of ${MEMORY_RESERVE_BYTES} are needed, ${availableBytes} are available`,
    {
      field: largest.name,
      hint: `most of it is for ${largest.name}, ${largest.bytes} bytes: choose a smaller artefact, or free memory on the device`,
      retryable: true,
    },
  );
}

/** The blobs of a release: one per artefact, one per file of weights, one per asset. */
export function blobsOf(documents: ReleaseDocuments): Blob[] {
  return [
    ...documents.models.flatMap(({ version, artefact }) => artefactFiles(artefact).map((file) => ({ name: version.name, ...file }))),
    ...assetsOf(documents).map(({ model, name, digest, manifest, sizeBytes }) => ({
      name: `${model}/${name}`,
      digest,
      manifest,
      sizeBytes,
    })),
  ];
}

function assetsOf({ models, elsewhere }: ReleaseDocuments) {
  return [...models.map(({ version }) => version), ...elsewhere].flatMap(({ name: model, assets }) =>
    assets.map((asset) => ({ model, ...asset })),
  );
}

/** @throws StarlingError `disk-full` before anything is pulled */
export async function requireSpace(documents: ReleaseDocuments, store: BlobStore): Promise<void> {
  let neededBytes = 0;
  for (const blob of blobsOf(documents)) if (!(await store.has(blob.digest))) neededBytes += blob.sizeBytes;
  await requireFreeDisk(neededBytes, store);
}

/** @throws StarlingError `disk-full` */
export async function requireFreeDisk(neededBytes: number, store: BlobStore): Promise<void> {
  const freeBytes = await store.freeBytes();
  if (neededBytes > 0 && neededBytes + RESERVE_BYTES > freeBytes) {
    throw new StarlingError('disk-full', `${neededBytes} bytes and a reserve of ${RESERVE_BYTES} are needed, ${freeBytes} are free`, {
      retryable: true,
      hint: 'free space on the device',
    });
  }
}

export async function pullBlobs(
  documents: ReleaseDocuments,
  puller: Puller,
  known: readonly BlobManifest[],
  signal: AbortSignal,
  onProgress: (blob: string, progress: PullProgress) => void,
): Promise<void> {
  for (const blob of blobsOf(documents)) {
    const manifest = await puller.blob(blob.manifest, known, signal, (progress) => onProgress(blob.name, progress));
    // What the signed document names is what has to lie on the disk, whatever the manifest says.
    if (manifest.digest !== blob.digest || manifest.sizeBytes !== blob.sizeBytes) {
      throw new StarlingError('digest-mismatch', `the manifest of ${blob.name} is of another blob`, { field: blob.name });
    }
  }
}

/** What the runtime host loads. Everything is on the disk and verified. */
export async function installedRelease(
  documents: ReleaseDocuments,
  store: BlobStore,
  settings: Pick<GoodRelease, 'profile' | 'telemetryWindowMs'> & { device: string },
  tunings: Pick<Tunings, 'find'>,
): Promise<InstalledRelease> {
  const models: InstalledRelease['models'][number][] = [];
  for (const { version, artefact, artefactDigest } of documents.models) {
    const golden = artefact.golden === undefined ? undefined : await store.getDocument(artefact.golden.digest);
    const tuned = tunings.find(artefactDigest)?.settings;
    models.push({
      name: version.name,
      artefact: artefactDigest,
      location: store.locate(artefact.blob.digest),
      ...(artefact.weights === undefined ? {} : { weights: store.locate(artefact.weights.digest) }),
      sizeBytes: artefact.blob.sizeBytes + (artefact.weights?.sizeBytes ?? 0),
      precision: artefact.precision,
      executionProviders: artefact.executionProviders,
      ports: { inputs: version.inputs, outputs: version.outputs },
      ...(golden === undefined ? {} : { golden }),
      ...(tuned === undefined ? {} : { settings: tuned }),
    });
  }
  const assets = assetsOf(documents).map(({ model, name, digest }) => [`${model}/${name}`, store.locate(digest)] as const);
  const { profile, telemetryWindowMs, device } = settings;
  const { places } = documents.assignment;
  return {
    key: loadKey(documents.assignment),
    digest: documents.assignment.release,
    release: documents.release,
    pipeline: documents.pipeline,
    ...(documents.alongside.length === 0 ? {} : { alongside: documents.alongside }),
    models,
    assets: Object.fromEntries(assets),
    ...{ telemetryWindowMs, device },
    ...(places === undefined ? {} : { places }),
    ...(profile === undefined ? {} : { profile }),
  };
}

/** Manifests of blobs that are on the disk, for copying what a new one shares with them. */
export async function manifestsAtHand(documents: ReleaseDocuments, store: BlobStore): Promise<BlobManifest[]> {
  const manifests: BlobManifest[] = [];
  for (const blob of blobsOf(documents)) {
    const manifest = await readManifest(blob.manifest, async (digest) => {
      const page = await store.getDocument(digest);
      if (page === undefined) throw new StarlingError('chunk-missing', `no manifest ${digest}`);
      return page;
    }).catch(() => undefined);
    if (manifest !== undefined) manifests.push(manifest);
  }
  return manifests;
}

/** Every digest that a release needs on the disk, manifests and their pages included. */
export async function digestsOf(documents: ReleaseDocuments, store: BlobStore): Promise<Set<string>> {
  const digests = new Set(documents.digests);
  for (const blob of blobsOf(documents)) {
    digests.add(blob.digest).add(blob.manifest);
    await readManifest(blob.manifest, async (digest) => {
      digests.add(digest);
      const page = await store.getDocument(digest);
      if (page === undefined) throw new StarlingError('chunk-missing', `no manifest ${digest}`);
      return page;
    }).catch(() => undefined);
  }
  return digests;
}
