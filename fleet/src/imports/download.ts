import { createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { isStarlingError, StarlingError } from '@starling/shared';
import { type RequestOptions, refusalOf, request, unreachable } from './request.ts';

export interface DownloadOptions extends Omit<RequestOptions, 'method'> {
  maximumBytes: number;
  /** Where it is known before. */
  sizeBytes: number | undefined;
  /** @param totalBytes undefined where the server does not say */
  onProgress(doneBytes: number, totalBytes: number | undefined): void;
  onRetry(reason: string, attempt: number): void;
  sleep(ms: number): Promise<void>;
}

/** Attempts in a row that bring no new byte. */
const ATTEMPTS_MAXIMUM = 4;
const PAUSE_MS = 500;
/** A server that sends nothing for this long is given up, and asked again. */
const SILENCE_MS = 60_000;

/**
 * Fetches an address into a file. A transfer that breaks goes on where it was, if the file is still the same one.
 * @throws StarlingError `import-too-large`, `import-cut`, `import-not-found`, `import-forbidden`, `import-refused`, `import-unreachable`
 */
export async function download(url: URL, file: string, options: DownloadOptions): Promise<void> {
  let version: string | undefined;
  let fruitless = 0;
  for (;;) {
    const before = await sizeOf(file);
    try {
      version = await fetchRest(url, file, { before, version }, options);
      return;
    } catch (error) {
      const again = isStarlingError(error) && error.retryable && !options.signal.aborted;
      fruitless = (await sizeOf(file)) > before ? 1 : fruitless + 1;
      if (!again || fruitless >= ATTEMPTS_MAXIMUM) throw error;
      options.onRetry(error.message, fruitless + 1);
      await options.sleep(PAUSE_MS * fruitless);
    }
  }
}

async function fetchRest(
  url: URL,
  file: string,
  { before, version }: { before: number; version: string | undefined },
  options: DownloadOptions,
): Promise<string | undefined> {
  const range: Record<string, string> =
    before === 0 ? {} : { range: `bytes=${before}-`, ...(version === undefined ? {} : { 'if-range': version }) };
  const answer = await request(url, { ...options, method: 'GET', headers: { ...options.headers, ...range } });
  if (answer.status !== 200 && answer.status !== 206) {
    await answer.body?.cancel();
    throw refusalOf(answer, url);
  }
  // A server that knows no ranges, or has another file by now, begins again.
  const start = answer.status === 206 ? startOf(answer) : 0;
  if (start !== 0 && start !== before) {
    throw new StarlingError('import-refused', `${url.host} answers with another part than was asked for`, {
      field: 'source',
      retryable: true,
    });
  }
  const length = lengthOf(answer);
  const total = length === undefined ? undefined : start + length;
  if ((total ?? 0) > options.maximumBytes) {
    await answer.body?.cancel();
    throw tooLarge(total ?? 0, options.maximumBytes);
  }
  await writeBody(url, answer, file, { start, total: total ?? options.sizeBytes }, options);
  const written = await sizeOf(file);
  const wanted = total ?? options.sizeBytes;
  if (wanted !== undefined && written < wanted) throw cut(url, written, wanted);
  return strongVersion(answer);
}

async function writeBody(
  url: URL,
  answer: Response,
  file: string,
  { start, total }: { start: number; total: number | undefined },
  options: DownloadOptions,
): Promise<void> {
  let doneBytes = start;
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), SILENCE_MS);
  const counted = new Transform({
    transform(piece: Uint8Array, _encoding, done) {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), SILENCE_MS);
      doneBytes += piece.length;
      options.onProgress(doneBytes, total);
      done(doneBytes > options.maximumBytes ? tooLarge(doneBytes, options.maximumBytes) : null, piece);
    },
  });
  try {
    const body = Readable.fromWeb((answer.body ?? new ReadableStream()) as never);
    const target = createWriteStream(file, { flags: start === 0 ? 'w' : 'a', mode: 0o600 });
    await pipeline(body, counted, target, { signal: AbortSignal.any([options.signal, silence.signal]) });
  } catch (cause) {
    if (isStarlingError(cause) || options.signal.aborted) throw cause;
    if ((cause as NodeJS.ErrnoException).code === 'ENOSPC') {
      throw new StarlingError('disk-full', 'the disk is full', {
        field: 'source',
        hint: 'free some space in the temporary directory',
        cause,
      });
    }
    throw total === undefined ? unreachable(url, cause) : cut(url, doneBytes, total);
  } finally {
    clearTimeout(timer);
  }
}

function cut(url: URL, doneBytes: number, totalBytes: number): StarlingError {
  return new StarlingError('import-cut', `${url.host} broke off after ${doneBytes} of ${totalBytes} bytes`, {
    field: 'source',
    hint: 'try again later',
    retryable: true,
  });
}

function tooLarge(bytes: number, maximumBytes: number): StarlingError {
  return new StarlingError('import-too-large', `the file has ${bytes} bytes or more, at most ${maximumBytes} are taken`, {
    field: 'source',
    hint: 'ONNX files end at 2 GiB; import a smaller or a quantised export',
  });
}

/** RFC 9110, 13.1.5: only a strong entity tag may stand in If-Range. */
function strongVersion(answer: Response): string | undefined {
  const tag = answer.headers.get('etag');
  return tag?.startsWith('"') ? tag : undefined;
}

function startOf(answer: Response): number {
  return Number(/^bytes (\d+)-/.exec(answer.headers.get('content-range') ?? '')?.[1] ?? Number.NaN);
}

function lengthOf(answer: Response): number | undefined {
  const length = answer.headers.get('content-length');
  return length === null || !/^\d+$/.test(length) ? undefined : Number(length);
}

async function sizeOf(file: string): Promise<number> {
  return (await stat(file).catch(() => undefined))?.size ?? 0;
}
