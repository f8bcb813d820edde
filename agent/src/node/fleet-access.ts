import { createHash, X509Certificate } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import { API_BASE, messageOf, problemDetailsSchema, StarlingError } from '@starling/shared';
import type { FleetAccess } from '../core/ports/fleet-access.ts';
import { type Authority, connectPinned } from './pinned-tls.ts';

const TIMEOUT_MS = 20_000;
const ANSWER_BYTES_MAXIMUM = 1024 * 1024;

/** HTTP to the fleet. With an authority, only a certificate of that one is believed. */
export function createFleetAccess(url: string, authority: Authority | undefined): FleetAccess {
  const call = async (method: 'GET' | 'POST', path: string, body?: unknown): Promise<unknown> => {
    const answer = await send(`${url}${API_BASE}${path}`, method, body, authority === undefined ? {} : pinned(url, authority));
    const value: unknown = parseJson(answer.text);
    if (answer.status >= 200 && answer.status < 300) return value;
    const problem = problemDetailsSchema.safeParse(value).data;
    const retryable = answer.status >= 500 || answer.status === 403;
    if (problem === undefined) throw new StarlingError('unexpected-answer', `${url} answered ${answer.status}`, { retryable });
    const { code, detail, field, hint } = problem;
    throw new StarlingError(code, detail, {
      retryable,
      ...(field === undefined ? {} : { field }),
      ...(hint === undefined ? {} : { hint }),
    });
  };
  return { post: (path, body) => call('POST', path, body), get: (path) => call('GET', path) };
}

/** Hands the request a connection that has been checked. */
function pinned(url: string, authority: Authority): RequestOptions {
  const { protocol, hostname, port } = new URL(url);
  if (protocol !== 'https:') return {};
  const host = hostname.replace(/^\[|\]$/g, '');
  return {
    createConnection: (_options, done) => {
      connectPinned(host, Number(port || 443), authority).then(
        (socket) => done(null, socket),
        (error: Error) => done(error, undefined as never),
      );
      return undefined;
    },
  };
}

/**
 * Fetches the fleet's own authority without trusting the connection, and believes it only by the digest that the claim token pins.
 * @throws StarlingError `digest-mismatch`
 */
export async function fetchAuthority(url: string, digest: string): Promise<string> {
  const { status, text } = await send(`${url}${API_BASE}/trust/ca.pem`, 'GET', undefined, { rejectUnauthorized: false });
  if (status !== 200)
    throw new StarlingError('unexpected-answer', `${url} answered ${status} when asked for its authority`, { retryable: true });
  const found = createHash('sha256').update(new X509Certificate(text).raw).digest('hex');
  if (found !== digest) {
    throw new StarlingError('digest-mismatch', 'the authority of this fleet is not the one that the claim token names', {
      hint: 'somebody may stand between; ask for a new claim token',
    });
  }
  return text;
}

function send(url: string, method: string, body: unknown, options: RequestOptions): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const request = (url.startsWith('https:') ? httpsRequest : httpRequest)(
      url,
      {
        method,
        timeout: TIMEOUT_MS,
        headers: payload === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) },
        ...options,
      },
      (response) => {
        const pieces: Buffer[] = [];
        let size = 0;
        response.on('data', (piece: Buffer) => {
          size += piece.length;
          // Attack: endless data.
          if (size > ANSWER_BYTES_MAXIMUM) request.destroy(new StarlingError('too-large', 'the answer of the fleet has no end'));
          else pieces.push(piece);
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(pieces).toString('utf8') }));
      },
    );
    request.on('timeout', () => request.destroy(new StarlingError('unreachable', `${url} did not answer within ${TIMEOUT_MS / 1000} s`)));
    request.on('error', (cause) =>
      reject(new StarlingError('unreachable', `cannot reach ${url}: ${messageOf(cause)}`, { retryable: true, cause })),
    );
    request.end(payload);
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
