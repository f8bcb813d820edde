/** Files -> a server that answers like the Hugging Face hub and the storage behind it, and can misbehave. */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HubFile {
  bytes: Uint8Array;
  /** Kept outside of git: its SHA-256 is stated, and its bytes lie at another host. */
  large?: boolean;
  /** Said instead of the true digest. */
  claimedDigest?: string;
  /** Said instead of the true size. */
  claimedBytes?: number;
  /** The connection breaks after each so many bytes. */
  cutAfterBytes?: number;
  /** The whole file comes, whatever part was asked for. */
  ignoresRange?: boolean;
}

export interface HubRequest {
  method: string;
  path: string;
  range: string | undefined;
  authorization: string | undefined;
  /** `hub`, or `storage` behind it. */
  at: 'hub' | 'storage';
}

export interface ModelHub {
  /** Address of the hub. */
  url: string;
  requests: HubRequest[];
  stop(): Promise<void>;
}

export const HUB_COMMIT = 'c0ffee0123456789c0ffee0123456789c0ffee01';
export const HUB_TOKEN = 'hf_test';

/**
 * `owner/name` has `files`, by licence `apache-2.0`. `owner/gated` asks for `HUB_TOKEN`. `old/name` has moved to `owner/name`.
 * `/loop` redirects for ever.
 */
export async function startModelHub(files: Readonly<Record<string, HubFile>>): Promise<ModelHub> {
  const requests: HubRequest[] = [];
  const storage = await listen((request, response) => {
    requests.push(describe(request, 'storage'));
    const file = files[decodeURIComponent((request.url ?? '').split('?')[0]?.slice(1) ?? '')];
    // As presigned addresses do, it knows no HEAD.
    if (file === undefined || request.method === 'HEAD') return void response.writeHead(403).end();
    sendFile(request, response, file, { etag: '"storage-version-1"' });
  });
  const hub = await listen((request, response) => {
    requests.push(describe(request, 'hub'));
    answerAsHub(request, response, files, storage.url);
  });
  return {
    url: hub.url,
    requests,
    async stop() {
      await Promise.all([hub.stop(), storage.stop()]);
    },
  };
}

function answerAsHub(request: IncomingMessage, response: ServerResponse, files: Readonly<Record<string, HubFile>>, storage: string): void {
  const url = new URL(request.url ?? '', 'http://hub');
  if (url.pathname === '/loop') return void response.writeHead(302, { location: '/loop' }).end();
  if (url.pathname.includes('owner/gated') && request.headers.authorization !== `Bearer ${HUB_TOKEN}`)
    return void response.writeHead(401).end();
  if (url.pathname.includes('old/name')) {
    return void response.writeHead(307, { location: url.pathname.replace('old/name', 'owner/name') }).end();
  }
  const [, , revision] = /^\/api\/models\/owner\/(name|gated)\/revision\/(.+)$/.exec(url.pathname) ?? [];
  if (revision !== undefined) {
    if (revision !== 'main' && revision !== HUB_COMMIT) return void response.writeHead(404).end();
    const info = { id: 'owner/name', sha: HUB_COMMIT, cardData: { license: 'apache-2.0' }, tags: ['onnx', 'license:apache-2.0'] };
    return void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(info));
  }
  const path = new RegExp(`^/owner/(?:name|gated)/resolve/${HUB_COMMIT}/(.+)$`).exec(url.pathname)?.[1];
  const file = path === undefined ? undefined : files[decodeURIComponent(path)];
  if (file === undefined || path === undefined) return void response.writeHead(404).end();
  const { bytes, large, claimedDigest, claimedBytes } = file;
  if (large !== true) {
    const blob = createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
    sendFile(request, response, file, { etag: `"${claimedDigest ?? blob}"`, 'x-repo-commit': HUB_COMMIT });
    return;
  }
  response
    .writeHead(302, {
      location: `${storage}/${path}?signature=secret`,
      'x-repo-commit': HUB_COMMIT,
      'x-linked-etag': `"${claimedDigest ?? createHash('sha256').update(bytes).digest('hex')}"`,
      'x-linked-size': `${claimedBytes ?? bytes.length}`,
      etag: '"another"',
    })
    .end();
}

function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  { bytes, cutAfterBytes, ignoresRange, claimedBytes }: HubFile,
  headers: Record<string, string>,
): void {
  const asked = ignoresRange === true ? undefined : /^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1];
  const start = Number(asked ?? 0);
  const length = (claimedBytes ?? bytes.length) - start;
  const range: Record<string, string> =
    asked === undefined ? {} : { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` };
  response.writeHead(asked === undefined ? 200 : 206, { ...headers, ...range, 'content-length': `${length}` });
  if (request.method === 'HEAD') return void response.end();
  if (cutAfterBytes === undefined || start + cutAfterBytes >= bytes.length) return void response.end(bytes.subarray(start));
  response.write(bytes.subarray(start, start + cutAfterBytes), () => setTimeout(() => response.destroy(), 50));
}

function describe(request: IncomingMessage, at: HubRequest['at']): HubRequest {
  const { method = '', url = '', headers } = request;
  return { at, method, path: url.split('?')[0] ?? '', range: headers.range, authorization: headers.authorization };
}

async function listen(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ url: string; stop(): Promise<void> }> {
  const server: Server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const stop = (): Promise<void> =>
    new Promise((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop };
}
