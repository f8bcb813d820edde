import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf, StarlingError } from '@starling/shared';
import { AwsClient } from 'aws4fetch';
import type { S3Address, S3Credentials } from './s3-address.ts';

/** The few requests of the S3 protocol that a store of small objects needs. Keys are below the prefix of the address. */
export interface S3Client {
  /** @returns undefined if there is no such object */
  get(key: string): Promise<Buffer | undefined>;
  /** How long ago it was written, by the clock of the server. @returns undefined if there is no such object */
  ageMs(key: string): Promise<{ ageMs: number; writtenAtMs: number } | undefined>;
  put(key: string, bytes: Uint8Array): Promise<void>;
  /** Writes it again as it is, so that it is new. @returns whether it was there */
  renew(key: string): Promise<boolean>;
  remove(key: string): Promise<void>;
  list(prefix: string, limit?: number): AsyncGenerator<{ key: string; sizeBytes: number; writtenAtMs: number }>;
}

const TRIES = 5;
const FIRST_PAUSE_MS = 100;
const PAGE_KEYS = 1000;

interface Answer {
  status: number;
  headers: Headers;
  bytes: Buffer;
}

interface Asked {
  method: 'GET' | 'HEAD' | 'PUT' | 'DELETE';
  key?: string;
  query?: Record<string, string>;
  headers?: Record<string, string>;
  body?: Uint8Array<ArrayBuffer>;
}

/** @param timeoutMs one request takes at most */
export function createS3Client(address: S3Address, credentials: S3Credentials, timeoutMs = 20_000): S3Client {
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  const signer = new AwsClient({
    ...{ accessKeyId, secretAccessKey, service: 's3', region: address.region },
    ...(sessionToken === undefined ? {} : { sessionToken }),
  });
  const urlOf = ({ key = '', query = {} }: Asked): string => {
    const url = new URL(address.endpoint);
    if (!address.pathStyle) url.hostname = `${address.bucket}.${url.hostname}`;
    // A bucket alone has no slash behind it: some servers sign what they make of it.
    url.pathname = [...(address.pathStyle ? [address.bucket] : []), ...(key === '' ? [] : [key])].join('/');
    url.search = new URLSearchParams(query).toString();
    return url.href;
  };
  /** @returns what came, or why nothing did */
  const send = async (asked: Asked): Promise<Answer | Error> => {
    const { method, headers = {}, body } = asked;
    const request = await signer.sign(urlOf(asked), {
      method,
      // The server refuses what was changed on the way.
      headers: {
        ...headers,
        'x-amz-content-sha256': createHash('sha256')
          .update(body ?? '')
          .digest('hex'),
      },
      ...(body === undefined ? {} : { body }),
    });
    try {
      const response = await fetch(request, { signal: AbortSignal.timeout(timeoutMs) });
      return { status: response.status, headers: response.headers, bytes: Buffer.from(await response.arrayBuffer()) };
    } catch (error) {
      return error instanceof Error ? error : new StarlingError('store-unreachable', messageOf(error));
    }
  };
  /** All requests may be repeated: they name what is to be. @returns undefined if there is no such object */
  const ask = async (asked: Asked): Promise<Answer | undefined> => {
    for (let tries = 1; ; tries += 1) {
      const answer = await send(asked);
      if (!(answer instanceof Error) && answer.status < 500 && answer.status !== 429) {
        if (answer.status < 300) return answer;
        const text = answer.bytes.toString('utf8');
        if (answer.status === 404 && !text.includes('NoSuchBucket')) return undefined;
        throw refused(address, answer.status, text);
      }
      if (tries === TRIES) throw failed(address, answer);
      await delay(FIRST_PAUSE_MS * 2 ** (tries - 1));
    }
  };
  const read = async (asked: Asked): Promise<Buffer | undefined> => (await ask(asked))?.bytes;
  const full = (key: string): string => `${address.prefix}${key}`;
  return {
    get: (key) => read({ method: 'GET', key: full(key) }),
    async ageMs(key) {
      const response = await ask({ method: 'HEAD', key: full(key) });
      if (response === undefined) return undefined;
      const [writtenAtMs, nowMs] = ['last-modified', 'date'].map((name) => Date.parse(response.headers.get(name) ?? '')) as [
        number,
        number,
      ];
      return { writtenAtMs, ageMs: nowMs - writtenAtMs };
    },
    async put(key, bytes) {
      await read({ method: 'PUT', key: full(key), body: new Uint8Array(bytes) });
    },
    async renew(key) {
      const source = `/${address.bucket}/${full(key)}`;
      // An object may be copied onto itself only if something of it is said anew.
      const headers = { 'x-amz-copy-source': source, 'x-amz-metadata-directive': 'REPLACE' };
      return (await read({ method: 'PUT', key: full(key), headers })) !== undefined;
    },
    async remove(key) {
      await read({ method: 'DELETE', key: full(key) });
    },
    async *list(prefix, limit = PAGE_KEYS) {
      let token: string | undefined;
      do {
        const query = {
          ...{ 'list-type': '2', prefix: full(prefix), 'max-keys': String(limit) },
          ...(token === undefined ? {} : { 'continuation-token': token }),
        };
        const page = (await read({ method: 'GET', query }))?.toString('utf8') ?? '';
        for (const [, entry = ''] of page.matchAll(/<Contents>(.*?)<\/Contents>/gs)) {
          const key = textOf(entry, 'Key').slice(address.prefix.length);
          yield { key, sizeBytes: Number(textOf(entry, 'Size')), writtenAtMs: Date.parse(textOf(entry, 'LastModified')) };
        }
        token = textOf(page, 'IsTruncated') === 'true' ? textOf(page, 'NextContinuationToken') : undefined;
      } while (token !== undefined && limit === PAGE_KEYS);
    },
  };
}

