import { z } from 'zod';
import { digestSchema } from '../digest.ts';
import { nameSchema, randomIdSchema, wallMsSchema } from '../ids.ts';

/** Where a device stands with its desired state. `installed` and `running` are two things: rollouts count only `running`. */
export const reconcilePhaseSchema = z.enum(['idle', 'checking', 'pulling', 'installed', 'self-testing', 'probation', 'running', 'failed']);
export type ReconcilePhase = z.infer<typeof reconcilePhaseSchema>;

export const problemSchema = z.object({
  code: z.string().max(100),
  message: z.string().max(2000),
  field: z.string().max(500).optional(),
  hint: z.string().max(2000).optional(),
});
export type Problem = z.infer<typeof problemSchema>;

export const stepReportSchema = z.object({
  step: z.string().max(64).meta({ description: 'Kind of the step, e.g. pull-blob' }),
  subject: z.string().max(200).meta({ description: 'What it works on: a model name, a digest' }),
  state: z.enum(['waiting', 'running', 'done', 'failed']),
  doneBytes: z.number().int().nonnegative().optional(),
  totalBytes: z.number().int().nonnegative().optional(),
});
export type StepReport = z.infer<typeof stepReportSchema>;

/** Characters of a text that are told of a parameter: enough to know it by. */
export const TOLD_PARAMETER_CHARACTERS = 200;
export const TOLD_PARAMETERS_MAXIMUM = 100;

/** One parameter of a pipeline that runs, with who has set its value. */
export const runningParameterSchema = z.object({
  pipeline: nameSchema,
  name: z.string().max(100),
  value: z
    .union([z.string().max(TOLD_PARAMETER_CHARACTERS), z.number(), z.boolean()])
    .meta({ description: 'Of a long text its beginning; an address is told without the login in it' }),
  by: z
    .enum(['default', 'release', 'device'])
    .meta({ description: 'Whose value it is: that of the pipeline, of the release, or of the device itself' }),
});
export type RunningParameter = z.infer<typeof runningParameterSchema>;

/** What runs now. `providers` are the execution providers that really ran, per model. */
export const runningReleaseSchema = z.object({
  release: digestSchema,
  artefacts: z.record(nameSchema, digestSchema),
  verified: z.boolean().meta({ description: 'Its self-test and probation have passed' }),
  since: wallMsSchema,
  providers: z.record(nameSchema, z.string()).default({}),
  parameters: z
    .array(runningParameterSchema)
    .max(TOLD_PARAMETERS_MAXIMUM)
    .optional()
    .meta({ description: 'Values that its pipelines run with' }),
});
export type RunningRelease = z.infer<typeof runningReleaseSchema>;

/** An artefact that this device was given and does not run. */
export const refusedArtefactSchema = z.object({
  model: nameSchema,
  artefact: digestSchema,
  provider: z.string().max(64),
  code: z.string().max(100),
  reason: z.string().max(2000),
  instead: digestSchema.nullable().meta({ description: 'What runs in its place' }),
});
export type RefusedArtefact = z.infer<typeof refusedArtefactSchema>;

/** One challenger on a device. `off`: it does not run here, and its items go to the champion. */
export const reportedArmSchema = z.object({
  release: digestSchema,
  state: z.enum(['waiting', 'pulling', 'running', 'off']),
  problem: problemSchema.optional(),
});
export type ReportedArm = z.infer<typeof reportedArmSchema>;

/** One release whose parts a device runs for others beside its own. */
export const reportedHelpSchema = z.object({
  release: digestSchema,
  state: z.enum(['waiting', 'pulling', 'running', 'failed']),
  problem: problemSchema.optional(),
});
export type ReportedHelp = z.infer<typeof reportedHelpSchema>;

export const FAILING_ENDS_MAXIMUM = 32;

/** A source or a sink of the pipelines that run, which fails and is tried again. */
export const failingEndSchema = z.object({
  node: z.string().max(200),
  code: z.string().max(100),
  message: z.string().max(2000),
  sinceMs: wallMsSchema,
  attempts: z.number().int().positive().meta({ description: 'How often it has failed until this was told' }),
});
export type FailingEnd = z.infer<typeof failingEndSchema>;

export const reportedStateSchema = z
  .object({
    schemaVersion: z.literal(1),
    epoch: z.number().int().nonnegative(),
    generation: z.number().int().nonnegative(),
    phase: reconcilePhaseSchema,
    steps: z.array(stepReportSchema).max(64).default([]),
    running: runningReleaseSchema.nullable(),
    previous: digestSchema.nullable().default(null).meta({ description: 'Release to go back to' }),
    error: problemSchema.nullable().default(null),
    retryAtMs: wallMsSchema
      .optional()
      .meta({ description: 'When the device tries again by itself what has failed; without it, it has given up' }),
    refused: z.array(refusedArtefactSchema).max(32).default([]),
    experiment: z
      .object({ id: randomIdSchema, arms: z.array(reportedArmSchema).max(8) })
      .optional()
      .meta({ description: 'The experiment that it takes part in, and what became of its challengers here' }),
    helps: z.array(reportedHelpSchema).max(16).optional().meta({ description: 'Where it stands with the releases that it helps with' }),
    failing: z
      .array(failingEndSchema)
      .max(FAILING_ENDS_MAXIMUM)
      .optional()
      .meta({ description: 'Sources and sinks that fail now, and are tried again' }),
    atMs: wallMsSchema,
  })
  .meta({ id: 'ReportedState', title: 'Reported state' });
export type ReportedState = z.infer<typeof reportedStateSchema>;
