/** Passwords, sessions and API tokens -> who is calling, with which role. */
export { type Accounts, createAccounts } from './accounts.ts';
export { atLeast, requireRole, requireScope } from './roles.ts';
export { toApiToken } from './store.ts';
