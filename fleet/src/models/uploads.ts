import { createWriteStream } from 'node:fs';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type Actor, MODEL_BYTES_MAXIMUM, StarlingError } from '@starling/shared';
import { tensorRegionsOfFile } from '../artefacts/index.ts';
import { appendAudit } from '../audit/index.ts';
import type { BlobStore, StoredBlob } from '../blobs/index.ts';
import { boundedPieces } from '../bounded-body.ts';
import type { Database } from '../db/index.ts';
import type { Clock, Ids } from '../ports.ts';

export type UploadKind = 'model' | 'weights' | 'file';

/** Takes files in, bounded, and puts them into the blob store. */
export interface Uploads {
  /**
   * @param kind `weights`: those of a model that one ONNX file cannot hold, and so bounded by a setting; `model`: cut at the tensors of the ONNX file, so that versions share what they have in common
   * @throws StarlingError `empty-upload`, `upload-too-large`, `upload-broken`
   */
  receive(body: ReadableStream<Uint8Array>, declaredBytes: number | undefined, kind: UploadKind, actor: Actor): Promise<StoredBlob>;
}

interface UploadPorts {
  db: Database;
  clock: Clock;
  blobs: BlobStore;
  ids: Ids;
  directory: string;
  /** Largest file of weights that is taken. */
  weightsBytesMaximum: number;
}

export async function createUploads({ db, clock, blobs, ids, directory, weightsBytesMaximum }: UploadPorts): Promise<Uploads> {
  const incoming = join(directory, 'uploads');
  await rm(incoming, { recursive: true, force: true });
  await mkdir(incoming, { recursive: true });
  return {
    async receive(body, declaredBytes, kind, actor) {
      const maximumBytes = kind === 'weights' ? weightsBytesMaximum : MODEL_BYTES_MAXIMUM;
      const tooLarge = (): StarlingError => tooLargeOf(kind, maximumBytes);
      // Refused by its declared length, before the first byte is stored.
      if (declaredBytes !== undefined && declaredBytes > maximumBytes) throw tooLarge();
      if (declaredBytes === 0) throw empty();
      const file = join(incoming, ids.next());
      try {
        const sizeBytes = await writeBounded(boundedPieces(body, maximumBytes, tooLarge), file);
        if (sizeBytes === 0) throw empty();
        const stored = await blobs.putFile(file, { regions: kind === 'model' ? await regionsOf(file) : [] });
        await appendAudit(db, clock, actor, 'file.upload', stored.manifest, { kind, digest: stored.digest, sizeBytes });
        return stored;
      } finally {
        await rm(file, { force: true });
      }
    },
  };
}

async function writeBounded(pieces: ReturnType<typeof boundedPieces>, file: string): Promise<number> {
  const written = createWriteStream(file, { mode: 0o600 });
  await pipeline(pieces, written).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'ENOSPC') throw cause;
    throw new StarlingError('disk-full', 'the disk of the fleet is full', {
      field: 'body',
      hint: 'free space there',
      retryable: true,
      cause,
    });
  });
  return written.bytesWritten;
}

/** Tensor regions of an ONNX file; none if it is no such file, which is said when a model is made of it. */
async function regionsOf(file: string) {
  if (!(await looksLikeOnnx(file))) return [];
  try {
    return tensorRegionsOfFile(file);
  } catch {
    return [];
  }
}

/** ModelProto starts with field 1, ir_version, a varint. */
async function looksLikeOnnx(file: string): Promise<boolean> {
  const handle = await open(file);
  try {
    const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, 0);
    return buffer[0] === 0x08;
  } finally {
    await handle.close();
  }
}

function tooLargeOf(kind: UploadKind, maximumBytes: number): StarlingError {
  return new StarlingError('upload-too-large', `the file has more than the ${maximumBytes} bytes that are taken`, {
    field: 'body',
    hint:
      kind === 'weights'
        ? 'raise weightsMebibytes of the fleet'
        : 'ONNX files end at 2 GiB: export the model with external data, and "starling model push" sends its weights apart',
  });
}

function empty(): StarlingError {
  return new StarlingError('empty-upload', 'the file has no bytes', { field: 'body', hint: 'choose a file that is not empty' });
}
