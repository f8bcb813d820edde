import { type Role, StarlingError } from '@starling/shared';
import { useSuspenseQuery } from '@tanstack/react-query';
import { z } from 'zod';
import { read } from './queries.ts';

const rank: Record<Role, number> = { viewer: 0, operator: 1, admin: 2 };
const refusalSchema = z.object({ code: z.string().optional(), message: z.string().optional() });

/** Who is signed in. The shell waits for it, so that pages below always have an answer. */
export const whoAmI = () => ({ ...read('whoAmI', {}), staleTime: 60_000 });

/** The signed-in person, and what that role may do. */
export function useSession() {
  const { data: actor } = useSuspenseQuery(whoAmI());
  return { actor, may: (needed: Role): boolean => rank[actor.role] >= rank[needed] };
}

/** @throws StarlingError `login-refused`, `too-many-requests` or `unreachable` */
export async function signIn(email: string, password: string): Promise<void> {
  await postToAuth('/api/auth/sign-in/email', { email, password });
}

export async function signOut(): Promise<void> {
  await postToAuth('/api/auth/sign-out', {});
}

async function postToAuth(path: string, body: Record<string, string>): Promise<void> {
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const response = await fetch(path, init).catch((cause: unknown) => {
    throw new StarlingError('unreachable', 'the fleet does not answer', { hint: 'is it running?', retryable: true, cause });
  });
  if (response.ok) return;
  if (response.status === 429) {
    throw new StarlingError('too-many-requests', 'too many attempts', { hint: 'wait a minute, then try again', retryable: true });
  }
  const refusal = refusalSchema.safeParse(await response.json().catch(() => undefined)).data;
  if (response.status === 401 || response.status === 403) {
    throw new StarlingError('login-refused', refusal?.message ?? 'e-mail or password is wrong', {
      field: 'password',
      hint: 'the first start of a fleet prints the first password; an admin can make a new user for you',
    });
  }
  throw new StarlingError('unexpected-answer', refusal?.message ?? `the fleet answered ${response.status}`, { retryable: true });
}
