import { API_BASE, messageOf, problemDetailsSchema, StarlingError } from '@starling/shared';
import type { FleetAccess } from '../core/ports/fleet-access.ts';

const TIMEOUT_MS = 20_000;
const ANSWER_BYTES_MAXIMUM = 1024 * 1024;

/** HTTP to the fleet. Whose certificate is believed, the browser decides; whose documents, the root that the claim token pins. */
export function createFleetAccess(url: string): FleetAccess {
  const call = async (method: 'GET' | 'POST', path: string, body?: unknown): Promise<unknown> => {
    const answer = await send(`${url}${API_BASE}${path}`, method, body);
    const value = parseJson(answer.text);
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

async function send(url: string, method: string, body: unknown): Promise<{ status: number; text: string }> {
  try {
    const response = await fetch(url, {
      method,
      // A device is known by its key, never by who else is signed in with this browser.
      credentials: 'omit',
      cache: 'no-store',
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    return { status: response.status, text: await readText(response) };
  } catch (cause) {
    if (cause instanceof StarlingError) throw cause;
    throw new StarlingError('unreachable', `cannot reach ${url}: ${messageOf(cause)}`, { retryable: true, cause });
  }
}

async function readText(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  const reader = response.body?.getReader();
  let text = '';
  let size = 0;
  for (let next = await reader?.read(); next?.value !== undefined; next = await reader?.read()) {
    size += next.value.length;
    // Attack: endless data.
    if (size > ANSWER_BYTES_MAXIMUM) {
      await reader?.cancel();
      throw new StarlingError('too-large', 'the answer of the fleet has no end');
    }
    text += decoder.decode(next.value, { stream: true });
  }
  return text + decoder.decode();
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
