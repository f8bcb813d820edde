import { z } from 'zod';
import { digestSchema } from '../digest.ts';
import { nameSchema, randomIdSchema, wallMsSchema } from '../ids.ts';
import { EDGE_FIGURES_MAXIMUM, TRACE_SPANS_MAXIMUM } from '../limits.ts';
import { histogramSchema } from '../sketches/histogram.ts';
import { spanIdSchema, traceIdSchema } from './trace-context.ts';

const window = { startMs: wallMsSchema, lengthMs: z.number().nonnegative(), release: digestSchema.nullable() };

const count = z.number().int().nonnegative();

/** What the edges that start at one port did in a window. */
export const edgeFiguresSchema = z.object({
  items: count.meta({ description: 'Values that it gave' }),
  absent: count.meta({ description: 'Items for which it gave none' }),
  dropped: count.meta({ description: 'Values that the queues behind it let go' }),
  waiting: count.meta({ description: 'Values in the queues behind it at the end of the window' }),
  ageMs: z.number().nonnegative().nullable().meta({ description: 'Mean age of the items when their value came, since they were taken' }),
});
export type EdgeFigures = z.infer<typeof edgeFiguresSchema>;

/** What a window of a release was in an experiment. The release says which arm. */
export const armFiguresSchema = z.object({
  id: randomIdSchema.meta({ description: 'Of the experiment' }),
  isShadow: z.boolean().meta({ description: 'It ran on copies: nothing of it left the device' }),
  compared: count.meta({ description: 'Copies whose outputs could be compared with those of the champion' }),
  agreed: count.meta({ description: 'Of them, those that said the same' }),
  shed: count.meta({ description: 'Copies that were left out, for lack of time or energy' }),
});
export type ArmFigures = z.infer<typeof armFiguresSchema>;

export const inferenceRecordSchema = z.object({
  ...window,
  pipeline: nameSchema,
  items: z.number().int().nonnegative(),
  dropped: z.number().int().nonnegative().default(0),
  failures: z.record(z.string(), z.number().int().positive()).default({}).meta({ description: 'Error code -> count' }),
  latencyMs: histogramSchema,
  nodes: z
    .record(
      z.string(),
      z.object({
        runs: z.number().int(),
        totalMs: z.number(),
        failures: count.optional().meta({ description: 'Runs that failed' }),
        skips: count.optional().meta({ description: 'Items for which it did not run, since an input stayed away' }),
      }),
    )
    .default({})
    .meta({ description: 'Runs and time per node' }),
  experiment: armFiguresSchema.optional(),
  edges: z
    .record(z.string(), edgeFiguresSchema)
    .refine((edges) => Object.keys(edges).length <= EDGE_FIGURES_MAXIMUM, `figures of at most ${EDGE_FIGURES_MAXIMUM} edges`)
    .optional()
    .meta({
      description:
        'Port (`node.port`) where edges start -> figures; of a larger pipeline the ports behind which most is dropped, waits or passes',
    }),
});

export const driftRecordSchema = z.object({
  ...window,
  pipeline: nameSchema,
  monitor: z.string(),
  edge: z.string(),
  measure: z.string(),
  histogram: histogramSchema,
  reference: z.array(z.number().int().nonnegative()).nullable(),
  psi: z.number().nullable().meta({ description: 'Population stability index against the reference' }),
  ks: z.number().nullable().meta({ description: 'Two-sample Kolmogorov-Smirnov statistic on the bins' }),
  ksPValue: z.number().nullable(),
  drifted: z.boolean(),
});

export const energyRecordSchema = z.object({
  ...window,
  joules: z.number().nonnegative().meta({ description: 'Energy of the whole device in the window' }),
  agentJoules: z.number().nonnegative().meta({ description: 'The share above idle that the agent caused, by its CPU time' }),
  inferences: z.number().int().nonnegative(),
  joulesPerInference: z.number().nonnegative().nullable(),
  method: z.enum(['measured', 'modelled']),
  source: z.string().meta({ description: 'Sensor path, or the profile whose power model was used' }),
  experiment: randomIdSchema.optional().meta({ description: 'In which the release took part' }),
});

