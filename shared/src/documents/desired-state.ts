import { z } from 'zod';
import { digestSchema } from '../digest.ts';
import { deviceIdSchema, nameSchema, wallMsSchema } from '../ids.ts';
import { powerModelSchema } from './device-profile.ts';
import { EPOCH_PROOF_CHARACTERS_MAXIMUM } from './epoch.ts';
import { experimentAssignmentSchema } from './experiment.ts';
import { tuneObjectiveSchema } from './objective.ts';
import { placeSchema } from './pipeline.ts';

/** Artefacts of one model that a desired state names beside the chosen one. */
export const FALLBACKS_MAXIMUM = 3;

/** A release for one device, with the artefact chosen for each of its models. */
export const assignmentSchema = z.object({
  release: digestSchema.meta({ description: 'Digest of the signed release document' }),
  artefacts: z
    .record(nameSchema, digestSchema)
    .meta({ description: 'Model name -> digest of the signed artefact manifest chosen for this device' }),
  fallbacks: z
    .record(nameSchema, z.array(digestSchema).max(FALLBACKS_MAXIMUM))
    .optional()
    .meta({ description: 'Model name -> artefacts to try, in this order, when the chosen one does not load or compute right here' }),
  objective: tuneObjectiveSchema
    .optional()
    .meta({ description: 'By what the artefacts were chosen, as far as tuning on the device follows it; else that of the release' }),
  places: z
    .array(placeSchema)
    .max(16)
    .optional()
    .meta({ description: 'It runs the nodes of these places for other devices, and no others; without it, those that say `on: device`' }),
  workers: z
    .record(placeSchema, deviceIdSchema)
    .optional()
    .meta({ description: 'Place -> the device that runs the nodes of that place for this one' }),
});
export type Assignment = z.infer<typeof assignmentSchema>;

/** Releases that one device helps with beside its own: each is loaded as a whole, and all have to fit into one desired state. */
export const HELPS_MAXIMUM = 4;

/** A release of which a device runs places for others, while its own is another. */
export const helpSchema = assignmentSchema.pick({ release: true, artefacts: true, fallbacks: true }).extend({
  places: z.array(placeSchema).min(1).max(16).meta({ description: 'It runs the nodes of these places for other devices' }),
});
export type Help = z.infer<typeof helpSchema>;

export const agentSettingsSchema = z.object({
  telemetryWindowMs: z.number().int().min(1_000).max(3_600_000).default(10_000),
  spoolBudgetBytes: z.number().int().min(1_048_576).default(67_108_864),
  traceRatio: z.number().min(0).max(1).default(0).meta({ description: 'Share of the items whose way is recorded, span by span; 0: none' }),
});
export type AgentSettings = z.infer<typeof agentSettingsSchema>;

/** What one device should run, signed by the fleet key, ordered by (epoch, generation). At most 8 KiB as sent. */
export const desiredStateSchema = z
  .object({
    kind: z.literal('desired-state'),
    schemaVersion: z.literal(1),
    critical: z.array(z.string()).default([]),
    fleetId: z.string(),
    device: deviceIdSchema,
    epoch: z.number().int().nonnegative(),
    generation: z.number().int().nonnegative(),
    epochProof: z
      .string()
      .max(EPOCH_PROOF_CHARACTERS_MAXIMUM)
      .optional()
      .meta({ description: 'Of a fleet that was set back: its epoch, signed by a publisher or root key' }),
    issuedAtMs: wallMsSchema,
    expiresAtMs: wallMsSchema.meta({ description: 'After this the document may not be adopted; a running release runs on' }),
    root: z.object({ version: z.number().int().positive(), digest: digestSchema }),
    assignment: assignmentSchema.nullable(),
    experiment: experimentAssignmentSchema
      .optional()
      .meta({ description: 'Releases that run beside the assigned one. An agent that knows nothing of experiments goes on without' }),
    helps: z.array(helpSchema).max(HELPS_MAXIMUM).optional().meta({
      description:
        'Releases whose parts it runs for devices that are not on its own: before, during and after a rollout. Only for an agent that states `helping`',
    }),
    profile: z.object({ name: z.string(), powerModel: powerModelSchema }).optional(),
    grants: z
      .object({ blobs: z.array(digestSchema).default([]), streams: z.array(z.string().max(200)).default([]) })
      .default({ blobs: [], streams: [] }),
    settings: agentSettingsSchema.default(() => agentSettingsSchema.parse({})),
  })
  .meta({ id: 'DesiredState', title: 'Desired state' });
export type DesiredState = z.infer<typeof desiredStateSchema>;

/** The order of desired states: by epoch, then by generation. Negative if `left` is older. */
export function compareGenerations(
  left: Pick<DesiredState, 'epoch' | 'generation'>,
  right: Pick<DesiredState, 'epoch' | 'generation'>,
): number {
  return left.epoch - right.epoch || left.generation - right.generation;
}
