import { z } from 'zod';
import { nameSchema, versionSchema } from '../ids.ts';
import { unionByKey } from './union-by-key.ts';

/** Identifier of a node. Without a dot: the first one in `node.port` is where the port starts. */
const nodeNameSchema = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, 'use 1 to 64 letters, digits, _ and -');

/** Identifier of a port or monitor inside one pipeline. */
const identifierSchema = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/, 'use 1 to 64 letters, digits, _ . and -');

/** `node.port`; pipeline inputs are ports of the node `input`, pipeline outputs ports of the node `output`. */
export const portReferenceSchema = z
  .string()
  .max(200)
  .regex(/^[A-Za-z0-9_-]+(?:\/[A-Za-z0-9_-]+)*\..+$/, 'write node.port, e.g. "decode.image"');

/** What a full queue does: hold the sender back, or let something go. `latest` keeps nothing but the newest. */
export const queuePolicySchema = z.enum(['block', 'drop-oldest', 'drop-newest', 'latest']);
export type QueuePolicy = z.infer<typeof queuePolicySchema>;

export const edgeQueueSchema = z.strictObject({
  length: z.number().int().min(1).max(1024).default(4).meta({ description: 'Values that may wait on the edge' }),
  policy: queuePolicySchema.default('block'),
});

export const edgeSchema = z.strictObject({
  from: portReferenceSchema,
  to: portReferenceSchema,
  queue: edgeQueueSchema
    .optional()
    .meta({ description: 'Bounds what waits here; without it an edge holds as much as there are items in the graph' }),
});
export type Edge = z.infer<typeof edgeSchema>;

/** When a node of several inputs runs: all arrived; the first; or what has arrived by the end of the window. */
export const joinModeSchema = z.enum(['inner', 'any', 'outer']);
export type JoinMode = z.infer<typeof joinModeSchema>;

export const retrySchema = z.strictObject({
  attempts: z.number().int().min(1).max(10).default(3).meta({ description: 'Runs at most, the first one included' }),
  delayMs: z.number().int().min(0).max(60_000).default(100).meta({ description: 'Before the second run; doubled before each further one' }),
});

/** Where nodes run: on the device that has the item, or on a machine that a label makes one of this place. */
export const placeSchema = z.string().regex(/^(device|cloud|group:[a-z0-9][a-z0-9_-]{0,63})$/, 'use device, cloud or group:NAME');

const nodeBase = {
  /** Runs once for each item of the lists on its inputs; its outputs become lists. Inputs that are no lists are repeated. */
  each: z
    .boolean()
    .default(false)
    .meta({ description: 'Runs once for each item of the lists on its inputs, and gathers the outputs into lists' }),
  join: joinModeSchema.default('inner').meta({
    description:
      '`inner`: runs when all inputs are there; `any`: with the first; `outer`: with what there is when all others are known to stay away, or `joinWindowMs` has passed',
  }),
  joinWindowMs: z
    .number()
    .int()
    .positive()
    .max(600_000)
    .optional()
    .meta({ description: 'Of an `outer` join: how long it waits after the first input has come' }),
  triggers: z
    .array(portReferenceSchema)
    .min(1)
    .max(64)
    .optional()
    .meta({ description: 'Ports that must have given a value before the node runs; the values are not passed on' }),
  triggersJoin: joinModeSchema.exclude(['outer']).default('inner').meta({ description: 'Whether all triggers or any of them are needed' }),
  concurrency: z.number().int().min(1).max(64).optional().meta({ description: 'Items that the node works on at once' }),
  timeoutMs: z.number().int().positive().max(600_000).optional().meta({ description: 'A run that takes longer fails with `timed-out`' }),
  retry: retrySchema.optional().meta({ description: 'Runs that fail are tried again' }),
  onError: z
    .enum(['fail', 'skip'])
    .default('fail')
    .meta({ description: '`skip`: the outputs stay away, and the item goes on. An edge from the port `error` of the node implies it' }),
  on: placeSchema.default('device').meta({ description: 'Where it runs: on the device, on a machine of a group, or in the cloud' }),
};

const paramsSchema = z.record(z.string(), z.unknown()).default({});

export const operatorNodeSchema = z.strictObject({
  ...nodeBase,
  op: z.string().min(1).max(64).meta({ description: 'Operator name, e.g. image.decode' }),
  params: paramsSchema,
});

export const modelNodeSchema = z.strictObject({
  ...nodeBase,
  model: nameSchema.meta({ description: 'Model name; the release pins its version' }),
  /** Items of an `each` node that may share one run when their shapes agree. 1 = never. */
  batchMaximum: z.number().int().min(1).max(64).default(1),
  emptyIsAbsent: z
    .boolean()
    .default(false)
    .meta({ description: 'An output without elements counts as not given: how a model chooses between branches' }),
  state: z
    .record(z.string(), z.string())
    .optional()
    .meta({ description: 'Input -> output whose value it gets at the next item of the stream; zeros at the first. For recurrent models' }),
  finite: z.boolean().default(true).meta({ description: 'Outputs with NaN or infinite values fail with `not-finite`' }),
});

/** Own code in JavaScript, run in a sandbox without input, output, clock or chance. */
export const scriptNodeSchema = z.strictObject({
  ...nodeBase,
  script: z.strictObject({
    source: z.string().min(1).max(65_536).meta({ description: 'A module whose default export is a function of the inputs' }),
    inputs: z.record(identifierSchema, z.string().max(200)).meta({ description: 'Input name -> port type' }),
    outputs: z.record(identifierSchema, z.string().max(200)).meta({ description: 'Output name -> port type' }),
    stateful: z.boolean().default(false).meta({ description: 'Keeps what it is given as `state` from item to item of a stream' }),
    cpuMs: z.number().int().min(1).max(10_000).default(100).meta({ description: 'Processor time that one run may take' }),
    memoryMegabytes: z.number().int().min(1).max(256).default(16),
  }),
  params: paramsSchema,
});

