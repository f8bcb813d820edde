import { API_BASE, problemDetailsSchema, StarlingError } from '@starling/shared';
import type { FleetAccess } from '../ports/fleet-access.ts';

export interface HttpAnswer {
  status: number;
  text: string;
}

/** One request. @throws StarlingError `unreachable`, retryable; `too-large` for more than {@link ANSWER_BYTES_MAXIMUM} */
export type SendRequest = (url: string, method: 'GET' | 'POST', json: string | undefined) => Promise<HttpAnswer>;

export const ANSWER_TIMEOUT_MS = 20_000;
export const ANSWER_BYTES_MAXIMUM = 1024 * 1024;

/** HTTP to the fleet. @param url of the fleet, without a path */
export function fleetAccessOver(url: string, send: SendRequest): FleetAccess {
  const call = async (method: 'GET' | 'POST', path: string, body?: unknown): Promise<unknown> => {
    const answer = await send(`${url}${API_BASE}${path}`, method, body === undefined ? undefined : JSON.stringify(body));
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

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
