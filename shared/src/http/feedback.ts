import { z } from 'zod';
import { wallMsSchema } from '../ids.ts';
import { resultIdSchema } from '../wire/result-id.ts';
import type { Endpoint } from './endpoint.ts';

/** Outcomes in one request: a day of a small shop, or a second of a large one. */
export const FEEDBACK_MAXIMUM = 1000;

/** How one result turned out. */
export const feedbackItemSchema = z.object({
  resultId: resultIdSchema,
  outcome: z
    .union([z.boolean(), z.number(), z.string().min(1).max(100)])
    .meta({ description: 'Right or wrong, a number, or a label: what a label is worth, the goal of an experiment says' }),
  atMs: wallMsSchema.optional().meta({ description: 'When that was known; now if not given' }),
});
export type FeedbackItem = z.infer<typeof feedbackItemSchema>;

export const feedbackAnswerSchema = z.object({
  taken: z.number().int().nonnegative().meta({ description: 'Outcomes that are new' }),
  repeated: z.number().int().nonnegative().meta({ description: 'Results of which an outcome was known: the first one counts' }),
  unknown: z
    .array(z.object({ resultId: z.string(), reason: z.string() }))
    .meta({ description: 'Results of devices or releases that this fleet does not know' }),
});
export type FeedbackAnswer = z.infer<typeof feedbackAnswerSchema>;

export const feedbackEndpoints = {
  sendFeedback: {
    method: 'post',
    path: '/feedback',
    access: 'operator',
    tag: 'feedback',
    summary: 'Tell how results turned out. Each result counts once, however often and late it is sent',
    body: z.object({ items: z.array(feedbackItemSchema).min(1).max(FEEDBACK_MAXIMUM) }),
    response: feedbackAnswerSchema,
  },
} as const satisfies Record<string, Endpoint>;
