import { type Actor, type OperatorAccount, type PageQuery, type Role, type Scope, StarlingError } from '@starling/shared';
import type { SQL } from 'drizzle-orm';
import { appendAudit } from '../audit/index.ts';
import type { Accounts } from '../auth/index.ts';
import type { Database } from '../db/index.ts';
import type { Clock } from '../ports.ts';
import { type AccountRow, accountByName, insertAccount, selectAccounts, selectEnded } from './store.ts';

/** Accounts for people's own MQTT tools: a name in topics, and an API token that bounds what it may do. */
export interface OperatorAccounts {
  create(account: NewOperatorAccount, actor: Actor): Promise<{ account: OperatorAccount; password: string }>;
  list(page: PageQuery): Promise<{ items: OperatorAccount[]; total: number }>;
  revoke(name: string, actor: Actor): Promise<void>;
  /** @returns those of the accounts that it knows and whose token was revoked or has ended */
  ended(names: readonly string[]): Promise<string[]>;
  /** Login at the broker. */
  checkPassword(name: string, password: string): Promise<boolean>;
  /** Who acts under the name at this moment, and for which devices; undefined if nobody may any more. */
  actorOf(name: string): Promise<{ actor: Actor; select: string | null } | undefined>;
}

export interface NewOperatorAccount {
  name: string;
  role: Role;
  select?: string | undefined;
  expiresInDays?: number | undefined;
}

interface AccountPorts {
  db: Database;
  clock: Clock;
  accounts: Pick<Accounts, 'createToken' | 'revokeToken' | 'byToken' | 'ofToken'>;
  /** Reads a selector. @throws StarlingError `invalid-selector` */
  where(select: string): Promise<SQL>;
}

/** Commands, and nothing else: neither what they show of other devices, nor anything that changes the fleet. */
const SCOPES: Scope[] = ['commands:write'];

export function createOperatorAccounts({ db, clock, accounts, where }: AccountPorts): OperatorAccounts {
  const find = async (name: string): Promise<AccountRow> => {
    const row = await accountByName(db, name);
    if (row === undefined) throw new StarlingError('not-found', `there is no operator account ${name}`, { field: 'name' });
    return row;
  };
  return {
    async create({ name, role, select, expiresInDays }, actor) {
      if (select !== undefined) await where(select);
      const nowMs = clock.nowMs();
      const made = { name: `mqtt ${name}`, role, scopes: SCOPES, expiresInDays };
      const { token, secret } = await accounts.createToken(made, actor, async (tx, id) => {
        if (!(await insertAccount(tx, { name, token: id, select: select ?? null, createdAtMs: nowMs }))) throw taken(name);
        await appendAudit(tx, clock, actor, 'operator-account.create', name, { role, select: select ?? null, token: id });
      });
      const { id: _id, name: _name, ...rest } = token;
      return { account: { ...rest, name, token: token.id, select: select ?? null }, password: secret };
    },
    list: (page) => selectAccounts(db, page),
    async revoke(name, actor) {
      const { token } = await find(name);
      await accounts.revokeToken(token, actor, (tx) => appendAudit(tx, clock, actor, 'operator-account.revoke', name, { token }));
    },
    ended: (names) => selectEnded(db, names, clock.nowMs()),
    async checkPassword(name, password) {
      const row = await accountByName(db, name);
      const actor = row === undefined ? undefined : await accounts.byToken(password);
      // Attack: log in under another's name with a token of one's own.
      return actor !== undefined && actor.id === row?.token;
    },
    async actorOf(name) {
      const row = await accountByName(db, name);
      const actor = row === undefined ? undefined : await accounts.ofToken(row.token);
      return row === undefined || actor === undefined ? undefined : { actor, select: row.select };
    },
  };
}

function taken(name: string): StarlingError {
  return new StarlingError('name-taken', `there is, or was, an operator account ${name}`, {
    field: 'name',
    hint: 'take another name: old entries of the audit would seem to be of the new account',
  });
}
