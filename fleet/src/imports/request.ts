import { messageOf, StarlingError } from '@starling/shared';

export interface RequestOptions {
  method: 'GET' | 'HEAD';
  headers: Readonly<Record<string, string>>;
  /** Plain HTTP to other machines is refused without it. */
  insecure: boolean;
  signal: AbortSignal;
  /** A redirect to another place is the answer, and not followed. */
  staysAtOrigin?: boolean;
}

const REDIRECTS_MAXIMUM = 5;
const redirects = new Set([301, 302, 303, 307, 308]);

/**
 * Fetches an address and follows its redirects.
 * @param onAnswer sees every answer on the way: some say more about a file than the place where its bytes lie
 * @throws StarlingError `insecure-address`, `import-redirects`, `import-unreachable` (retryable)
 */
export async function request(start: URL, options: RequestOptions, onAnswer?: (answer: Response) => void): Promise<Response> {
  let url = start;
  let headers = { ...options.headers, 'accept-encoding': 'identity' };
  for (let hops = 0; hops <= REDIRECTS_MAXIMUM; hops += 1) {
    requireSafe(url, options.insecure);
    const answer = await send(url, { method: options.method, headers, redirect: 'manual', signal: options.signal });
    onAnswer?.(answer);
    if (!redirects.has(answer.status)) return answer;
    const next = nextAddress(answer, url);
    if (options.staysAtOrigin === true && next.origin !== url.origin) return answer;
    await answer.body?.cancel();
    // Attack: a redirect to a stranger who collects tokens.
    if (next.origin !== url.origin) headers = withoutSecrets(headers);
    url = next;
  }
  throw new StarlingError('import-redirects', `${start.host} redirects more than ${REDIRECTS_MAXIMUM} times`, {
    field: 'source',
    hint: 'use the address to which it leads in a browser',
  });
}

async function send(url: URL, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (cause) {
    if (init.signal?.aborted === true) throw cause;
    throw unreachable(url, cause);
  }
}

export function unreachable(url: URL, cause: unknown): StarlingError {
  const inner = cause instanceof Error && cause.cause !== undefined ? messageOf(cause.cause) : '';
  return new StarlingError('import-unreachable', `${url.host} cannot be reached: ${inner === '' ? messageOf(cause) : inner}`, {
    field: 'source',
    hint: 'check the address and the network',
    retryable: true,
    cause,
  });
}

/** Attack: whoever stands on the way puts another file into the place of the one that was asked for. */
function requireSafe(url: URL, insecure: boolean): void {
  if (url.protocol === 'https:' || insecure || isLoopback(url)) return;
  throw new StarlingError('insecure-address', `${url.origin} is plain HTTP: the file could be replaced on the way`, {
    field: 'source',
    hint: 'use https://, or give the --sha256 of the file',
  });
}

function isLoopback({ hostname }: URL): boolean {
  return /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
}

function nextAddress(answer: Response, from: URL): URL {
  const location = answer.headers.get('location');
  const next = location !== null && URL.canParse(location, from.href) ? new URL(location, from.href) : undefined;
  if (next === undefined || !/^https?:$/.test(next.protocol)) {
    throw new StarlingError('import-redirects', `${from.host} redirects to no address that can be fetched`, { field: 'source' });
  }
  return next;
}

function withoutSecrets(headers: Record<string, string>): typeof headers & { 'accept-encoding': string } {
  const { authorization: _, ...rest } = headers as Record<string, string> & { 'accept-encoding': string };
  return rest as Record<string, string> & { 'accept-encoding': string };
}

/** What an answer that is no success means for an import. */
export function refusalOf(answer: Response, url: URL): StarlingError {
  const { status } = answer;
  if (status === 401 || status === 403) {
    return new StarlingError(
      'import-forbidden',
      `${url.host} answers ${status}: it asks for a login, or the terms of the model were not accepted`,
      {
        field: 'source',
        hint: 'set HF_TOKEN to a token that may read it, and accept the terms on its page; a repository that does not exist looks the same',
      },
    );
  }
  if (status === 404 || status === 410) {
    return new StarlingError('import-not-found', `there is nothing at ${url.origin}${url.pathname}`, {
      field: 'source',
      hint: 'check the name, the path and the revision',
    });
  }
  const retryable = status === 408 || status === 429 || status >= 500;
  return new StarlingError('import-refused', `${url.host} answers ${status}`, { field: 'source', hint: 'try again later', retryable });
}
