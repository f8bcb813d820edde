import { INFER_INPUT_BYTES_MAXIMUM, StarlingError } from '@starling/shared';
import type { BlobStore, StoredBlob } from '../blobs/index.ts';
import { readBounded } from '../bounded-body.ts';

/** The body of a request as a blob, with the chunks that a device has to be let fetch for it. */
export async function storeInput(
  body: ReadableStream<Uint8Array> | null,
  blobs: Pick<BlobStore, 'putStream' | 'reachable'>,
): Promise<{ input: StoredBlob; chunks: string[] }> {
  const bytes = await readImage(body);
  const input = await blobs.putStream(
    (async function* () {
      yield bytes;
    })(),
    bytes.length,
  );
  return { input, chunks: [...(await blobs.reachable(input.manifest))] };
}

/** The bytes of an encoded image. */
async function readImage(body: ReadableStream<Uint8Array> | null): Promise<Uint8Array> {
  const bytes = await readBounded(
    body,
    INFER_INPUT_BYTES_MAXIMUM,
    () =>
      new StarlingError('image-too-large', `the image is over ${INFER_INPUT_BYTES_MAXIMUM} bytes`, {
        field: 'body',
        hint: 'send a smaller one',
      }),
  );
  if (bytes.length === 0)
    throw new StarlingError('empty-upload', 'the request has no image', { field: 'body', hint: 'send the bytes of an image' });
  return bytes;
}
