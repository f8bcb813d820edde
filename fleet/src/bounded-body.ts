import { isStarlingError, messageOf, StarlingError } from '@starling/shared';

/**
 * The pieces of a body up to a limit, whether or not a length was declared: one that comes in chunks may be endless. What comes beyond is
 * not read. The stream is let go, not cancelled: cancelling would cut the connection before the answer has left; the server drains a
 * little of the rest and closes.
 * @param tooLarge makes the error that is thrown at the limit
 * @throws StarlingError `upload-broken` where the sender has gone
 */
export async function* boundedPieces(
  body: ReadableStream<Uint8Array> | null,
  maximumBytes: number,
  tooLarge: () => StarlingError,
): AsyncGenerator<Uint8Array> {
  if (body === null) return;
  const reader = body.getReader();
  let sizeBytes = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read().catch(broken);
      if (done) return;
      sizeBytes += value.length;
      if (sizeBytes > maximumBytes) throw tooLarge();
      yield value;
    }
  } finally {
    reader.releaseLock();
  }
}

/** A whole body in memory, up to a limit. */
export async function readBounded(
  body: ReadableStream<Uint8Array> | null,
  maximumBytes: number,
  tooLarge: () => StarlingError,
): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of boundedPieces(body, maximumBytes, tooLarge)) pieces.push(piece);
  return Buffer.concat(pieces);
}

function broken(cause: unknown): never {
  if (isStarlingError(cause)) throw cause;
  throw new StarlingError('upload-broken', `the upload broke off: ${messageOf(cause)}`, {
    field: 'body',
    retryable: true,
    hint: 'send it again',
    cause,
  });
}
