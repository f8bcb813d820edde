import { z } from 'zod';
import { problemSchema } from '../documents/reported-state.ts';
import { deviceIdSchema, wallMsSchema } from '../ids.ts';
import { commandViewSchema, sendableCommandSchema } from './commands.ts';
import type { Endpoint } from './endpoint.ts';
import { selectSchema } from './groups.ts';
import { pageOf, pageQuerySchema } from './paging.ts';

const count = z.number().int().nonnegative();
const MINUTES_OF_A_MONTH = 31 * 24 * 60;

/** What bounds a command for many devices, and what ends it early. */
export const paceSchema = z.object({
  maxInFlight: z.number().int().min(1).max(10_000).default(50).meta({ description: 'Connected devices that work on it at the same time' }),
  stopAfter: z
    .object({
      percent: z.number().gt(0).max(100).meta({ description: 'Of the devices that have answered, from which nothing more is sent' }),
      minimum: z.number().int().min(1).max(1_000_000).default(5).meta({ description: 'Answers that there must be before' }),
    })
    .default({ percent: 20, minimum: 5 }),
  lifeMinutes: z
    .number()
    .int()
    .min(1)
    .max(MINUTES_OF_A_MONTH)
    .default(15)
    .meta({ description: 'How long each device has from when it is its turn; those that are away get it when they are back' }),
});

/** `waiting`: not its turn yet; the others are those of commands. */
export const batchTargetStateSchema = z.enum(['waiting', ...commandViewSchema.shape.status.options]);
export type BatchTargetState = z.infer<typeof batchTargetStateSchema>;

export const batchStateSchema = z.enum(['running', 'done', 'stopped', 'cancelled']);
export type BatchState = z.infer<typeof batchStateSchema>;

export const commandBatchViewSchema = z.object({
  id: z.string(),
  name: sendableCommandSchema,
  arguments: z.record(z.string(), z.unknown()),
  select: z.string(),
  ...paceSchema.shape,
  state: batchStateSchema,
  reason: z.string().nullable().meta({ description: 'Why it was stopped' }),
  total: count,
  counts: z.partialRecord(batchTargetStateSchema, count).meta({ description: 'Devices by what became of the command' }),
  createdAtMs: wallMsSchema,
  createdBy: z.string(),
  finishedAtMs: wallMsSchema.nullable(),
});
export type CommandBatchView = z.infer<typeof commandBatchViewSchema>;

export const batchTargetViewSchema = z.object({
  device: deviceIdSchema,
  name: z.string(),
  online: z.boolean(),
  state: batchTargetStateSchema,
  command: z.string().nullable(),
  result: z.record(z.string(), z.unknown()).nullable(),
  error: problemSchema.nullable(),
  finishedAtMs: wallMsSchema.nullable(),
});
export type BatchTargetView = z.infer<typeof batchTargetViewSchema>;

export const batchFailureSchema = z.object({
  code: z.string(),
  devices: count,
  example: z.string().meta({ description: 'What one of them said' }),
});
export type BatchFailure = z.infer<typeof batchFailureSchema>;

export const commandBatchEndpoints = {
  createCommandBatch: {
    method: 'post',
    path: '/command-batches',
    access: 'operator',
    tag: 'commands',
    summary: 'Send a command to all devices that a selector means, a few at a time; a device that matches later is not among them',
    body: paceSchema.extend({
      name: sendableCommandSchema,
      arguments: z.record(z.string(), z.unknown()).default({}),
      select: selectSchema,
    }),
    response: commandBatchViewSchema,
  },
  listCommandBatches: {
    method: 'get',
    path: '/command-batches',
    access: 'viewer',
    tag: 'commands',
    summary: 'Commands for many devices, newest first',
    query: pageQuerySchema.extend({ name: sendableCommandSchema.optional() }),
    response: pageOf(commandBatchViewSchema),
  },
  showCommandBatch: {
    method: 'get',
    path: '/command-batches/{id}',
    access: 'viewer',
    tag: 'commands',
    summary: 'One of them, with how many devices are where',
    response: commandBatchViewSchema,
  },
  listBatchTargets: {
    method: 'get',
    path: '/command-batches/{id}/devices',
    access: 'viewer',
    tag: 'commands',
    summary: 'Its devices with what each answered, the newest answer first',
    query: pageQuerySchema.extend({ state: batchTargetStateSchema.optional() }),
    response: pageOf(batchTargetViewSchema),
  },
  listBatchFailures: {
    method: 'get',
    path: '/command-batches/{id}/failures',
    access: 'viewer',
    tag: 'commands',
    summary: 'Why devices failed, the most frequent reason first',
    query: pageQuerySchema,
    response: pageOf(batchFailureSchema),
  },
  cancelCommandBatch: {
    method: 'post',
    path: '/command-batches/{id}/cancel',
    access: 'operator',
    tag: 'commands',
    summary: 'Send it to nobody more, and end it where it is open',
    response: commandBatchViewSchema,
  },
} as const satisfies Record<string, Endpoint>;
