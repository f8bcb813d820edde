import { readdir, readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { api, type ProblemDetails, parseClaimToken, problemDetailsSchema } from '@starling/shared';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createProtocolDevice, type Session, startSession } from '../harness/protocol-device.ts';
import { type RunningFleet, startRunningFleet } from '../harness/running-fleet.ts';

const MEBIBYTE = 1024 ** 2;
const GIBIBYTE = 1024 ** 3;
/** What may have left here when the answer comes: buffers of both sockets, and what the server drains before it closes. */
const UNDER_WAY_BYTES = 96 * MEBIBYTE;
/** Growth of the fleet by buffers and garbage that waits for its collection; far below any of the bodies. */
const GROWTH_BYTES_MAXIMUM = 256 * MEBIBYTE;

interface Ended {
  /** Undefined where the connection was cut without an answer. */
  problem: ProblemDetails | undefined;
  sentBytes: number;
}

/** Sends bytes that are made on the way, in chunks without a declared length, until all are sent or the other side has had enough. */
function sendChunked(
  url: string,
  { bytes, headers = {}, method = 'POST' }: { bytes: number; headers?: Record<string, string>; method?: string },
) {
  const piece = Buffer.alloc(MEBIBYTE, 0x20);
  return new Promise<Ended>((resolve) => {
    let sentBytes = 0;
    let problem: ProblemDetails | undefined;
    let isOver = false;
    const sending = request(url, { method, headers: { 'transfer-encoding': 'chunked', ...headers } });
    const end = (): void => {
      isOver = true;
      sending.destroy();
      resolve({ problem, sentBytes });
    };
    sending.on('response', (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text;
        if (body.endsWith('}')) problem = problemDetailsSchema.parse(JSON.parse(body));
      });
    });
    sending.on('error', end).on('close', end);
    const write = (): void => {
      while (!isOver && sentBytes < bytes) {
        sentBytes += piece.length;
        if (!sending.write(piece)) return void sending.once('drain', write);
      }
      if (!isOver) sending.end();
    };
    write();
  });
}

describe('a body that comes in chunks and tells no length', () => {
  let fleet: RunningFleet;
  let session: Session;
  let device: string;
  beforeAll(async () => {
    fleet = await startRunningFleet();
    const made = await createProtocolDevice(fleet.baseUrl);
    const { text } = await fleet.client.call(api.createClaimToken, { body: { name: 'device', uses: 1 } });
    await made.enrol(parseClaimToken(text) ?? expect.unreachable());
    session = await startSession(fleet.process.ready.addresses.mqtt, made);
    device = made.id;
  });
  afterAll(async () => {
    await session?.end();
    await fleet?.stop();
  });

  const authorised = () => ({ authorization: `Bearer ${fleet.token}` });
  /** Peak of the memory of the fleet so far. */
  const peakBytes = async (): Promise<number> =>
    Number(/^VmHWM:\s+(\d+) kB/m.exec(await readFile(`/proc/${fleet.process.pid}/status`, 'utf8'))?.[1]) * 1024;

  test('as a model: 3 GB are cut at the limit of 2 GiB, and neither memory nor disk keeps anything of them', async () => {
    const chunksBefore = await fleet.client.call(api.settings, {});
    const before = await peakBytes();
    const headers = { ...authorised(), 'content-type': 'application/octet-stream' };
    const { problem, sentBytes } = await sendChunked(`${fleet.baseUrl}/api/v1/uploads?kind=model`, { bytes: 3 * GIBIBYTE, headers });
    expect(problem).toMatchObject({ status: 413, code: 'upload-too-large', field: 'body', hint: expect.stringMatching(/\w/) });
    expect(sentBytes).toBeGreaterThanOrEqual(2 * GIBIBYTE);
    expect(sentBytes).toBeLessThan(2 * GIBIBYTE + UNDER_WAY_BYTES);
    expect((await peakBytes()) - before).toBeLessThan(GROWTH_BYTES_MAXIMUM);
    expect(await readdir(join(fleet.folder, 'fleet/uploads'))).toEqual([]);
    expect((await fleet.client.call(api.settings, {})).blobs).toEqual(chunksBefore.blobs);
  });

  test.each([
    { what: 'an image to infer', path: () => `/api/v1/devices/${device}/infer`, limitBytes: 20 * MEBIBYTE, code: 'image-too-large' },
    { what: 'JSON of an admin', path: () => '/api/v1/users', limitBytes: MEBIBYTE, code: 'upload-too-large' },
    { what: 'JSON of a device that nobody knows', path: () => '/api/v1/enrol', limitBytes: MEBIBYTE, code: 'upload-too-large' },
    { what: 'a nonce that nobody asked for', path: () => '/api/v1/device-access/nonce', limitBytes: MEBIBYTE, code: 'upload-too-large' },
    { what: 'a login', path: () => '/api/auth/sign-in/email', limitBytes: 16 * 1024, code: 'upload-too-large' },
  ])('as $what: it is cut at its limit, and the fleet does not grow by it', async ({ path, limitBytes, code }) => {
    const before = await peakBytes();
    const headers = { ...authorised(), 'content-type': 'application/json' };
    const { problem, sentBytes } = await sendChunked(`${fleet.baseUrl}${path()}`, { bytes: GIBIBYTE, headers });
    expect(problem).toMatchObject({ status: 413, code, field: 'body' });
    expect(sentBytes).toBeLessThan(limitBytes + UNDER_WAY_BYTES);
    expect((await peakBytes()) - before).toBeLessThan(GROWTH_BYTES_MAXIMUM);
  });

  test('the fleet goes on as if nothing had been', async () => {
    expect(await fleet.client.call(api.health, {})).toEqual({ status: 'ok' });
    const raw = new Uint8Array(1000).fill(7);
    expect(await fleet.client.call(api.upload, { raw, query: { kind: 'file' } })).toMatchObject({ sizeBytes: 1000 });
  });
});
