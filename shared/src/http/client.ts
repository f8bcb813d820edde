import { messageOf, StarlingError } from '../errors.ts';
import { API_BASE } from './api.ts';
import type { BodyOf, Endpoint, PathParams, QueryOf, ResponseOf } from './endpoint.ts';
import { problemDetailsSchema } from './paging.ts';

/** The part of `fetch` that the client needs; Node and browsers both have it. */
export type FetchLike = (
  url: string,
  init: { method: string; headers: Record<string, string>; body?: Uint8Array | string },
) => Promise<{ status: number; ok: boolean; json(): Promise<unknown> }>;

export interface ClientOptions {
  /** Address of the fleet; empty for the page's own origin. */
  baseUrl: string;
  fetch: FetchLike;
  /** API token; browsers use their session cookie instead. */
  token?: string | undefined;
}

export type CallOptions<E extends Endpoint> = {
  query?: QueryOf<E>;
  raw?: Uint8Array;
  contentType?: string;
} & (BodyOf<E> extends undefined ? { body?: undefined } : { body: BodyOf<E> }) &
  ([PathParams<E['path']>] extends [never] ? { params?: undefined } : { params: Record<PathParams<E['path']>, string> });

export interface ApiClient {
  /** @throws StarlingError with the code, field and hint of the problem, or `unreachable` */
  call<E extends Endpoint>(endpoint: E, options: CallOptions<E>): Promise<ResponseOf<E>>;
}

/** A client whose arguments and results are typed by the endpoint declarations. */
export function createApiClient({ baseUrl, fetch, token }: ClientOptions): ApiClient {
  return {
    async call(endpoint, options) {
      const url = `${baseUrl}${API_BASE}${fillPath(endpoint.path, options.params ?? {})}${queryString(options.query ?? {})}`;
      const headers: Record<string, string> = { accept: 'application/json' };
      if (token !== undefined) headers.authorization = `Bearer ${token}`;
      let body: Uint8Array | string | undefined;
      if (options.raw !== undefined) {
        body = options.raw;
        headers['content-type'] = options.contentType ?? 'application/octet-stream';
      } else if (options.body !== undefined) {
        body = JSON.stringify(options.body);
        headers['content-type'] = 'application/json';
      }
      const response = await send(fetch, url, { method: endpoint.method.toUpperCase(), headers, ...(body === undefined ? {} : { body }) });
      return endpoint.response.parse(response) as ResponseOf<typeof endpoint>;
    },
  };
}

async function send(fetch: FetchLike, url: string, init: Parameters<FetchLike>[1]): Promise<unknown> {
  let response: Awaited<ReturnType<FetchLike>>;
  try {
    response = await fetch(url, init);
  } catch (cause) {
    throw new StarlingError('unreachable', `cannot reach ${url}: ${messageOf(cause)}`, {
      cause,
      retryable: true,
      hint: 'is the fleet running?',
    });
  }
  const answer: unknown = await response.json().catch(() => undefined);
  if (response.ok) return answer;
  const problem = problemDetailsSchema.safeParse(answer).data;
  if (problem === undefined)
    throw new StarlingError('unexpected-answer', `${url} answered ${response.status}`, { retryable: response.status >= 500 });
  const { code, detail, field, hint } = problem;
  const listed =
    problem.problems?.map((each) => `\n  ${each.field}: ${each.message}${each.hint === undefined ? '' : ` (${each.hint})`}`).join('') ?? '';
  throw new StarlingError(code, `${detail}${listed}`, {
    ...(field === undefined ? {} : { field }),
    ...(hint === undefined ? {} : { hint }),
  });
}

function fillPath(path: string, params: Readonly<Record<string, string>>): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ''));
}

function queryString(query: Readonly<Record<string, unknown>>): string {
  const parts = Object.entries(query)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(String(value))}`);
  return parts.length === 0 ? '' : `?${parts.join('&')}`;
}