export const batterySchema = z.object({
  level: z.number().min(0).max(1).meta({ description: 'Share of a full charge' }),
  charging: z.boolean(),
});
export type Battery = z.infer<typeof batterySchema>;

export const healthRecordSchema = z.object({
  ...window,
  cpuUtilisation: z.number().min(0).max(1).meta({ description: 'Of all cores of the device' }),
  agentCpuSeconds: z.number().nonnegative(),
  agentMemoryBytes: z.number().int().nonnegative(),
  memoryAvailableBytes: z.number().int().nonnegative(),
  diskFreeBytes: z.number().int().nonnegative(),
  temperatureCelsius: z.number().nullable(),
  throttled: z.boolean().nullable(),
  battery: batterySchema.optional().meta({ description: 'Where the device has one and tells' }),
  spoolBytes: z.number().int().nonnegative().default(0),
});

/** How the engine was told to run a model. */
export const sessionSettingsSchema = z.object({
  provider: z.string().max(64).meta({ description: 'Execution provider' }),
  threads: z.number().int().min(0).max(1024).meta({ description: 'Threads inside one run; 0 lets the engine decide' }),
  spinning: z.boolean().meta({ description: 'Threads wait for work by spinning: quicker to start, and a busy processor' }),
  arena: z.boolean().meta({ description: 'Buffers come from an arena that is kept' }),
  executionMode: z.enum(['sequential', 'parallel']).meta({ description: 'Branches of a graph one by one, or side by side' }),
});
export type SessionSettings = z.infer<typeof sessionSettingsSchema>;

/** One artefact, timed alone on one device: what `benchmark` found. Chosen artefacts rest on these. */
export const benchmarkRecordSchema = z.object({
  artefact: digestSchema,
  model: nameSchema,
  provider: z.string().max(64).meta({ description: 'Execution provider that really ran' }),
  runtimeVersion: z
    .string()
    .max(100)
    .meta({ description: 'Engine and version', examples: ['onnxruntime-node 1.30.0'] }),
  hardware: z.string().max(64).meta({ description: 'Digest over processor, instruction set and accelerators: equal hardware, equal key' }),
  threads: z.number().int().nonnegative(),
  warmUpRuns: z.number().int().nonnegative(),
  runs: z.number().int().positive(),
  latencyMs: z.object({ median: z.number().nonnegative(), p95: z.number().nonnegative(), mean: z.number().nonnegative() }),
  loadMs: z.number().nonnegative(),
  peakMemoryBytes: z.number().int().nonnegative().nullable().meta({ description: 'Growth of the resident memory while loaded and run' }),
  joulesPerInference: z.number().nonnegative().nullable(),
  energyMethod: z.enum(['measured', 'modelled']).nullable(),
  cpuSecondsPerInference: z.number().nonnegative(),
  throttled: z.boolean().nullable(),
  idleShare: z.number().min(0).max(1).meta({ description: 'Share of the processor that was idle just before' }),
  goldenError: z
    .number()
    .nonnegative()
    .nullable()
    .meta({ description: 'Largest difference to the golden outputs; null if there are none' }),
  settings: sessionSettingsSchema.optional(),
});
export type BenchmarkRecord = z.infer<typeof benchmarkRecordSchema>;

export const eventRecordSchema = z.object({
  level: z.enum(['info', 'warning', 'error']),
  code: z.string().max(100),
  message: z.string().max(2000),
  release: digestSchema
    .nullable()
    .optional()
    .meta({ description: 'What it speaks of: the release on trial if there is one, else the one that runs; older agents do not tell' }),
  detail: z.record(z.string(), z.unknown()).default({}),
});

