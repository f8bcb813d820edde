import { createHash, randomFillSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createTransport, type Transport } from './transport.ts';

const SIZE_BYTES = 3_000_001;
let folder: string;
let file: string;
let digest: string;
let server: Server | undefined;
let transport: Transport | undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'starling-transport-'));
  file = join(folder, 'model.onnx');
  const bytes = randomFillSync(Buffer.alloc(SIZE_BYTES));
  digest = createHash('sha256').update(bytes).digest('hex');
  await writeFile(file, bytes);
});
afterAll(() => rm(folder, { recursive: true, force: true }));
afterEach(() => {
  transport?.close();
  server?.closeAllConnections();
  server?.close();
});

async function start(listener: RequestListener, signal = new AbortController().signal): Promise<{ url: string; transport: Transport }> {
  server = createServer(listener);
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  transport = createTransport({ signal });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/x`, transport };
}

const post = { method: 'POST', headers: {} };

test('a file arrives whole, with its length said before', async () => {
  const started = await start((request, response) => {
    const hash = createHash('sha256');
    request.on('data', (piece: Buffer) => hash.update(piece));
    request.on('end', () => response.end(JSON.stringify({ digest: hash.digest('hex'), length: request.headers['content-length'] })));
  });
  let sentBytes = 0;
  const send = started.transport.sendFile(file, SIZE_BYTES, (piece) => {
    sentBytes += piece.length;
  });
  const answer = await send(started.url, post);
  expect(await answer.json()).toEqual({ digest, length: String(SIZE_BYTES) });
  expect(sentBytes).toBe(SIZE_BYTES);
});

test('a refusal that comes before the file was read is the answer, not a broken pipe', async () => {
  const started = await start((_request, response) => response.writeHead(413).end('{"code":"upload-too-large"}'));
  const answer = await started.transport.sendFile(file, SIZE_BYTES, () => undefined)(started.url, post);
  expect({ status: answer.status, body: await answer.json() }).toEqual({ status: 413, body: { code: 'upload-too-large' } });
});

test('a connection that breaks in the middle of a file may be tried again', async () => {
  const started = await start((request) => request.once('data', () => request.socket.destroy()));
  const sending = started.transport.sendFile(file, SIZE_BYTES, () => undefined)(started.url, post);
  await expect(sending).rejects.toMatchObject({ code: 'unreachable', retryable: true });
});

test('a file that is gone when it is to be sent ends with an error, and does not hang', async () => {
  const started = await start((request, response) => request.resume().once('end', () => response.end('{}')));
  await expect(started.transport.sendFile(join(folder, 'gone'), 5, () => undefined)(started.url, post)).rejects.toMatchObject({
    code: 'unreachable',
  });
});

test('Ctrl-C ends a request that waits', async () => {
  const interruption = new AbortController();
  const started = await start(() => interruption.abort(), interruption.signal);
  await expect(started.transport.fetch(started.url, { method: 'GET', headers: {} })).rejects.toMatchObject({ code: 'interrupted' });
});
