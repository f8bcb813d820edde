import { type Actor, coversScope, type Role, type Scope, StarlingError } from '@starling/shared';

const rank: Record<Role, number> = { viewer: 0, operator: 1, admin: 2 };

/** Each role includes those before it. */
export function atLeast(role: Role, needed: Role): boolean {
  return rank[role] >= rank[needed];
}

/** @throws StarlingError `forbidden` */
export function requireRole(actor: Actor, role: Role): void {
  if (!atLeast(actor.role, role))
    throw new StarlingError('forbidden', `this needs the role ${role}, you are ${actor.role}`, { hint: 'ask an admin' });
}

/** @throws StarlingError `out-of-scope` */
export function requireScope({ scopes }: Actor, scope: Scope): void {
  if (coversScope(scopes, scope)) return;
  throw new StarlingError('out-of-scope', `this needs the scope ${scope}, the token has ${scopes?.join(', ') || 'none'}`, {
    hint: 'make a token with this scope too',
  });
}
