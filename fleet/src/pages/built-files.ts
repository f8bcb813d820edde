import { createReadStream, type Stats } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { extname, join, normalize, sep } from 'node:path';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { Context } from 'hono';
import { type Encoding, pickEncoding } from './pick-encoding.ts';

/** Files of one folder, answered as browsers like them: small, typed, and never twice. */
export interface BuiltFiles {
  /** @param path below the folder. @returns undefined if there is no such file */
  answer(context: Context, path: string, headers: Readonly<Record<string, string>>): Promise<Response | undefined>;
}

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.json': 'application/json',
  '.map': 'application/json',
  '.txt': 'text/plain; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
  // Anything else, and browsers do not compile it while it arrives.
  '.wasm': 'application/wasm',
};
const compressible = new Set(['.html', '.js', '.mjs', '.css', '.svg', '.json', '.map', '.txt', '.webmanifest', '.wasm']);
const suffixes: Readonly<Record<Encoding, string>> = { br: '.br', gzip: '.gz' };
/** Smaller files gain nothing. */
const COMPRESSED_FROM_BYTES = 256;
/** Larger ones are sent from disk, and compressed more lightly where the build did not do it: somebody waits. */
const LARGE_BYTES = 1024 * 1024;

/** What is sent: from memory, or from a file that is too large to keep. */
type Body = { bytes: Uint8Array<ArrayBuffer> } | { path: string; sizeBytes: number };

/**
 * Compressed forms that the build left beside a file (`.br`, `.gz`) are sent as they are; others are made once and kept until the
 * next build.
 */
export function createBuiltFiles(folder: string): BuiltFiles {
  const bodies = new Map<string, { modifiedMs: number; body: Promise<Body> }>();
  const bodyOf = (file: string, found: Stats, encoding: Encoding | undefined): Promise<Body> => {
    const key = `${encoding ?? 'plain'} ${file}`;
    const known = bodies.get(key);
    if (known?.modifiedMs === found.mtimeMs) return known.body;
    // A known file that changed is a new build, whose other files have other names: the old ones go.
    if (known !== undefined) bodies.clear();
    const body = load(file, found, encoding);
    bodies.set(key, { modifiedMs: found.mtimeMs, body });
    body.catch(() => bodies.delete(key));
    return body;
  };
  return {
    async answer(context, path, given) {
      const file = join(folder, path);
      // Attack: paths that climb out of the folder.
      const found = file.startsWith(folder + sep) ? await statOf(file) : undefined;
      if (found === undefined) return undefined;
      const etag = etagOf(found);
      const type = extname(file);
      const headers: Record<string, string> = {
        ...given,
        ...{ 'content-type': contentTypes[type] ?? 'application/octet-stream', etag, vary: 'accept-encoding' },
      };
      if (context.req.header('if-none-match') === etag) return context.body(null, 304, headers);
      const canShrink = compressible.has(type) && found.size >= COMPRESSED_FROM_BYTES;
      const encoding = canShrink ? pickEncoding(context.req.header('accept-encoding')) : undefined;
      const body = await bodyOf(file, found, encoding);
      if (encoding !== undefined) headers['content-encoding'] = encoding;
      return send(context, body, headers);
    },
  };
}

/** @returns undefined for one that is no path at all */
export function pathOf(requested: string): string | undefined {
  try {
    return normalize(decodeURIComponent(requested)).replace(/^(\.\.[/\\])+/, '');
  } catch {
    return undefined;
  }
}

function send(context: Context, body: Body, headers: Record<string, string>): Response {
  const sizeBytes = 'bytes' in body ? body.bytes.length : body.sizeBytes;
  const all = { ...headers, 'content-length': `${sizeBytes}` };
  // A stream that nobody reads would keep its file open.
  if (context.req.method === 'HEAD') return context.body(null, 200, all);
  if ('bytes' in body) return context.body(body.bytes, 200, all);
  return context.body(Readable.toWeb(createReadStream(body.path)) as ReadableStream<Uint8Array>, 200, all);
}

/** Weak: the compressed and the plain forms are one. */
function etagOf({ size, mtimeMs }: Stats): string {
  return `W/"${size.toString(36)}-${Math.round(mtimeMs * 1000).toString(36)}"`;
}

async function statOf(file: string): Promise<Stats | undefined> {
  // A NUL in the path, or no such file: there is nothing to give in either case.
  const found = await stat(file).catch(() => undefined);
  return found?.isFile() === true ? found : undefined;
}

async function load(file: string, found: Stats, encoding: Encoding | undefined): Promise<Body> {
  if (encoding === undefined) return fromDisk(file, found.size);
  const built = `${file}${suffixes[encoding]}`;
  const compressed = await statOf(built);
  // One of an earlier build would be another file under this name.
  if (compressed !== undefined && compressed.mtimeMs >= found.mtimeMs) return fromDisk(built, compressed.size);
  return { bytes: await compress(await readFile(file), encoding) };
}

async function fromDisk(path: string, sizeBytes: number): Promise<Body> {
  return sizeBytes > LARGE_BYTES ? { path, sizeBytes } : { bytes: new Uint8Array(await readFile(path)) };
}

async function compress(bytes: Uint8Array, encoding: Encoding): Promise<Uint8Array<ArrayBuffer>> {
  const isLarge = bytes.length > LARGE_BYTES;
  if (encoding === 'gzip') return new Uint8Array(await promisify(gzip)(bytes, { level: isLarge ? 6 : 9 }));
  const params = { [constants.BROTLI_PARAM_QUALITY]: isLarge ? 5 : 9, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
  return new Uint8Array(await promisify(brotliCompress)(bytes, { params }));
}
