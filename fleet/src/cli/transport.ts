import { createReadStream } from 'node:fs';
import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type FetchLike, messageOf } from '@starling/shared';
import { cliError } from './errors.ts';

export interface TransportOptions {
  /** PEM of the only authority to trust; undefined: those of the system. */
  authority?: string | undefined;
  /** Sent with every request: a session cookie. */
  headers?: Readonly<Record<string, string>>;
  signal: AbortSignal;
  /** For one purpose alone: fetching the certificate of an authority that a person then compares. */
  trustAnyone?: boolean;
}

export interface Request {
  method: string;
  headers: Record<string, string>;
  /** Bytes that the fleet reads or stores before it answers: it may be silent the longer for them. */
  workBytes?: number;
  body?: Uint8Array | string | Readable | undefined;
}

/** HTTP with a pinned authority, bodies from disk, and Ctrl-C. Node's own `fetch` can pin none. */
export interface Transport {
  fetch: FetchLike;
  /** Like `fetch`, but the body is a file, or whatever else is opened; `onBytes` gets each piece when it is sent. */
  sendFile(file: string | (() => Readable), sizeBytes: number, onBytes: (piece: Uint8Array) => void): FetchLike;
  /** Like `fetch`, for a request about so many bytes that the fleet has: it reads them all before it answers. */
  fetchAbout(workBytes: number): FetchLike;
  /** The answer as a stream. @throws StarlingError `unreachable`, `untrusted-certificate`, `interrupted` */
  open(url: string, request: Request): Promise<IncomingMessage>;
  close(): void;
}

/** A fleet that says nothing for this long is gone; the longest wait that the API offers is 60 s. */
const SILENCE_MS_MAXIMUM = 120_000;
/** What a busy fleet on a slow disk reads, hashes, compresses and stores of a file in a second, at least. */
const WORK_BYTES_PER_SECOND_MINIMUM = 2 * 1024 ** 2;
/** Answers are pages of at most 200 items; a broken or hostile server must not fill the memory. */
const ANSWER_BYTES_MAXIMUM = 64 * 1024 * 1024;

/** What OpenSSL calls a certificate that none of the trusted authorities vouches for. */
const untrustedCodes = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_SIGNATURE_FAILURE',
]);

export function createTransport(options: TransportOptions): Transport {
  const { authority, headers: always = {}, signal, trustAnyone = false } = options;
  const http = new HttpAgent({ keepAlive: true });
  const https = new HttpsAgent({
    keepAlive: true,
    rejectUnauthorized: !trustAnyone,
    ...(authority === undefined ? {} : { ca: authority }),
  });
  const open = (url: string, { method, headers, workBytes = 0, body }: Request): Promise<IncomingMessage> => {
    const secure = url.startsWith('https:');
    const all = { ...headers, ...always };
    const timeout = SILENCE_MS_MAXIMUM + Math.ceil((workBytes / WORK_BYTES_PER_SECOND_MINIMUM) * 1000);
    const outgoing = secure
      ? httpsRequest(url, { method, headers: all, agent: https, signal, timeout })
      : httpRequest(url, { method, headers: all, agent: http, signal, timeout });
    return answerOf(outgoing, body, signal, timeout);
  };
  const fetchWith =
    (bodyOf: (init: Parameters<FetchLike>[1]) => { body: Request['body']; sizeBytes: number; workBytes?: number }): FetchLike =>
    async (url, init) => {
      const { body, sizeBytes, workBytes = 0 } = bodyOf(init);
      const headers = { ...init.headers, ...(sizeBytes === 0 ? {} : { 'content-length': `${sizeBytes}` }) };
      const answer = await open(url, { method: init.method, headers, workBytes, body });
      const text = await readText(answer);
      const status = answer.statusCode ?? 0;
      return { status, ok: status >= 200 && status < 300, json: async () => JSON.parse(text) as unknown };
    };
  const fetchAbout = (workBytes: number): FetchLike =>
    fetchWith(({ body }) => ({ body, sizeBytes: body === undefined ? 0 : Buffer.byteLength(body), workBytes }));
  return {
    fetch: fetchAbout(0),
    fetchAbout,
    sendFile: (given, sizeBytes, onBytes) =>
      fetchWith(() => {
        const counted = new Transform({
          transform(piece: Uint8Array, _encoding, done) {
            onBytes(piece);
            done(null, piece);
          },
        });
        const file: Readable = typeof given === 'string' ? createReadStream(given, { highWaterMark: 256 * 1024 }) : given();
        file.once('error', (error) => counted.destroy(error));
        return { body: file.pipe(counted), sizeBytes, workBytes: sizeBytes };
      }),
    open,
    close() {
      http.destroy();
      https.destroy();
    },
  };
}

function answerOf(outgoing: ClientRequest, body: Request['body'], signal: AbortSignal, timeoutMs: number): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    let answered = false;
    const fail = (error: unknown): void => {
      // An answer that comes before the whole body was sent, a refusal, wins over the broken pipe behind it.
      if (answered) return;
      outgoing.destroy();
      reject(signal.aborted ? cliError('interrupted', 'interrupted') : unreachable(error));
    };
    outgoing.once('response', (answer) => {
      answered = true;
      resolve(answer);
    });
    outgoing.on('error', fail);
    outgoing.once('timeout', () => {
      answered = false;
      fail(cliError('unreachable', `no answer for ${Math.round(timeoutMs / 1000)} s`));
    });
    if (body === undefined || typeof body === 'string' || body instanceof Uint8Array) outgoing.end(body);
    else pipeline(body, outgoing).catch(fail);
  });
}

async function readText(answer: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  let sizeBytes = 0;
  for await (const piece of answer as AsyncIterable<Buffer>) {
    sizeBytes += piece.length;
    if (sizeBytes > ANSWER_BYTES_MAXIMUM) throw cliError('unexpected-answer', `the answer is over ${ANSWER_BYTES_MAXIMUM} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}

function unreachable(cause: unknown): Error {
  const { code = '' } = cause as { code?: string };
  if (untrustedCodes.has(code)) {
    return cliError(
      'untrusted-certificate',
      `the certificate of the fleet is not vouched for by an authority that is trusted here (${code})`,
      {
        field: '--ca',
        hint: 'sign in again and compare the fingerprint, or give the certificate of its authority with --ca FILE',
        cause,
      },
    );
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return cliError('untrusted-certificate', `the certificate of the fleet is for other names: ${messageOf(cause)}`, {
      field: '--fleet',
      hint: 'use a name that the certificate lists, or start the fleet with --names',
      cause,
    });
  }
  const reason = messageOf(cause) === '' ? code : messageOf(cause);
  return cliError('unreachable', `the fleet cannot be reached: ${reason}`, {
    field: '--fleet',
    hint: 'is it running, and is the address right?',
    retryable: true,
    cause,
  });
}
