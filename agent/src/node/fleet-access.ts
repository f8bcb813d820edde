import { createHash, X509Certificate } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import { API_BASE, api, messageOf, parseWith, StarlingError } from '@starling/shared';
import { ANSWER_BYTES_MAXIMUM, ANSWER_TIMEOUT_MS, fleetAccessOver, type HttpAnswer, newestOnward } from '../core/link/index.ts';
import type { FleetAccess } from '../core/ports/fleet-access.ts';
import { type Authority, connectPinned } from './pinned-tls.ts';

/** HTTP to the fleet. With an authority, only a certificate of that one is believed. */
export function createFleetAccess(url: string, authority: Authority | undefined): FleetAccess {
  return fleetAccessOver(url, (path, method, json) => send(path, method, json, authority === undefined ? {} : pinned(url, authority)));
}

/** Hands the request a connection that has been checked. */
function pinned(url: string, authority: Authority): RequestOptions {
  const { protocol, hostname, port } = new URL(url);
  if (protocol !== 'https:') return {};
  const host = hostname.replace(/^\[|\]$/g, '');
  return {
    createConnection: (_options, done) => {
      connectPinned(host, Number(port || 443), authority).then(
        (socket) => done(null, socket),
        (error: Error) => done(error, undefined as never),
      );
      return undefined;
    },
  };
}

/** For what needs no trust in the connection: signed documents, and what they name by digest. */
export function createUntrustedAccess(url: string): FleetAccess {
  return fleetAccessOver(url, (path, method, json) => send(path, method, json, { rejectUnauthorized: false }));
}

/**
 * Fetches the fleet's own authority without trusting the connection, and believes it only by the digest that the claim token pins, or
 * where a root that follows the pinned one names it: the authority may have been replaced since the token was made.
 * @throws StarlingError `digest-mismatch`
 */
async function fetchAuthority(url: string, pinned: { certificateDigest: string; rootDigest: string }): Promise<string> {
  const { status, text } = await send(`${url}${API_BASE}/trust/ca.pem`, 'GET', undefined, { rejectUnauthorized: false });
  if (status !== 200)
    throw new StarlingError('unexpected-answer', `${url} answered ${status} when asked for its authority`, { retryable: true });
  const found = authorityDigestOf(text);
  if (found === pinned.certificateDigest || (await namesAuthority(url, pinned.rootDigest, found))) return text;
  throw new StarlingError('digest-mismatch', 'the authority of this fleet is not the one that the claim token names', {
    hint: 'somebody may stand between; ask for a new claim token',
  });
}

/**
 * The same, and whatever else the newest root names: while the authority is being replaced, one process of a fleet shows the new one and
 * another the old.
 * @throws StarlingError `digest-mismatch`
 */
export async function fetchAuthorities(
  url: string,
  pinned: { certificateDigest: string; rootDigest: string },
): Promise<{ authority: string; certificates: string[] }> {
  const authority = await fetchAuthority(url, pinned);
  const others = await namedAuthorities(url, pinned.rootDigest).catch(() => []);
  return { authority, certificates: [authority, ...others.filter((each) => each !== authority)] };
}

async function namedAuthorities(url: string, rootDigest: string): Promise<string[]> {
  const untrusted = createUntrustedAccess(url);
  const { roots } = parseWith(api.listRoots.response, await untrusted.get('/trust/roots?from=1'));
  const { authorities: named = [] } = await newestOnward(roots, rootDigest);
  const { authorities } = parseWith(api.listAuthorities.response, await untrusted.get('/trust/authorities'));
  return authorities.flatMap(({ certificate }) => (named.includes(authorityDigestOf(certificate)) ? [certificate] : []));
}

/** SHA-256 of the DER. */
export function authorityDigestOf(certificate: string): string {
  return createHash('sha256').update(new X509Certificate(certificate).raw).digest('hex');
}

async function namesAuthority(url: string, rootDigest: string, digest: string): Promise<boolean> {
  try {
    const { roots } = parseWith(api.listRoots.response, await createUntrustedAccess(url).get('/trust/roots?from=1'));
    return (await newestOnward(roots, rootDigest)).authorities?.includes(digest) === true;
  } catch {
    return false;
  }
}

function send(url: string, method: string, payload: string | undefined, options: RequestOptions): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const request = (url.startsWith('https:') ? httpsRequest : httpRequest)(
      url,
      {
        method,
        timeout: ANSWER_TIMEOUT_MS,
        headers: payload === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) },
        ...options,
      },
      (response) => {
        const pieces: Buffer[] = [];
        let size = 0;
        response.on('data', (piece: Buffer) => {
          size += piece.length;
          // Attack: endless data.
          if (size > ANSWER_BYTES_MAXIMUM) request.destroy(new StarlingError('too-large', 'the answer of the fleet has no end'));
          else pieces.push(piece);
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(pieces).toString('utf8') }));
      },
    );
    request.on('timeout', () =>
      request.destroy(new StarlingError('unreachable', `${url} did not answer within ${ANSWER_TIMEOUT_MS / 1000} s`)),
    );
    request.on('error', (cause) =>
      reject(new StarlingError('unreachable', `cannot reach ${url}: ${messageOf(cause)}`, { retryable: true, cause })),
    );
    request.end(payload);
  });
}
