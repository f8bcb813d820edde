import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Actor } from '@starling/shared';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAccounts } from '../auth/index.ts';
import { type OpenDatabase, openDatabase } from '../db/index.ts';
import { systemIds } from '../ids.ts';
import { createOperatorAccounts } from './accounts.ts';

const DAY_MS = 86_400_000;
const actor: Actor = { id: 'ann', name: 'ann', role: 'admin', via: 'session', scopes: null };

let directory: string;
let database: OpenDatabase;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'starling-operators-'));
  database = await openDatabase({ directory });
}, 60_000);
afterAll(async () => {
  await database?.close();
  await rm(directory, { recursive: true, force: true });
});

test('accounts have ended when they were revoked, by themselves or by their token, or when their time is over', async () => {
  const { db } = database;
  let nowMs = 1_000_000;
  const clock = { nowMs: () => nowMs };
  const settings = { secret: randomBytes(32).toString('hex'), publicUrl: 'http://localhost', trustedOrigins: [] };
  const accounts = createAccounts({ db, clock, ids: systemIds, ...settings });
  const operators = createOperatorAccounts({ db, clock, accounts, where: async () => sql`true` });
  for (const name of ['revoked', 'lasting']) await operators.create({ name, role: 'operator' }, actor);
  await operators.create({ name: 'short', role: 'operator', expiresInDays: 1 }, actor);
  await operators.create({ name: 'long', role: 'operator', expiresInDays: 9 }, actor);
  const { account } = await operators.create({ name: 'by-token', role: 'operator' }, actor);

  const ended = async () => (await operators.ended(['revoked', 'lasting', 'short', 'long', 'by-token', 'not-ours'])).toSorted();
  expect(await ended()).toEqual([]);
  await operators.revoke('revoked', actor);
  // Somebody ends the token that stands behind it, where all tokens are.
  await accounts.revokeToken(account.token, actor);
  nowMs += DAY_MS;
  expect(await ended()).toEqual(['by-token', 'revoked', 'short']);
  expect(await operators.ended([])).toEqual([]);
});
