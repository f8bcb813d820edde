import type { UploadPiece } from '@starling/shared';
import type { BlobStore, StoredBlob } from '../blobs/index.ts';
import type { Clock, Log } from '../ports.ts';

/** Takes what devices upload for commands that are open. */
export interface UploadReceiver {
  /** @returns bytes that are here from the start; all of them once they are stored. Undefined for what nobody asked for */
  receive(device: string, id: string, piece: UploadPiece): Promise<number | undefined>;
}

interface Upload {
  device: string;
  bytes: Uint8Array;
  receivedBytes: number;
  heardAtMs: number;
}

/** What uploads may take in memory. Beyond it, one that begins waits: nobody who is sending is turned out for it, so all end in time. */
const UPLOADS_BYTES_MAXIMUM = 128 * 1024 * 1024;
/** Silent for this long, and another needs the room: it has to begin anew. A device sends again after a third of it. */
const SILENT_MS = 30_000;

export interface UploadReceiverPorts {
  blobs: Pick<BlobStore, 'putStream'>;
  clock: Clock;
  log: Log;
  /** Is it an open command of this device that uploads? */
  isExpected(device: string, id: string): Promise<boolean>;
  /** Names the blob in the result of the command. */
  stored(device: string, id: string, blob: StoredBlob): Promise<void>;
}

export function createUploadReceiver({ blobs, clock, log, isExpected, stored }: UploadReceiverPorts): UploadReceiver {
  // Least lately used first.
  const uploads = new Map<string, Upload>();
  /** @returns whether there is room for so many bytes more */
  const makeRoom = (bytes: number): boolean => {
    let takenBytes = [...uploads.values()].reduce((sum, upload) => sum + upload.bytes.length, 0);
    for (const [id, upload] of uploads) {
      if (takenBytes + bytes <= UPLOADS_BYTES_MAXIMUM || clock.nowMs() - upload.heardAtMs < SILENT_MS) break;
      uploads.delete(id);
      takenBytes -= upload.bytes.length;
      log.debug({ upload: id }, 'an upload has to begin anew');
    }
    return takenBytes + bytes <= UPLOADS_BYTES_MAXIMUM;
  };
  const begin = (device: string, bytes: number): Upload | undefined =>
    makeRoom(bytes) ? { device, bytes: new Uint8Array(bytes), receivedBytes: 0, heardAtMs: clock.nowMs() } : undefined;
  return {
    async receive(device, id, { offset, bytes, totalBytes }) {
      const isNew = !uploads.has(id) && (await isExpected(device, id));
      const upload = uploads.get(id) ?? (isNew ? begin(device, totalBytes) : undefined);
      // Attack: fill the memory or the store of the fleet with what nobody asked for.
      if (upload === undefined || upload.device !== device || upload.bytes.length !== totalBytes) return undefined;
      // All of it is here, and not stored: to say so now would have the device forget what may still be lost.
      if (upload.receivedBytes === totalBytes) return undefined;
      upload.heardAtMs = clock.nowMs();
      uploads.delete(id);
      uploads.set(id, upload);
      if (offset !== upload.receivedBytes) return upload.receivedBytes;
      upload.bytes.set(bytes, offset);
      upload.receivedBytes += bytes.length;
      if (upload.receivedBytes < totalBytes) return upload.receivedBytes;
      try {
        const blob = await blobs.putStream(
          (async function* () {
            yield upload.bytes;
          })(),
          totalBytes,
        );
        await stored(device, id, blob);
      } finally {
        // Where it was not stored, the device sends it again from the start.
        uploads.delete(id);
      }
      return totalBytes;
    },
  };
}
