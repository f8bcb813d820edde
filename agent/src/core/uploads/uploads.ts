import { cborEncode, StarlingError, UPLOAD_BYTES_MAXIMUM, UPLOAD_PIECE_BYTES_MAXIMUM, UPLOAD_WINDOW_PIECES } from '@starling/shared';
import type { Clock } from '../ports/clock.ts';

/**
 * INVARIANTS
 * - At most UPLOAD_WINDOW_PIECES parts of an upload are under way.
 * - What was not answered is sent again: after a silence, when the link is back, and from the start where the fleet has forgotten it.
 */
export interface Uploads {
  /**
   * Resolves when the fleet has stored all of it.
   * @throws StarlingError `too-large`, `cancelled`
   */
  send(id: string, bytes: Uint8Array, signal: AbortSignal): Promise<void>;
  acknowledged(id: string, receivedBytes: number): void;
  online(): void;
}

interface Upload {
  id: string;
  bytes: Uint8Array;
  receivedBytes: number;
  sentBytes: number;
  isPumping: boolean;
  stopTimer(): void;
  finish(): void;
}

/** Without an answer for this long, parts are sent again. */
const SILENCE_MS = 10_000;
const WINDOW_BYTES = UPLOAD_WINDOW_PIECES * UPLOAD_PIECE_BYTES_MAXIMUM;

export interface UploadPorts {
  clock: Clock;
  /** @returns false if there is no session */
  publish(id: string, payload: Uint8Array): Promise<boolean>;
}

export function createUploads({ clock, publish }: UploadPorts): Uploads {
  const uploads = new Map<string, Upload>();

  const pump = async (upload: Upload): Promise<void> => {
    if (upload.isPumping) return;
    upload.isPumping = true;
    const { id, bytes } = upload;
    while (uploads.has(id) && upload.sentBytes < bytes.length && upload.sentBytes - upload.receivedBytes < WINDOW_BYTES) {
      const offset = upload.sentBytes;
      const piece = bytes.subarray(offset, offset + UPLOAD_PIECE_BYTES_MAXIMUM);
      upload.sentBytes = offset + piece.length;
      // Without a session nothing is tried: it goes on when the link is back.
      if (!(await publish(id, cborEncode({ offset, bytes: piece, totalBytes: bytes.length })))) break;
    }
    upload.isPumping = false;
  };
  const rewind = (upload: Upload): void => {
    upload.sentBytes = upload.receivedBytes;
    watch(upload);
    void pump(upload);
  };
  const watch = (upload: Upload): void => {
    upload.stopTimer();
    upload.stopTimer = clock.after(SILENCE_MS, () => rewind(upload));
  };
  return {
    async send(id, bytes, signal) {
      if (bytes.length > UPLOAD_BYTES_MAXIMUM)
        throw new StarlingError('too-large', `${bytes.length} bytes are to be uploaded, at most ${UPLOAD_BYTES_MAXIMUM} may be`);
      let stopWaiting = (): void => undefined;
      const nothing = (): void => undefined;
      const upload: Upload = { ...{ id, bytes, receivedBytes: 0, sentBytes: 0, isPumping: false }, stopTimer: nothing, finish: nothing };
      uploads.set(id, upload);
      try {
        await new Promise<void>((resolve, reject) => {
          upload.finish = resolve;
          const cancel = (): void => reject(new StarlingError('cancelled', 'the upload was cancelled'));
          signal.addEventListener('abort', cancel, { once: true });
          stopWaiting = () => signal.removeEventListener('abort', cancel);
          if (signal.aborted) cancel();
          rewind(upload);
        });
      } finally {
        stopWaiting();
        upload.stopTimer();
        uploads.delete(id);
      }
    },
    acknowledged(id, receivedBytes) {
      const upload = uploads.get(id);
      if (upload === undefined || receivedBytes > upload.bytes.length) return;
      const hasForgotten = receivedBytes < upload.receivedBytes;
      upload.receivedBytes = receivedBytes;
      if (receivedBytes === upload.bytes.length) return upload.finish();
      if (hasForgotten) return rewind(upload);
      watch(upload);
      void pump(upload);
    },
    online() {
      for (const upload of uploads.values()) rewind(upload);
    },
  };
}
