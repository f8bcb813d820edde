import { cliError } from './errors.ts';
import type { Transport } from './transport.ts';

/**
 * Signs in with e-mail and password.
 * @returns the session cookie
 * @throws StarlingError `sign-in-failed`
 */
export async function signIn(transport: Transport, fleet: string, login: { email: string; password: string }): Promise<string> {
  const body = JSON.stringify(login);
  const answer = await transport.open(`${fleet}/api/auth/sign-in/email`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'content-length': `${Buffer.byteLength(body)}`, origin: fleet },
    body,
  });
  answer.resume();
  const { statusCode = 0, headers } = answer;
  if (statusCode === 429) {
    throw cliError('sign-in-failed', 'too many attempts from this address', { field: '--email', hint: 'wait a minute', retryable: true });
  }
  if (statusCode === 404) {
    throw cliError('unexpected-answer', `${fleet} answers, but is no fleet`, { field: '--fleet', hint: 'check the address and the port' });
  }
  const cookie = (headers['set-cookie'] ?? []).map((each) => each.split(';')[0]).join('; ');
  if (statusCode !== 200 || cookie === '') {
    throw cliError('sign-in-failed', `${login.email} could not sign in (${statusCode})`, {
      field: '--email',
      hint: 'check e-mail and password; the first admin is printed when a fleet starts for the first time',
    });
  }
  return cookie;
}

/** Ends a session. A session that is over already is as good. */
export async function signOut(transport: Transport, fleet: string): Promise<void> {
  const answer = await transport.open(`${fleet}/api/auth/sign-out`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'content-length': '2', origin: fleet },
    body: '{}',
  });
  answer.resume();
}