/** One step of an item on its way. */
export const spanSchema = z.object({
  spanId: spanIdSchema,
  parentSpanId: spanIdSchema.nullable(),
  name: z.string().max(200),
  kind: z.enum(['internal', 'server', 'client', 'producer', 'consumer']),
  startMs: z.number().nonnegative().meta({ description: 'Milliseconds since the Unix epoch, with a fraction' }),
  durationMs: z.number().nonnegative(),
  attributes: z.record(z.string().max(100), z.union([z.string().max(200), z.number(), z.boolean()])).default({}),
  error: z.object({ code: z.string().max(100), message: z.string().max(500) }).optional(),
});
export type Span = z.infer<typeof spanSchema>;

/** One item on its way through a pipeline: source, queue, nodes, sinks and result. The first span is the parent of the others. */
export const itemTraceSchema = z.object({
  traceId: traceIdSchema,
  pipeline: nameSchema,
  release: digestSchema,
  stream: z.string().max(200),
  sequence: count.nullable().meta({ description: 'Place in its stream; null where it never came into the graph' }),
  spans: z.array(spanSchema).min(1).max(TRACE_SPANS_MAXIMUM),
  spansLeftOut: count.default(0),
});
export type ItemTrace = z.infer<typeof itemTraceSchema>;

/** Traces of some items, told together. */
export const tracesRecordSchema = z.object({
  traces: z.array(itemTraceSchema).min(1).max(256),
  tracesLeftOut: count.default(0).meta({ description: 'Further ones since the last record: more than are kept in a second' }),
});
export type TracesRecord = z.infer<typeof tracesRecordSchema>;

export const telemetryKinds = {
  inference: inferenceRecordSchema,
  drift: driftRecordSchema,
  energy: energyRecordSchema,
  health: healthRecordSchema,
  benchmark: benchmarkRecordSchema,
  events: eventRecordSchema,
  traces: tracesRecordSchema,
} as const;
export type TelemetryKind = keyof typeof telemetryKinds;
export const telemetryKindSchema = z.enum(Object.keys(telemetryKinds) as [TelemetryKind, ...TelemetryKind[]]);
export type TelemetryPayload<Kind extends TelemetryKind> = z.infer<(typeof telemetryKinds)[Kind]>;

/** How far the wall time of a record may be trusted. */
export const clockStatusSchema = z.enum(['trusted', 'unverified', 'implausible']);

export const telemetryRecordSchema = z.object({
  sequence: z.number().int().positive(),
  bootId: z.string().max(64),
  monotonicMs: z.number().nonnegative(),
  wallMs: wallMsSchema,
  clock: clockStatusSchema,
  payload: z.unknown(),
});
export type TelemetryRecord = z.infer<typeof telemetryRecordSchema>;

/** Sequences that the device had to drop while offline; they count as declared, not as lost. */
export const droppedRangeSchema = z
  .object({ from: z.number().int().positive(), to: z.number().int().positive() })
  .refine((range) => range.from <= range.to, { path: ['to'], message: 'a range ends where it starts or later' });
export type DroppedRange = z.infer<typeof droppedRangeSchema>;

/** Records of one kind in ascending sequence; idempotent by (device, stream, kind, sequence). CBOR, at most 128 KiB. */
export const telemetryBatchSchema = z
  .object({
    streamId: randomIdSchema,
    records: z.array(telemetryRecordSchema).max(2000),
    dropped: z.array(droppedRangeSchema).max(256).default([]),
  })
  .meta({ id: 'TelemetryBatch', title: 'Telemetry batch' });
export type TelemetryBatch = z.infer<typeof telemetryBatchSchema>;

/** Sent after the database commit: everything up to and including `sequence` is stored or declared dropped. */
export const acknowledgementSchema = z
  .object({ streamId: randomIdSchema, sequence: z.number().int().nonnegative() })
  .meta({ id: 'Acknowledgement', title: 'Acknowledgement' });
export type Acknowledgement = z.infer<typeof acknowledgementSchema>;
