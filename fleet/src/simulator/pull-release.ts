import {
  type Assignment,
  artefactFiles,
  artefactSchema,
  type BlobManifest,
  installRetryMs,
  isStarlingError,
  messageOf,
  modelVersionSchema,
  type Problem,
  readManifest,
  releaseSchema,
  StarlingError,
} from '@starling/shared';
import type { Clock } from '../ports.ts';
import { payloadOf } from './jws-payload.ts';
import { type CrowdFigures, countProblem } from './messages.ts';
import { CHUNKS_IN_FLIGHT, type Puller } from './puller.ts';

/** What is on the way of a release. */
export interface PullProgress {
  doneBytes: number;
  totalBytes: number;
}

type PullOf = Pick<Assignment, 'release' | 'artefacts'>;

/** Pulls everything of a release that a device lacks, and remembers only that it has it. */
export type PullRelease = (assignment: PullOf, signal: AbortSignal, onProgress: (progress: PullProgress) => void) => Promise<void>;

interface PullReleaseParts {
  puller: Puller;
  figures: CrowdFigures;
  /** Of all devices of this process, since they have the same ones. */
  manifests: Map<string, BlobManifest>;
}

/** @returns for one device */
export function createPullRelease({ puller, figures, manifests }: PullReleaseParts): PullRelease {
  /** Digests of chunks that the device has. */
  const held = new Set<string>();

  const document = async (digest: string, signal: AbortSignal): Promise<Uint8Array> => {
    const bytes = await puller.chunk(digest, signal);
    held.add(digest);
    return bytes;
  };
  const manifestOf = async (digest: string, signal: AbortSignal): Promise<BlobManifest> => {
    const known = manifests.get(digest);
    // Whoever has its pages knows what they say.
    if (known !== undefined && held.has(digest)) return known;
    const manifest = await readManifest(digest, (page) => document(page, signal));
    const first = manifests.get(digest) ?? manifest;
    manifests.set(digest, first);
    return first;
  };
  const pullChunks = async (chunks: readonly BlobManifest['chunks'][number][], signal: AbortSignal, done: (bytes: number) => void) => {
    const next = chunks.values();
    const lane = async (): Promise<void> => {
      for (const { digest, sizeBytes } of next) {
        const { length } = await puller.chunk(digest, signal);
        if (length !== sizeBytes)
          throw new StarlingError('chunk-damaged', `chunk ${digest} has ${length} bytes, not ${sizeBytes}`, { retryable: true });
        held.add(digest);
        done(sizeBytes);
      }
    };
    await Promise.all(Array.from({ length: CHUNKS_IN_FLIGHT }, lane));
  };
  const pullAll = async (assignment: PullOf, signal: AbortSignal, onProgress: (progress: PullProgress) => void): Promise<void> => {
    const files = await filesOf(assignment, (digest) => document(digest, signal));
    const lacking = new Map<string, BlobManifest['chunks'][number]>();
    for (const file of files) {
      const { chunks } = await manifestOf(file, signal);
      for (const chunk of chunks) if (!held.has(chunk.digest)) lacking.set(chunk.digest, chunk);
    }
    const chunks = [...lacking.values()];
    const totalBytes = chunks.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    let doneBytes = 0;
    figures.wantedBytes += totalBytes;
    onProgress({ doneBytes, totalBytes });
    try {
      await pullChunks(chunks, signal, (bytes) => {
        doneBytes += bytes;
        figures.verifiedBytes += bytes;
        onProgress({ doneBytes, totalBytes });
      });
    } finally {
      // What was given up is wanted no more.
      figures.wantedBytes -= totalBytes - doneBytes;
    }
  };
  return async (assignment, signal, onProgress) => {
    const own = new AbortController();
    try {
      await pullAll(assignment, AbortSignal.any([signal, own.signal]), onProgress);
    } finally {
      // With one chunk that does not come the others are left: the next try asks for them.
      own.abort();
    }
  };
}

/** Fetches the documents of an assignment, as an agent does. @returns manifests of the files that they name */
async function filesOf({ release, artefacts }: PullOf, fetch: (digest: string) => Promise<Uint8Array>): Promise<string[]> {
  const named = required(payloadOf(await fetch(release), releaseSchema), release);
  for (const { digest } of [named.pipeline, ...named.alongside]) await fetch(digest);
  const manifests = new Set<string>();
  for (const { digest } of named.models) {
    const { assets } = required(payloadOf(await fetch(digest), modelVersionSchema), digest);
    for (const { manifest } of assets) manifests.add(manifest);
  }
  for (const digest of Object.values(artefacts)) {
    const artefact = required(payloadOf(await fetch(digest), artefactSchema), digest);
    if (artefact.golden !== undefined) await fetch(artefact.golden.digest);
    for (const { manifest } of artefactFiles(artefact)) manifests.add(manifest);
  }
  return [...manifests];
}

function required<Value>(value: Value | undefined, digest: string): Value {
  if (value !== undefined) return value;
  throw new StarlingError('bad-document', `document ${digest} is not what it should be`);
}

const TELL_MS = 1000;

export type PullFigures = Pick<CrowdFigures, 'pulling' | 'pulled' | 'pullsRetried' | 'pullsGivenUp' | 'problems' | 'reasons'>;

/** Why a pull has failed, and after how long a device tries again; undefined: it does not, until it is told again. */
export interface PullFailure {
  problem: Problem;
  retryMs: number | undefined;
}

/**
 * Pulls, and counts the device among those that do.
 * @param attempt of how many times this is which, from 1
 * @param tell how far it is, once a second at most
 * @returns what went wrong, or `cancelled`; undefined once all is there
 */
export async function pullCounted(
  pull: (onProgress: (progress: PullProgress) => void) => Promise<void>,
  { figures, clock, attempt }: { figures: PullFigures; clock: Clock; attempt: number },
  tell: (progress: PullProgress) => void,
): Promise<PullFailure | 'cancelled' | undefined> {
  figures.pulling += 1;
  if (attempt > 1) figures.pullsRetried += 1;
  let toldMs = Number.NEGATIVE_INFINITY;
  try {
    await pull((progress) => {
      if (clock.nowMs() - toldMs < TELL_MS) return;
      toldMs = clock.nowMs();
      tell(progress);
    });
    figures.pulled += 1;
    return undefined;
  } catch (error) {
    const code = isStarlingError(error) ? error.code : 'pull-failed';
    if (code === 'cancelled') return code;
    countProblem(figures, code, messageOf(error));
    // A document that is not what it should be will not be another one later.
    const retryMs = isStarlingError(error) && !error.retryable ? undefined : installRetryMs(attempt);
    if (retryMs === undefined) figures.pullsGivenUp += 1;
    return { problem: { code, message: messageOf(error) }, retryMs };
  } finally {
    figures.pulling -= 1;
  }
}
