import { z } from 'zod';
import { tensorElementTypeSchema } from '../documents/model-version.ts';
import { pipelineGraphSchema } from '../documents/pipeline.ts';
import { problemSchema } from '../documents/reported-state.ts';

/**
 * What the fleet's builder and the evaluator say to each other. The evaluator is the agent's own pipeline engine in a process on the
 * fleet's machine, so that calibration and evaluation see exactly what a device would compute. They meet in these messages alone,
 * which cross a process boundary by structured clone.
 */
export const evaluatorRequestSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('open'),
    graph: pipelineGraphSchema,
    models: z.record(
      z.string(),
      z.object({ file: z.string(), assets: z.record(z.string(), z.string()).meta({ description: 'Asset name -> file' }) }),
    ),
    record: z.string().optional().meta({ description: 'Model whose inputs come back with every result' }),
    exact: z
      .array(z.string())
      .default([])
      .meta({ description: 'Models that run without graph optimisation: as integer kernels would that this machine lacks' }),
    threads: z.number().int().min(0),
  }),
  z.object({ type: z.literal('run'), id: z.number().int(), input: z.instanceof(Uint8Array) }),
]);
export type EvaluatorRequest = z.infer<typeof evaluatorRequestSchema>;

/** A tensor as it crosses the boundary. `data` holds the elements in the byte order of the machine. */
export const evaluatorTensorSchema = z.object({
  elementType: tensorElementTypeSchema,
  shape: z.array(z.number().int().nonnegative()),
  data: z.instanceof(Uint8Array),
});
export type EvaluatorTensor = z.infer<typeof evaluatorTensorSchema>;

export const evaluatorReplySchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('opened') }),
  z.object({
    type: z.literal('ran'),
    id: z.number().int(),
    outputs: z.record(z.string(), z.unknown()),
    feeds: z.array(z.record(z.string(), evaluatorTensorSchema)),
  }),
  z.object({ type: z.literal('failed'), id: z.number().int().optional(), error: problemSchema }),
]);
export type EvaluatorReply = z.infer<typeof evaluatorReplySchema>;