/** A pipeline inside this one; what it is made of stands in `pipelines`. */
export const pipelineNodeReferenceSchema = z.strictObject({
  ...nodeBase,
  pipeline: nameSchema.meta({ description: 'Key in `pipelines`' }),
  params: paramsSchema.meta({ description: 'Values of its parameters' }),
});

export const sourceNodeSchema = z.strictObject({
  source: z.string().min(1).max(64).meta({ description: 'Kind of source, e.g. rtsp' }),
  params: paramsSchema,
  on: nodeBase.on,
});

export const sinkNodeSchema = z.strictObject({
  sink: z.string().min(1).max(64).meta({ description: 'Kind of sink, e.g. webhook' }),
  params: paramsSchema,
  join: nodeBase.join,
  joinWindowMs: nodeBase.joinWindowMs,
  triggers: nodeBase.triggers,
  triggersJoin: nodeBase.triggersJoin,
  on: nodeBase.on,
});

export const nodeKindSchemas = {
  op: operatorNodeSchema,
  model: modelNodeSchema,
  script: scriptNodeSchema,
  pipeline: pipelineNodeReferenceSchema,
  source: sourceNodeSchema,
  sink: sinkNodeSchema,
};
export const pipelineNodeSchema = unionByKey(nodeKindSchemas);
export type PipelineNode = z.infer<typeof pipelineNodeSchema>;
export type OperatorNode = z.infer<typeof operatorNodeSchema>;
export type ModelNode = z.infer<typeof modelNodeSchema>;
export type ScriptNode = z.infer<typeof scriptNodeSchema>;
export type PipelineReferenceNode = z.infer<typeof pipelineNodeReferenceSchema>;
export type SourceNode = z.infer<typeof sourceNodeSchema>;
export type SinkNode = z.infer<typeof sinkNodeSchema>;
/** Nodes that compute: all but sources and sinks. */
export type WorkNode = OperatorNode | ModelNode | ScriptNode | PipelineReferenceNode;

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

/** A value that is named once and used in `params` as `${name}`. */
export const parameterSchema = z.strictObject({
  default: z.union([z.string(), z.number(), z.boolean()]).meta({ description: 'Its type is the type of the parameter' }),
  description: z.string().max(500).default(''),
  overridable: z
    .enum(['never', 'release', 'device'])
    .default('release')
    .meta({ description: 'Who may give another value: nobody, the release, or also the device' }),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  options: z
    .array(z.union([z.string(), z.number()]))
    .min(1)
    .max(100)
    .optional()
    .meta({ description: 'The values there are' }),
});
export type Parameter = z.infer<typeof parameterSchema>;
export type ParameterValue = Parameter['default'];
export const parameterValuesSchema = z.record(identifierSchema, z.union([z.string().max(2000), z.number(), z.boolean()]));
export type ParameterValues = z.infer<typeof parameterValuesSchema>;

const graphFields = {
  inputs: z.record(identifierSchema, z.string().max(200)).default({}).meta({ description: 'Input name -> port type' }),
  outputs: z.record(identifierSchema, z.string().max(200)).default({}).meta({ description: 'Output name -> port type' }),
  parameters: z.record(identifierSchema, parameterSchema).default({}),
  nodes: z.record(nodeNameSchema, pipelineNodeSchema),
  edges: z.array(edgeSchema).min(1).max(512),
};

/** The graph alone, where nothing names it: in the card of a model, or inside another pipeline. */
export const pipelineGraphSchema = z.strictObject(graphFields);
export type PipelineGraph = z.infer<typeof pipelineGraphSchema>;

/** A pipeline that others contain. `version` says where it came from, if it was published by itself. */
export const innerPipelineSchema = z.strictObject({ ...graphFields, version: versionSchema.optional() });
export type InnerPipeline = z.infer<typeof innerPipelineSchema>;

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
    pipelines: z.record(nameSchema, innerPipelineSchema).default({}).meta({ description: 'Pipelines that nodes of this one name' }),
    monitors: z.record(identifierSchema, monitorSchema).default({}),
    queue: z
      .strictObject({ length: z.number().int().min(1).max(256).default(4), policy: queuePolicySchema.default('block') })
      .default({ length: 4, policy: 'block' })
      .meta({ description: 'The bounded queue in front of the pipeline' }),
    concurrency: z
      .number()
      .int()
      .min(1)
      .max(64)
      .default(3)
      .meta({ description: 'Items that are in the graph at once: while one is in a model, another is decoded or cropped' }),
    deadlineMs: z
      .number()
      .int()
      .positive()
      .max(600_000)
      .optional()
      .meta({ description: 'Age at which an item is given up with `deadline-passed`, wherever it is' }),
    priority: z
      .number()
      .int()
      .min(0)
      .max(9)
      .default(5)
      .meta({ description: 'Among the pipelines of a device: 0 goes first where they wait for the same model or the processor' }),
  })
  .meta({ id: 'Pipeline', title: 'Pipeline' });
export type Pipeline = z.infer<typeof pipelineSchema>;
export type PipelineInput = z.input<typeof pipelineSchema>;

/** A pipeline as people write it: `kind` and `schemaVersion` are the same in every one, and a word that means nothing is a mistake. */
export const pipelineFileSchema = pipelineSchema
  .extend({
    kind: pipelineSchema.shape.kind.default('pipeline'),
    schemaVersion: pipelineSchema.shape.schemaVersion.default(1),
  })
  .strict();
