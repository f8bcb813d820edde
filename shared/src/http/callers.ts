import { z } from 'zod';
import { wallMsSchema } from '../ids.ts';
import type { Endpoint } from './endpoint.ts';
import { emptySchema, pageOf, pageQuerySchema } from './paging.ts';
import { roleSchema } from './people.ts';
import { scopeSchema, scopesSchema } from './scopes.ts';

const grantedSchema = z
  .array(scopeSchema)
  .nullable()
  .meta({ description: 'What an API token is bounded to; null is everything that the role may' });

export const actorSchema = z.object({
  id: z.string(),
  name: z.string(),
  role: roleSchema,
  via: z.enum(['session', 'token']),
  scopes: grantedSchema,
});
export type Actor = z.infer<typeof actorSchema>;

export const apiTokenSchema = z.object({
  id: z.string(),
  name: z.string(),
  role: roleSchema,
  scopes: grantedSchema,
  owner: z.string(),
  createdAtMs: wallMsSchema,
  expiresAtMs: wallMsSchema.nullable(),
  lastUsedAtMs: wallMsSchema.nullable(),
  revokedAtMs: wallMsSchema.nullable(),
});
export type ApiToken = z.infer<typeof apiTokenSchema>;

export const callerEndpoints = {
  whoAmI: {
    method: 'get',
    path: '/me',
    access: 'viewer',
    anyScope: true,
    tag: 'people',
    summary: 'Who is signed in',
    response: actorSchema,
  },
  listApiTokens: {
    method: 'get',
    path: '/api-tokens',
    access: 'admin',
    tag: 'people',
    summary: 'List API tokens',
    query: pageQuerySchema,
    response: pageOf(apiTokenSchema),
  },
  createApiToken: {
    method: 'post',
    path: '/api-tokens',
    access: 'admin',
    tag: 'people',
    summary: 'Create an API token; its text is shown once',
    body: z.object({
      name: z.string().min(1).max(100),
      role: roleSchema,
      scopes: scopesSchema.optional().meta({ description: 'Bounds the token within its role; everything that the role may if not given' }),
      expiresInDays: z.number().int().min(1).max(3650).optional(),
    }),
    response: z.object({ token: apiTokenSchema, secret: z.string() }),
  },
  revokeApiToken: {
    method: 'delete',
    path: '/api-tokens/{id}',
    access: 'admin',
    tag: 'people',
    summary: 'Revoke an API token',
    response: emptySchema,
  },
} as const satisfies Record<string, Endpoint>;
