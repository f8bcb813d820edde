import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { api, isStarlingError, type Upload } from '@starling/shared';
import type { Connection, Context } from './context.ts';
import { cliError } from './errors.ts';
import { formatBytes } from './printable.ts';
import type { PushPart } from './push-source.ts';

interface ToUpload {
  file: string;
  sizeBytes: number;
  kind: 'model' | 'weights' | 'file';
  title?: string;
}

const ATTEMPTS_MAXIMUM = 3;
const PAUSE_MS = 1000;

/** Sends a file, and again if the connection breaks. @throws StarlingError `draft-differs` if something else arrived */
export async function upload(
  context: Context,
  { transport, clientOver }: Connection,
  { file, open, sizeBytes, kind, title = basename(file) }: Partial<PushPart> & ToUpload,
): Promise<Upload> {
  const progress = context.output.progress(`upload ${title}`);
  for (let attempt = 1; ; attempt += 1) {
    const hash = createHash('sha256');
    let sentBytes = 0;
    const sending = transport.sendFile(open ?? file, sizeBytes, (piece) => {
      hash.update(piece);
      sentBytes += piece.length;
      progress.update(sentBytes / sizeBytes, `${formatBytes(sentBytes)} of ${formatBytes(sizeBytes)}`);
    });
    try {
      const stored = await clientOver(sending).call(api.upload, { query: { kind }, raw: new Uint8Array(0) });
      const digest = hash.digest('hex');
      // Attack: the fleet, or somebody on the way, has another file signed than the one that was pushed.
      if (stored.digest !== digest)
        throw cliError('draft-differs', `the fleet stored ${stored.digest}, ${file} is ${digest}`, { field: 'file' });
      progress.done(formatBytes(sizeBytes));
      return stored;
    } catch (error) {
      const again = isStarlingError(error) && error.retryable && attempt < ATTEMPTS_MAXIMUM && !context.signal.aborted;
      if (!again) {
        progress.failed();
        throw error;
      }
      context.output.notice(`the upload broke off; attempt ${attempt + 1} of ${ATTEMPTS_MAXIMUM}`);
      await context.sleep(PAUSE_MS * attempt);
    }
  }
}
