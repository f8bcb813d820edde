import { z } from 'zod';
import { digestSchema } from '../digest.ts';
import { tuneGoalSchema } from '../documents/objective.ts';
import { problemSchema } from '../documents/reported-state.ts';
import { deviceIdSchema, randomIdSchema, wallMsSchema } from '../ids.ts';
import { captureArgumentsSchema, captureResultSchema } from './capture.ts';
import { resultIdSchema } from './result-id.ts';
import { replayArgumentsSchema, replayResultSchema, tapArgumentsSchema, tapCountsSchema, tapResultSchema } from './tap.ts';
import { benchmarkRecordSchema, sessionSettingsSchema } from './telemetry.ts';
import { traceIdSchema, traceparentSchema } from './trace-context.ts';

/** A quadrilateral in pixels of the source image: top-left, top-right, bottom-right, bottom-left of the text. */
export const quadSchema = z.array(z.tuple([z.number(), z.number()])).length(4);

/** One text that a pipeline read in an image. */
export const readingSchema = z.object({
  quad: quadSchema,
  text: z.string(),
  confidence: z.number().min(0).max(1).meta({ description: 'Mean probability of the characters' }),
  score: z.number().min(0).max(1).meta({ description: 'Score of the box' }),
});
export type Reading = z.infer<typeof readingSchema>;

/** What one item through a pipeline gave. Only outputs that the release lets out are in `outputs`. */
export const inferenceResultSchema = z.object({
  pipeline: z.string(),
  release: digestSchema,
  outputs: z.record(z.string(), z.unknown()),
  image: z.object({ width: z.number().int(), height: z.number().int() }).optional(),
  latencyMs: z.number().nonnegative().meta({ description: 'From the item entering the queue to its result' }),
  nodesMs: z.record(z.string(), z.number()).default({}).meta({ description: 'Time in each node' }),
  traceId: traceIdSchema.optional().meta({ description: 'Where the item is traced' }),
  resultId: resultIdSchema.optional().meta({ description: 'Names this result when feedback on it comes back' }),
});
export type InferenceResult = z.infer<typeof inferenceResultSchema>;

/** An artefact that a command names, with the model version that it has to be one of. */
export const namedArtefactSchema = z.object({ artefact: digestSchema, modelVersion: digestSchema });
export type NamedArtefact = z.infer<typeof namedArtefactSchema>;

/** What commands that measure have in common. */
const measuring = {
  artefacts: z
    .array(namedArtefactSchema)
    .max(16)
    .default([])
    .meta({ description: 'Artefacts to measure, which need not run now; those of the running release if there are none' }),
  budgetMs: z
    .number()
    .int()
    .min(1_000)
    .max(600_000)
    .default(60_000)
    .meta({ description: 'Time for one artefact, once the device is idle' }),
  maximumLoadShare: z
    .number()
    .min(0.01)
    .max(1)
    .default(0.5)
    .meta({ description: 'Share of the processor that measuring may take, and by which live pipelines may get slower' }),
  minimumIdleShare: z.number().min(0).max(1).default(0.5).meta({ description: 'Share of the processor that has to be idle to start' }),
  idleWaitMs: z
    .number()
    .int()
    .min(0)
    .max(600_000)
    .default(60_000)
    .meta({ description: 'Wait this long for an idle device, then `device-busy`' }),
};

/** What came of one artefact: a record, or why there is none. */
export const measuredArtefactSchema = z.object({
  artefact: digestSchema,
  model: z.string().optional(),
  record: benchmarkRecordSchema.optional(),
  error: problemSchema.optional(),
});
export type MeasuredArtefact = z.infer<typeof measuredArtefactSchema>;

/** What one way to run an artefact takes, beside its median latency. */
export const tunedFiguresSchema = z.object({
  latencyMsP95: z.number(),
  cpuMs: z.number().meta({ description: 'Processor time of one inference' }),
  joulesPerInference: z.number().nullable(),
  energyMethod: z.enum(['measured', 'modelled']).nullable(),
  memoryBytes: z.number().nullable(),
});
export type TunedFigures = z.infer<typeof tunedFiguresSchema>;

