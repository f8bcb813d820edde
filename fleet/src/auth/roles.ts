import type { Role } from '@starling/shared';

const rank: Record<Role, number> = { viewer: 0, operator: 1, admin: 2 };

/** Each role includes those before it. */
export function atLeast(role: Role, needed: Role): boolean {
  return rank[role] >= rank[needed];
}
