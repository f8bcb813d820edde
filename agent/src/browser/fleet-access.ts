import { API_BASE, api, messageOf, StarlingError } from '@starling/shared';
import { ANSWER_BYTES_MAXIMUM, ANSWER_TIMEOUT_MS, fleetAccessOver, type HttpAnswer } from '../core/link/index.ts';
import type { FleetAccess } from '../core/ports/fleet-access.ts';

/** HTTP to the fleet. Whose certificate is believed, the browser decides; whose documents, the root that the claim token pins. */
export function createFleetAccess(url: string): FleetAccess {
  return fleetAccessOver(url, send);
}

async function send(url: string, method: 'GET' | 'POST', json: string | undefined): Promise<HttpAnswer> {
  try {
    const response = await fetch(url, {
      method,
      // A device is known by its key, never by who else is signed in with this browser.
      credentials: 'omit',
      cache: 'no-store',
      signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
      ...(json === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: json }),
    });
    return { status: response.status, text: await readText(response) };
  } catch (cause) {
    if (cause instanceof StarlingError) throw cause;
    throw await unanswered(new URL(url), cause);
  }
}

/**
 * Why there is no answer. To a page that may not read one a browser says the same as where nobody answers, so the fleet is asked for
 * something that every page may load, though not read.
 */
async function unanswered({ origin: fleet, href }: URL, cause: unknown): Promise<StarlingError> {
  const page = globalThis.origin;
  if (page !== fleet && (await answersAnybody(fleet)))
    return new StarlingError('cross-origin', `the fleet ${fleet} does not let pages of ${page} run devices`, {
      ...{ field: 'fleet', retryable: true, cause },
      hint: `name this site in the setting browserOrigins of the fleet, as in --browser-origins ${page}`,
    });
  return new StarlingError('unreachable', `cannot reach ${href}: ${messageOf(cause)}`, {
    ...{ retryable: true, cause },
    ...(page === fleet ? {} : { hint: `open ${fleet} in this browser: is it the fleet, and is its certificate trusted?` }),
  });
}

async function answersAnybody(fleet: string): Promise<boolean> {
  const asking = fetch(`${fleet}${API_BASE}${api.listRoots.path}`, {
    ...{ mode: 'no-cors', credentials: 'omit', cache: 'no-store' },
    signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
  });
  return asking.then(
    () => true,
    () => false,
  );
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
