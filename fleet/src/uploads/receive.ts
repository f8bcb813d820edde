import type { UploadPiece } from '@starling/shared';
import type { BlobStore, StoredBlob } from '../blobs/index.ts';
import type { Log } from '../ports.ts';

/** Takes what devices upload for commands that are open. */
export interface UploadReceiver {
  /** @returns bytes that are here from the start; all of them once they are stored. Undefined for what nobody asked for */
  receive(device: string, id: string, piece: UploadPiece): Promise<number | undefined>;
}

interface Upload {
  device: string;
  bytes: Uint8Array;
  receivedBytes: number;
}

/** Uploads in memory at once. The one that was silent for longest goes first: its device is told, and sends it again. */
const UPLOADS_MAXIMUM = 32;

export interface UploadReceiverPorts {
  blobs: Pick<BlobStore, 'putStream'>;
  log: Log;
  /** Is it an open command of this device that uploads? */
  isExpected(device: string, id: string): Promise<boolean>;
  /** Names the blob in the result of the command. */
  stored(device: string, id: string, blob: StoredBlob): Promise<void>;
}

export function createUploadReceiver({ blobs, log, isExpected, stored }: UploadReceiverPorts): UploadReceiver {
  // Least lately used first.
  const uploads = new Map<string, Upload>();
  return {
    async receive(device, id, { offset, bytes, totalBytes }) {
      const upload = uploads.get(id) ?? ((await isExpected(device, id)) ? begin(device, totalBytes) : undefined);
      // Attack: fill the memory or the store of the fleet with what nobody asked for.
      if (upload === undefined || upload.device !== device || upload.bytes.length !== totalBytes) return undefined;
      uploads.delete(id);
      uploads.set(id, upload);
      for (const [oldest] of uploads) {
        if (uploads.size <= UPLOADS_MAXIMUM) break;
        uploads.delete(oldest);
        log.debug({ upload: oldest }, 'an upload has to begin anew');
      }
      if (offset !== upload.receivedBytes) return upload.receivedBytes;
      upload.bytes.set(bytes, offset);
      upload.receivedBytes += bytes.length;
      if (upload.receivedBytes < totalBytes) return upload.receivedBytes;
      const blob = await blobs.putStream(
        (async function* () {
          yield upload.bytes;
        })(),
        totalBytes,
      );
      await stored(device, id, blob);
      uploads.delete(id);
      return totalBytes;
    },
  };
}

function begin(device: string, totalBytes: number): Upload {
  return { device, bytes: new Uint8Array(totalBytes), receivedBytes: 0 };
}