/** What came of tuning one artefact: settings that later loads use, or why there are none. */
export const tunedArtefactSchema = z.object({
  artefact: digestSchema,
  model: z.string().optional(),
  settings: sessionSettingsSchema.optional(),
  latencyMs: z.number().optional().meta({ description: 'Median with these settings' }),
  defaultLatencyMs: z.number().optional().meta({ description: 'Median with the settings of an artefact that was not tuned' }),
  minimise: tuneGoalSchema.optional().meta({ description: 'What the search made small' }),
  energyMethod: z
    .enum(['measured', 'modelled'])
    .optional()
    .meta({ description: 'Where energy was made small: by a sensor, or by processor time in its place' }),
  figures: tunedFiguresSchema.optional().meta({ description: 'With these settings' }),
  defaultFigures: tunedFiguresSchema.optional().meta({ description: 'With those of an artefact that was not tuned' }),
  trials: z.number().int().optional(),
  error: problemSchema.optional(),
});
export type TunedArtefact = z.infer<typeof tunedArtefactSchema>;

/** A model of the running release. */
const modelArgumentsSchema = z.object({ model: z.string().min(1).max(64).meta({ description: 'Its name in the running release' }) });

const modelMemorySchema = z.object({
  model: z.string(),
  artefact: digestSchema,
  provider: z.string().meta({ description: 'Execution provider that runs it' }),
  sizeBytes: z.number().int().nonnegative().optional().meta({ description: 'Of its files; the memory that it takes is more' }),
  wasLoaded: z.boolean().meta({ description: 'It was in memory when the command came' }),
});

/** A blob of the fleet. */
const storedUploadSchema = z.object({ manifest: digestSchema, digest: digestSchema, sizeBytes: z.number().int().positive() });

/** Arguments and results of every command, by name. Handlers, the API and the documents are derived from this table. */
export const commandTable = {
  ping: {
    summary: 'Answer at once',
    arguments: z.object({}),
    result: z.object({ uptimeMs: z.number(), agentVersion: z.string() }),
  },
  infer: {
    summary: 'Run one encoded input through the running pipeline',
    arguments: z.object({
      input: z.object({ digest: digestSchema, manifest: digestSchema, sizeBytes: z.number().int().positive() }),
      traceparent: traceparentSchema.optional().meta({ description: 'W3C trace context of whoever asks' }),
    }),
    result: inferenceResultSchema,
  },
  tap: {
    summary: 'Send values of edges of the running pipeline for a while, as far as the policy of its release lets them out',
    arguments: tapArgumentsSchema,
    result: tapResultSchema,
  },
  'tap-stop': {
    summary: 'End a tap before its time',
    arguments: z.object({ tap: randomIdSchema }),
    result: z.object({ stopped: z.boolean(), counts: tapCountsSchema.optional() }),
  },
  replay: {
    summary: 'Run one item through the running pipeline, without its sinks and monitors, and send the value of every edge that may leave',
    arguments: replayArgumentsSchema,
    result: replayResultSchema,
  },
  capture: {
    summary:
      'Keep values of edges of the running pipeline on the device, and upload them as one file, where the policy of its release allows captures',
    arguments: captureArgumentsSchema,
    result: captureResultSchema.extend({ upload: storedUploadSchema.optional().meta({ description: 'Where the fleet keeps it' }) }),
  },
  'capture-stop': {
    summary: 'End a capture before its time, with what it has kept',
    arguments: z.object({ capture: randomIdSchema.meta({ description: 'Its command' }) }),
    result: z.object({ stopped: z.boolean().meta({ description: 'False if it had ended, or never came' }) }),
  },
  logs: {
    summary: 'The newest lines of the agent log',
    arguments: z.object({ lineCount: z.number().int().min(1).max(500).default(100) }),
    result: z.object({ lines: z.array(z.string()) }),
  },
  'self-test': {
    summary: 'Replay the golden inputs of the running release',
    arguments: z.object({}),
    result: z.object({ passed: z.boolean(), models: z.record(z.string(), z.object({ passed: z.boolean(), maximumError: z.number() })) }),
  },
  'model-load': {
    summary: 'Load a model of the running release that was freed, and replay its golden inputs, instead of with the next item',
    arguments: modelArgumentsSchema,
    result: modelMemorySchema.extend({ loadMs: z.number().nonnegative() }),
  },
  'model-unload': {
    summary: 'Free the memory of a model of the running release, once its runs under way have ended; the next item loads it again',
    arguments: modelArgumentsSchema,
    result: modelMemorySchema,
  },
  benchmark: {
    summary: 'Time artefacts on an idle device, in a process of their own: those that are named, or those of the running release',
    arguments: z.object({
      ...measuring,
      runs: z.number().int().min(1).max(2000).default(20),
      warmUpRuns: z.number().int().min(0).max(200).default(3),
    }),
    result: z.object({
      models: z
        .record(z.string(), z.object({ medianMs: z.number(), p95Ms: z.number(), runs: z.number(), provider: z.string() }))
        .meta({ description: 'The fastest artefact that was timed, per model' }),
      artefacts: z.array(measuredArtefactSchema).default([]),
    }),
  },
  tune: {
    summary:
      'Search threads, spinning, arena, provider and execution mode for artefacts on the idle device; later loads use what was found',
    arguments: z.object({
      ...measuring,
      runs: z.number().int().min(3).max(500).default(15),
      minimise: tuneGoalSchema
        .optional()
        .meta({ description: 'What to make small; by default what the artefacts of the device were chosen for' }),
    }),
    result: z.object({ artefacts: z.array(tunedArtefactSchema) }),
  },
  snapshot: {
    summary: 'State, counters and health of the agent now',
    arguments: z.object({}),
    result: z.object({ snapshot: z.record(z.string(), z.unknown()) }),
  },
  diagnostics: {
    summary: 'State, capabilities, sensors and log of the device in one document, uploaded in parts',
    arguments: z.object({ lineCount: z.number().int().min(1).max(1000).default(1000) }),
    result: z.object({
      sizeBytes: z.number().int().positive(),
      upload: storedUploadSchema.optional().meta({ description: 'Where the fleet keeps it' }),
    }),
  },
  cancel: {
    summary: 'End another command before its time',
    arguments: z.object({ command: randomIdSchema }),
    result: z.object({ cancelled: z.boolean().meta({ description: 'False if it had ended, or never came' }) }),
  },
  reboot: {
    summary: 'Start the whole device anew, where its owner allows that',
    arguments: z.object({}),
    result: z.object({ inMs: z.number() }),
  },
  'update-agent': {
    summary: 'Put another agent in the place of this one, prove that it works, and go back by itself if it does not; agents on Node alone',
    arguments: z.object({ build: digestSchema.meta({ description: 'Of an agent build that the publisher has signed' }) }),
    result: z.object({
      version: z.string(),
      before: z.string().nullable().meta({ description: 'Null: the one that was installed by hand' }),
    }),
  },
  'rotate-key': {
    summary: 'Make a new key for the device and prove it to the fleet; its id stays, and the old key is worth nothing from then on',
    arguments: z.object({}),
    result: z.object({ publicKey: z.string().meta({ description: 'Raw Ed25519 public key, base64url' }) }),
  },
  restart: {
    summary: 'Restart the runtime host',
    arguments: z.object({}),
    result: z.object({ restartedInMs: z.number() }),
  },
  identify: {
    summary: 'Say hello in the log of the device so that somebody beside it can find it',
    arguments: z.object({ message: z.string().max(200).default('identify') }),
    result: z.object({}),
  },
} as const;