/** The answers have a fixed form, and our keys need no escapes; tokens may. */
function textOf(xml: string, name: string): string {
  const text = new RegExp(`<${name}>(.*?)</${name}>`, 's').exec(xml)?.[1] ?? '';
  return text.replace(/&(lt|gt|quot|apos|amp);/g, (_whole, entity: string) => entities[entity] ?? '');
}

const entities: Record<string, string> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };

const hints: Record<string, string> = {
  NoSuchBucket: 'make the bucket first; the fleet makes none',
  InvalidAccessKeyId: 'check AWS_ACCESS_KEY_ID, or the file of credentials',
  SignatureDoesNotMatch: 'check AWS_SECRET_ACCESS_KEY, or the file of credentials',
  RequestTimeTooSkewed: 'set the clock of this machine',
  AccessDenied: 'the key needs s3:GetObject, s3:PutObject, s3:DeleteObject below the prefix, and s3:ListBucket on the bucket',
  AuthorizationHeaderMalformed: 'name the region of the bucket: region=',
  PermanentRedirect: 'name the region of the bucket: region=',
  ExpiredToken: 'start the fleet with new credentials',
};

function refused(address: S3Address, status: number, text: string): StarlingError {
  const code = textOf(text, 'Code');
  const hint = hints[code] ?? (status === 403 ? hints.AccessDenied : undefined);
  const message = `the blob store s3://${address.bucket} refused a request: ${status} ${code} ${textOf(text, 'Message')}`.trimEnd();
  return new StarlingError(code === 'NoSuchBucket' ? 'no-bucket' : 'store-denied', message, {
    field: 'blobStore',
    ...(hint === undefined ? {} : { hint }),
  });
}

function failed(address: S3Address, answer: Answer | Error): StarlingError {
  if (!(answer instanceof Error)) {
    const code = textOf(answer.bytes.toString('utf8'), 'Code');
    const isFull = answer.status === 507 || /Full|Quota/.test(code);
    return new StarlingError(
      isFull ? 'disk-full' : 'store-failed',
      `the blob store s3://${address.bucket} failed: ${answer.status} ${code}`,
      {
        retryable: true,
        hint: isFull ? 'make room in the bucket' : 'see the log of the storage server',
      },
    );
  }
  const cause = answer.cause instanceof Error ? answer.cause : answer;
  return new StarlingError('store-unreachable', `the blob store does not answer at ${address.endpoint}: ${messageOf(cause)}`, {
    ...{ field: 'blobStore', retryable: true, cause },
    hint: 'check endpoint= in the address of the blob store, and the way there',
  });
}
