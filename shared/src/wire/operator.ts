import { z } from 'zod';
import { problemSchema } from '../documents/reported-state.ts';
import { paceSchema } from '../http/command-batches.ts';
import { sendableCommandSchema } from '../http/commands.ts';
import { selectSchema } from '../http/groups.ts';
import { deviceIdSchema, topicSegmentSchema, wallMsSchema } from '../ids.ts';
import { commandProgressSchema } from './command.ts';

/** User name of a person's own MQTT tools, and a segment of their topics; never what could be the id of a device. */
export const operatorAccountNameSchema = z
  .string()
  .regex(/^[a-z][a-z0-9_-]{0,31}$/, 'begin with a letter, and go on with up to 31 of a-z, 0-9, _ and -')
  .refine((name) => !deviceIdSchema.safeParse(name).success, 'this could be the id of a device: take another length');

/** Names that an operator may put into the topic: commands, and `cancel` for a request of before. */
export const operatorCommandNames = [...sendableCommandSchema.options, 'cancel'] as const;
export type OperatorCommandName = (typeof operatorCommandNames)[number];

/** Where answers go to what has no request id that can be read. */
export const UNREADABLE_REQUEST = 'unreadable';

/** Payload on `operator/{account}/command/{name}`. */
export const operatorRequestSchema = z
  .strictObject({
    request: topicSegmentSchema.meta({
      description:
        'Chosen by the sender; answers come on `result/{request}`. The same request again does nothing again, and is answered as it stands',
    }),
    device: deviceIdSchema.optional().meta({ description: 'The one device that is meant' }),
    select: selectSchema.optional().meta({ description: 'Or all that a selector means, a few at a time' }),
    arguments: z
      .record(z.string(), z.unknown())
      .default({})
      .meta({ description: 'Of the command; for `cancel`: `{"request": "..."}`, the request to end' }),
    notAfterMs: wallMsSchema.optional().meta({ description: 'A request that arrives later is refused' }),
    ...paceSchema.shape,
  })
  .meta({ id: 'OperatorRequest', title: 'Request of an operator' });
export type OperatorRequest = z.infer<typeof operatorRequestSchema>;

/** Arguments of `cancel`. */
export const operatorCancelSchema = z.strictObject({ request: topicSegmentSchema });

/** Payload on `operator/{account}/result/{id}`: one for each step of a command; of a selector also one whenever its numbers change. */
export const operatorResultSchema = z
  .object({
    request: z.string(),
    status: z
      .enum(['refused', 'queued', 'sent', 'accepted', 'progress', 'running', 'done', 'failed', 'expired', 'cancelled', 'stopped'])
      .meta({ description: '`refused`: nothing was done, see `error`; `running` and `stopped`: of all devices of a selector' }),
    name: z.string().optional(),
    command: z.string().optional().meta({ description: 'Id by which the fleet knows the command of one device' }),
    device: deviceIdSchema.optional(),
    batch: z.string().optional().meta({ description: 'Id by which the fleet knows the command for many' }),
    counts: z.record(z.string(), z.number()).optional().meta({ description: 'Devices of the batch by what became of the command' }),
    total: z.number().int().optional(),
    progress: commandProgressSchema.optional(),
    result: z.record(z.string(), z.unknown()).optional(),
    error: problemSchema.optional(),
    atMs: wallMsSchema,
  })
  .meta({ id: 'OperatorResult', title: 'Answer to an operator' });
export type OperatorResult = z.infer<typeof operatorResultSchema>;
