import { z } from 'zod';
import { nameSchema, versionSchema } from '../ids.ts';

/** Identifier of a node. Without a dot: the first one in `node.port` is where the port starts. */
const nodeNameSchema = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, 'use 1 to 64 letters, digits, _ and -');

/** Identifier of a port or monitor inside one pipeline. */
const identifierSchema = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/, 'use 1 to 64 letters, digits, _ . and -');

/** `node.port`; pipeline inputs are ports of the node `input`, pipeline outputs ports of the node `output`. */
export const portReferenceSchema = z
  .string()
  .max(200)
  .regex(/^[A-Za-z0-9_-]+\..+$/, 'write node.port, e.g. "decode.image"');

export const queuePolicySchema = z.enum(['block', 'drop-oldest', 'latest']);
export type QueuePolicy = z.infer<typeof queuePolicySchema>;

export const edgeSchema = z.object({
  from: portReferenceSchema,
  to: portReferenceSchema,
});
export type Edge = z.infer<typeof edgeSchema>;

const nodeBase = {
  /** Runs once for each item of the lists on its inputs; its outputs become lists. Inputs that are no lists are repeated. */
  each: z.boolean().default(false),
  timeoutMs: z.number().int().positive().max(600_000).optional(),
};

export const operatorNodeSchema = z.strictObject({
  ...nodeBase,
  op: z.string().min(1).max(64).meta({ description: 'Operator name, e.g. image.decode' }),
  params: z.record(z.string(), z.unknown()).default({}),
});

export const modelNodeSchema = z.strictObject({
  ...nodeBase,
  model: nameSchema.meta({ description: 'Model name; the release pins its version' }),
  /** Items of an `each` node that may share one run when their shapes agree. 1 = never. */
  batchMaximum: z.number().int().min(1).max(64).default(1),
});

export const pipelineNodeSchema = z.union([operatorNodeSchema, modelNodeSchema]);
export type PipelineNode = z.infer<typeof pipelineNodeSchema>;
export type OperatorNode = z.infer<typeof operatorNodeSchema>;
export type ModelNode = z.infer<typeof modelNodeSchema>;

/** A watch on an edge: what it measures there, in which bins, and the reference it is compared with. */
export const monitorSchema = z.strictObject({
  edge: portReferenceSchema.meta({ description: 'The port whose values are watched' }),
  measure: z.enum(['brightness', 'contrast', 'sharpness', 'confidence', 'count']),
  bins: z
    .array(z.number())
    .min(1)
    .max(64)
    .meta({ description: 'Inner bin edges, ascending; values below the first and above the last have bins of their own' }),
  reference: z
    .array(z.number().int().nonnegative())
    .optional()
    .meta({ description: 'Reference counts per bin (bins.length + 1); without it the first windows of the device become it' }),
  psiThreshold: z.number().positive().default(0.25),
});
export type Monitor = z.infer<typeof monitorSchema>;

const graphFields = {
  inputs: z.record(identifierSchema, z.string().max(200)).meta({ description: 'Input name -> port type' }),
  outputs: z.record(identifierSchema, z.string().max(200)).meta({ description: 'Output name -> port type' }),
  nodes: z.record(nodeNameSchema, pipelineNodeSchema),
  edges: z.array(edgeSchema).min(1).max(512),
};

/** The graph alone, where nothing names it: in the card of a model. */
export const pipelineGraphSchema = z.strictObject(graphFields);
export type PipelineGraph = z.infer<typeof pipelineGraphSchema>;

/** A dataflow graph over models and operators, defined apart from both; signed by the publisher. */
export const pipelineSchema = z
  .object({
    kind: z.literal('pipeline'),
    schemaVersion: z.literal(1),
    critical: z.array(z.string()).default([]),
    fleetId: z.string().optional(),
    name: nameSchema,
    version: versionSchema,
    description: z.string().max(4000).default(''),
    ...graphFields,
    monitors: z.record(identifierSchema, monitorSchema).default({}),
    queue: z
      .strictObject({ length: z.number().int().min(1).max(256).default(4), policy: queuePolicySchema.default('block') })
      .default({ length: 4, policy: 'block' })
      .meta({ description: 'The bounded queue in front of the pipeline' }),
  })
  .meta({ id: 'Pipeline', title: 'Pipeline' });
export type Pipeline = z.infer<typeof pipelineSchema>;
export type PipelineInput = z.input<typeof pipelineSchema>;
