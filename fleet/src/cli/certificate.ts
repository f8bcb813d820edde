import { createHash, X509Certificate } from 'node:crypto';
import { API_BASE, isStarlingError } from '@starling/shared';
import { cliError } from './errors.ts';
import type { Output } from './output.ts';
import type { Prompt } from './prompt.ts';
import { createTransport } from './transport.ts';

export interface PinOptions {
  fleet: string;
  /** PEM given by --ca. */
  given: string | undefined;
  /** PEM that was pinned at an earlier login. */
  pinned: string | undefined;
  /** SHA-256 that the person got by another way. */
  fingerprint: string | undefined;
  output: Output;
  prompt: Prompt;
  signal: AbortSignal;
}

/**
 * Decides whom to trust for the certificate of the fleet: the given authority, those of the system, or the fleet's own after its
 * fingerprint was compared. Attack: somebody in the middle answers with an own authority; only the comparison shows it.
 * @returns PEM to pin; undefined for the authorities of the system
 */
export async function chooseAuthority(options: PinOptions): Promise<string | undefined> {
  const { fleet, given, pinned, fingerprint, output, prompt, signal } = options;
  if (!fleet.startsWith('https:')) return undefined;
  if (given !== undefined) return given;
  if (pinned !== undefined && fingerprint === undefined) {
    if ((await probe(fleet, pinned, signal)) === undefined) return pinned;
    output.warn(`the certificate authority of ${fleet} is another one than at the last login`);
  }
  const untrusted = await probe(fleet, undefined, signal);
  if (untrusted === undefined && fingerprint === undefined) return undefined;
  const pem = await fetchAuthority(fleet, signal);
  const found = fingerprintOfPem(pem);
  if (fingerprint !== undefined) {
    if (normalise(fingerprint) !== found) {
      throw cliError('untrusted-certificate', `the authority of the fleet has the fingerprint ${found}, not the expected one`, {
        field: '--ca-fingerprint',
        hint: 'somebody may be in between; compare with Settings in the dashboard on the machine of the fleet',
      });
    }
  } else {
    output.warn(`${fleet} has its own certificate authority, SHA-256 fingerprint:\n  ${found}\ncompare it with Settings in the dashboard`);
    await prompt.confirm('Trust it from now on?', { yes: false }).catch((error: unknown) => {
      if (!isStarlingError(error) || error.code !== 'not-confirmed') throw error;
      throw cliError('untrusted-certificate', `the own authority of the fleet (${found}) was not confirmed`, {
        field: '--ca-fingerprint',
        hint: 'compare it with Settings in the dashboard, then give --ca-fingerprint or --ca FILE',
      });
    });
  }
  const still = await probe(fleet, pem, signal);
  if (still !== undefined) throw still;
  return pem;
}

/** @returns the error if the certificate is not trusted */
async function probe(fleet: string, authority: string | undefined, signal: AbortSignal): Promise<unknown> {
  const transport = createTransport({ authority, signal });
  try {
    (await transport.open(`${fleet}${API_BASE}/health`, { method: 'GET', headers: {} })).resume();
    return undefined;
  } catch (error) {
    if (isStarlingError(error) && error.code === 'untrusted-certificate') return error;
    throw error;
  } finally {
    transport.close();
  }
}

async function fetchAuthority(fleet: string, signal: AbortSignal): Promise<string> {
  const transport = createTransport({ signal, trustAnyone: true });
  try {
    const answer = await transport.open(`${fleet}${API_BASE}/trust/ca.pem`, { method: 'GET', headers: {} });
    let text = '';
    for await (const piece of answer) {
      text += String(piece);
      if (text.length > 64 * 1024) break;
    }
    if (answer.statusCode === 200 && text.includes('-----BEGIN CERTIFICATE-----')) return text;
  } finally {
    transport.close();
  }
  throw cliError('untrusted-certificate', `${fleet} shows a certificate that nobody vouches for, and has no authority of its own`, {
    field: '--ca',
    hint: 'give the PEM file of its authority with --ca FILE',
  });
}

/** SHA-256 of the DER, as the fleet's settings show it. */
export function fingerprintOfPem(pem: string): string {
  return createHash('sha256').update(new X509Certificate(pem).raw).digest('hex');
}

function normalise(fingerprint: string): string {
  return fingerprint
    .toLowerCase()
    .replace(/^sha256:/, '')
    .replace(/[^0-9a-f]/g, '');
}