export type CommandName = keyof typeof commandTable;
export const commandNameSchema = z.enum(Object.keys(commandTable) as [CommandName, ...CommandName[]]);
export type CommandArguments<Name extends CommandName> = z.infer<(typeof commandTable)[Name]['arguments']>;
export type CommandResultOf<Name extends CommandName> = z.infer<(typeof commandTable)[Name]['result']>;

/** Payload of a command: a JWS signed by the fleet key. */
export const commandSchema = z
  .object({
    kind: z.literal('command'),
    schemaVersion: z.literal(1),
    critical: z.array(z.string()).default([]),
    id: randomIdSchema,
    device: deviceIdSchema,
    name: commandNameSchema,
    issuer: z.string().max(200).meta({ description: 'The account that asked for it' }),
    issuedAtMs: wallMsSchema,
    notAfterMs: wallMsSchema,
    arguments: z.record(z.string(), z.unknown()).default({}),
  })
  .meta({ id: 'Command', title: 'Command' });
export type Command = z.infer<typeof commandSchema>;

export const commandProgressSchema = z.object({ done: z.number(), total: z.number(), what: z.string() });
export type CommandProgress = z.infer<typeof commandProgressSchema>;

export const commandResultSchema = z
  .object({
    id: randomIdSchema,
    status: z.enum(['accepted', 'progress', 'done', 'failed']),
    progress: commandProgressSchema.optional(),
    result: z.record(z.string(), z.unknown()).optional(),
    error: problemSchema.optional(),
    atMs: wallMsSchema,
  })
  .meta({ id: 'CommandResult', title: 'Command result' });
export type CommandResult = z.infer<typeof commandResultSchema>;
