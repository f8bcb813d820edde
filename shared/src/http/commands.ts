import { z } from 'zod';
import { problemSchema } from '../documents/reported-state.ts';
import { deviceIdSchema, wallMsSchema } from '../ids.ts';
import { commandNameSchema, commandProgressSchema } from '../wire/command.ts';
import { diagnosticsSchema } from '../wire/upload.ts';
import type { Endpoint } from './endpoint.ts';
import { pageOf, pageQuerySchema } from './paging.ts';

/** Commands that anybody sends as they are: the others have a way of their own, which makes their arguments. */
export const sendableCommandSchema = commandNameSchema.exclude(['infer', 'tap', 'tap-stop', 'replay', 'cancel']);

export const commandViewSchema = z.object({
  id: z.string(),
  device: deviceIdSchema,
  name: commandNameSchema,
  arguments: z.record(z.string(), z.unknown()),
  issuer: z.string(),
  status: z.enum(['queued', 'sent', 'accepted', 'progress', 'done', 'failed', 'expired', 'cancelled']),
  result: z.record(z.string(), z.unknown()).nullable(),
  error: problemSchema.nullable(),
  issuedAtMs: wallMsSchema,
  notAfterMs: wallMsSchema,
  finishedAtMs: wallMsSchema.nullable(),
  progress: commandProgressSchema.optional().meta({ description: 'Where an open command stands' }),
});
export type CommandView = z.infer<typeof commandViewSchema>;

/** A command among those of all devices. */
export const namedCommandViewSchema = commandViewSchema.extend({
  deviceName: z.string(),
  online: z.boolean().meta({ description: 'Whether the device is connected now' }),
});
export type NamedCommandView = z.infer<typeof namedCommandViewSchema>;

export const commandEndpoints = {
  commandDevice: {
    method: 'post',
    path: '/devices/{id}/commands',
    access: 'operator',
    tag: 'commands',
    summary: 'Send a command',
    body: z.object({
      name: sendableCommandSchema,
      arguments: z.record(z.string(), z.unknown()).default({}),
      waitMs: z.number().int().min(0).max(60_000).default(0).meta({ description: 'Wait this long for its result' }),
    }),
    response: commandViewSchema,
  },
  listCommands: {
    method: 'get',
    path: '/devices/{id}/commands',
    access: 'viewer',
    tag: 'commands',
    summary: 'Commands of a device, newest first',
    query: pageQuerySchema,
    response: pageOf(commandViewSchema),
  },
  listNamedCommands: {
    method: 'get',
    path: '/commands',
    access: 'viewer',
    tag: 'commands',
    summary: 'What became of one command on all devices, however it was sent; newest first',
    query: pageQuerySchema.extend({
      name: sendableCommandSchema,
      status: commandViewSchema.shape.status.optional(),
      newest: z.stringbool().default(false).meta({ description: 'The newest of each device alone: where devices stand with it' }),
    }),
    response: pageOf(namedCommandViewSchema),
  },
  showCommand: {
    method: 'get',
    path: '/commands/{id}',
    access: 'viewer',
    tag: 'commands',
    summary: 'One command',
    response: commandViewSchema,
  },
  cancelCommand: {
    method: 'post',
    path: '/commands/{id}/cancel',
    access: 'operator',
    tag: 'commands',
    summary: 'End an open command; what its device has not begun it never does',
    response: commandViewSchema,
  },
  showDiagnostics: {
    method: 'get',
    path: '/commands/{id}/diagnostics',
    access: 'operator',
    tag: 'commands',
    summary: 'What a diagnostics command has brought; kept for seven days',
    response: diagnosticsSchema,
  },
} as const satisfies Record<string, Endpoint>;
