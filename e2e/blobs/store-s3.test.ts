import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeBlobStore } from '../../fleet/src/blobs/blob-store.contract.ts';
import { parseS3Address } from '../../fleet/src/blobs/s3-address.ts';
import { createS3Client } from '../../fleet/src/blobs/s3-client.ts';
import { openS3Store } from '../../fleet/src/blobs/store-s3.ts';
import { type S3Server, s3Credentials, startS3Server } from '../harness/s3-server.ts';

let folder: string;
let server: S3Server;
let count = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'starling-s3-'));
  server = await startS3Server(folder);
});
afterAll(async () => {
  await server?.kill();
  await rm(folder, { recursive: true, force: true });
});

const next = (): string => {
  count += 1;
  return `part-${count}`;
};
const clientOf = (prefix: string, credentials = s3Credentials) => createS3Client(parseS3Address(server.address(prefix)), credentials);

describeBlobStore('a bucket', async () => {
  const prefix = next();
  // Every use renews the chunk, as it would be after a day.
  return { open: () => openS3Store(clientOf(prefix), { renewAfterMs: 0 }), file: () => join(folder, next()) };
});

describe('a bucket', () => {
  const bytes = new TextEncoder().encode('some chunk');

  test('is told from others by its prefix, and holds the blobs of one fleet', async () => {
    const [one, other] = [next(), next()];
    const store = await openS3Store(clientOf(one), { owner: 'fleet-a' });
    const digest = await store.putChunk(bytes);
    expect(await (await openS3Store(clientOf(other), { owner: 'fleet-b' })).hasChunk(digest)).toBe(false);
    expect(await (await openS3Store(clientOf(one), { owner: 'fleet-a' })).hasChunk(digest)).toBe(true);
    await expect(openS3Store(clientOf(one), { owner: 'fleet-b' })).rejects.toMatchObject({ code: 'store-of-another', field: 'blobStore' });
  });

  test('is listed over many pages', async () => {
    const client = clientOf(next());
    const store = await openS3Store(client);
    await Promise.all(Array.from({ length: 1100 }, (_, index) => store.putChunk(new TextEncoder().encode(`${index}`))));
    expect((await store.totals()).chunks).toBe(1100);
  });

  test('gives out no chunk that was damaged there', async () => {
    const client = clientOf(next());
    const store = await openS3Store(client);
    const digest = await store.putChunk(bytes);
    const key = `chunks/${digest.slice(0, 2)}/${digest}`;
    const object = (await client.get(key)) ?? Buffer.alloc(0);
    object[object.length - 1] = 0;
    await client.put(key, object);
    await expect(store.getChunk(digest)).rejects.toMatchObject({ code: 'chunk-damaged' });
    expect(await store.hasChunk(digest)).toBe(false);
  });

  test('that does not open says why, and what to do', async () => {
    const wrong = createS3Client(parseS3Address(server.address(next())), { ...s3Credentials, secretAccessKey: 'wrong' });
    await expect(openS3Store(wrong)).rejects.toMatchObject({
      code: 'store-denied',
      hint: expect.stringContaining('AWS_SECRET_ACCESS_KEY'),
    });
    const unknown = createS3Client(parseS3Address(server.address(next())), { ...s3Credentials, accessKeyId: 'nobody' });
    await expect(openS3Store(unknown)).rejects.toMatchObject({ code: 'store-denied', hint: expect.stringContaining('AWS_ACCESS_KEY_ID') });
    const elsewhere = createS3Client(parseS3Address(`s3://no-such-bucket?endpoint=${server.endpoint}`), s3Credentials);
    await expect(openS3Store(elsewhere)).rejects.toMatchObject({ code: 'no-bucket', hint: expect.stringContaining('make the bucket') });
    const silent = createS3Client(parseS3Address('s3://starling-test?endpoint=http://127.0.0.1:9'), s3Credentials);
    await expect(openS3Store(silent)).rejects.toMatchObject({ code: 'store-unreachable', retryable: true });
  });
});
