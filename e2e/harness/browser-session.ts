import { StarlingError } from '@starling/shared';

export interface Answer {
  status: number;
  headers: Headers;
  /** Parsed JSON, or the text. */
  body: unknown;
}

/** Whoever calls: a set of headers. */
export interface Caller {
  call(method: string, path: string, options?: { body?: unknown; headers?: Record<string, string> }): Promise<Answer>;
}

/** @param identity headers of every call, e.g. a cookie or a token */
export function createCaller(baseUrl: string, identity: Record<string, string> = {}): Caller {
  return {
    async call(method, path, { body, headers = {} } = {}) {
      const response = await fetch(`${baseUrl}${path}`, {
        method,
        headers: { ...identity, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
        redirect: 'manual',
      });
      const text = await response.text();
      return { status: response.status, headers: response.headers, body: parse(text) };
    },
  };
}

/** Signs in as a browser does. @throws StarlingError `sign-in-failed` */
export async function signIn(baseUrl: string, login: { email: string; password: string }): Promise<{ caller: Caller; cookies: string[] }> {
  const answer = await createCaller(baseUrl, { origin: baseUrl }).call('POST', '/api/auth/sign-in/email', { body: login });
  if (answer.status !== 200) throw new StarlingError('sign-in-failed', `${login.email} could not sign in: ${answer.status}`);
  const cookies = answer.headers.getSetCookie();
  const cookie = cookies.map((each) => each.split(';')[0]).join('; ');
  return { caller: createCaller(baseUrl, { cookie, origin: baseUrl }), cookies };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
