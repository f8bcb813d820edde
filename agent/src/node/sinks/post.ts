import { type IncomingMessage, type RequestOptions, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';

/** Of an answer nothing but its status is wanted; one that never ends is cut off. */
const ANSWER_BYTES_MAXIMUM = 64 * 1024;

/**
 * One request, without following where an answer leads: a signed value goes to the address that was named, and nowhere else.
 * @returns status and, where the other side says so, how long to wait
 */
export function post(
  url: string,
  body: Uint8Array,
  options: RequestOptions & { ca?: Buffer | undefined },
): Promise<{ status: number; retryAfterS: number | undefined }> {
  return new Promise((resolve, reject) => {
    const start = url.startsWith('https:') ? requestHttps : requestHttp;
    const call = start(url, { method: 'POST', ...options }, (response: IncomingMessage) => {
      let received = 0;
      response.on('data', (piece: Buffer) => {
        received += piece.length;
        if (received > ANSWER_BYTES_MAXIMUM) response.destroy();
      });
      response.on('error', () => undefined);
      const seconds = Number(response.headers['retry-after']);
      resolve({ status: response.statusCode ?? 0, retryAfterS: Number.isFinite(seconds) && seconds > 0 ? seconds : undefined });
    });
    call.on('error', reject);
    call.end(body);
  });
}
