import { z } from 'zod';
import { wallMsSchema } from '../ids.ts';
import type { Endpoint } from './endpoint.ts';
import { emptySchema, pageOf, pageQuerySchema } from './paging.ts';

/** `viewer` sees, `operator` changes what runs, `admin` changes who may. Each includes the ones before. */
export const roleSchema = z.enum(['viewer', 'operator', 'admin']);
export type Role = z.infer<typeof roleSchema>;

export const userSchema = z.object({
  id: z.string(),
  email: z.string(),
  name: z.string(),
  role: roleSchema,
  disabled: z.boolean(),
  createdAtMs: wallMsSchema,
});
export type User = z.infer<typeof userSchema>;

export const auditEntrySchema = z.object({
  id: z.number().int(),
  atMs: wallMsSchema,
  actor: z.string(),
  action: z.string(),
  subject: z.string(),
  detail: z.record(z.string(), z.unknown()),
});
export type AuditEntry = z.infer<typeof auditEntrySchema>;

const passwordSchema = z.string().min(12, 'use at least 12 characters').max(200);

export const peopleEndpoints = {
  changePassword: {
    method: 'post',
    path: '/me/password',
    access: 'viewer',
    tag: 'people',
    summary: 'Change the own password; ends all other sessions',
    body: z.object({ current: z.string().max(200), next: passwordSchema }),
    response: emptySchema,
  },
  listUsers: {
    method: 'get',
    path: '/users',
    access: 'admin',
    tag: 'people',
    summary: 'List users',
    query: pageQuerySchema,
    response: pageOf(userSchema),
  },
  createUser: {
    method: 'post',
    path: '/users',
    access: 'admin',
    tag: 'people',
    summary: 'Create a user; answers with a one-time password',
    body: z.object({ email: z.email(), name: z.string().min(1).max(100), role: roleSchema }),
    response: z.object({ user: userSchema, password: z.string() }),
  },
  changeUser: {
    method: 'patch',
    path: '/users/{id}',
    access: 'admin',
    tag: 'people',
    summary: 'Change role or disable',
    body: z.object({ role: roleSchema.optional(), disabled: z.boolean().optional() }),
    response: userSchema,
  },
  listAudit: {
    method: 'get',
    path: '/audit',
    access: 'operator',
    tag: 'people',
    summary: 'Who changed what, newest first',
    query: pageQuerySchema.extend({ search: z.string().max(200).optional() }),
    response: pageOf(auditEntrySchema),
  },
} as const satisfies Record<string, Endpoint>;
