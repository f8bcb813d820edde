import { z } from 'zod';
import { wallMsSchema } from '../ids.ts';
import { operatorAccountNameSchema } from '../wire/operator.ts';
import type { Endpoint } from './endpoint.ts';
import { selectSchema } from './groups.ts';
import { emptySchema, pageOf, pageQuerySchema } from './paging.ts';
import { roleSchema } from './people.ts';

/** An account for MQTT tools of people. */
export const operatorAccountSchema = z.object({
  name: z.string(),
  token: z.string().meta({ description: 'Id of the API token whose text is its password, and whose role and scopes bound it' }),
  role: roleSchema,
  scopes: z.array(z.string()).nullable(),
  select: z.string().nullable().meta({ description: 'Devices that it may command; null: all' }),
  owner: z.string(),
  createdAtMs: wallMsSchema,
  expiresAtMs: wallMsSchema.nullable(),
  lastUsedAtMs: wallMsSchema.nullable(),
  revokedAtMs: wallMsSchema.nullable(),
});
export type OperatorAccount = z.infer<typeof operatorAccountSchema>;

export const operatorEndpoints = {
  listOperatorAccounts: {
    method: 'get',
    path: '/operator-accounts',
    access: 'admin',
    tag: 'people',
    summary: 'Accounts for MQTT tools of people, newest first',
    query: pageQuerySchema,
    response: pageOf(operatorAccountSchema),
  },
  createOperatorAccount: {
    method: 'post',
    path: '/operator-accounts',
    access: 'admin',
    tag: 'people',
    summary: 'Make an account for MQTT tools; its password is shown once',
    body: z.object({
      name: operatorAccountNameSchema,
      role: roleSchema.default('operator'),
      select: selectSchema.optional().meta({ description: 'Devices that it may command; all if not given' }),
      expiresInDays: z.number().int().min(1).max(3650).optional(),
    }),
    response: z.object({ account: operatorAccountSchema, password: z.string(), topicRoot: z.string() }),
  },
  revokeOperatorAccount: {
    method: 'delete',
    path: '/operator-accounts/{name}',
    access: 'admin',
    tag: 'people',
    summary: 'End an account, and its connections at once',
    response: emptySchema,
  },
} as const satisfies Record<string, Endpoint>;
