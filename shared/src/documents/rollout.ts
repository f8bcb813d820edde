import { z } from 'zod';
import { nameSchema } from '../ids.ts';
import { durationSchema } from './duration.ts';
import { unionByKey } from './union-by-key.ts';

/** Steps of one rollout: each may have a table row, a wave and a plot. */
export const ROLLOUT_STEPS_MAXIMUM = 50;
const DEVICES_MAXIMUM = 10_000_000;

const labelKeySchema = z.string().regex(/^[a-z0-9][a-z0-9._/-]{0,62}$/, 'a label has a-z, 0-9, ".", "_", "/" and "-"');
const percentSchema = z.number().min(0).max(100);

/** Which failures are meant: all, a class of them, or the code that devices report, such as `self-test-failed`. */
export const failureKindSchema = z.union([z.enum(['any', 'failed', 'refused', 'timed-out']), nameSchema]).meta({
  description: '`any`, `failed`, `refused` (before the device has taken anything), `timed-out`, or a code such as `self-test-failed`',
});

export const failureActionSchema = z.enum(['rollback', 'abort', 'pause']).meta({
  description:
    '`rollback`: every device goes back to its own previous release; `abort`: nothing more is started; `pause`: a person decides',
});
export type FailureAction = z.infer<typeof failureActionSchema>;

/** An analysis by name of its template, or written out. What it may hold is the matter of the analysis. */
export const analysisReferenceSchema = z
  .union([nameSchema, z.record(z.string(), z.unknown())])
  .meta({ description: 'Name of an analysis template, or the analysis itself' });
export type AnalysisReference = z.infer<typeof analysisReferenceSchema>;

const stepNameSchema = z.string().min(1).max(100).optional().meta({ description: 'What people see' });

/** What a step does, by its key. */
export const rolloutStepSchemas = {
  setPercent: z.strictObject({
    setPercent: percentSchema.gt(0).meta({ description: 'So much of all targets, in all' }),
    name: stepNameSchema,
  }),
  setCount: z.strictObject({
    setCount: z.number().int().min(1).max(DEVICES_MAXIMUM).meta({ description: 'So many targets, in all' }),
    name: stepNameSchema,
  }),
  setLabel: z.strictObject({
    setLabel: z
      .record(labelKeySchema, z.string().max(200))
      .refine((labels) => Object.keys(labels).length > 0, 'name a label and its value')
      .meta({ description: 'All targets with these labels as well' }),
    name: stepNameSchema,
  }),
  pause: z.strictObject({
    pause: z
      .strictObject({ for: durationSchema.optional().meta({ description: 'Without it: until a person promotes it' }) })
      .meta({ description: '`{}` waits for a person, `{for: 30m}` for a time' }),
    name: stepNameSchema,
  }),
  analyse: z.strictObject({
    analyse: analysisReferenceSchema,
    for: durationSchema.default('30m').meta({ description: 'How long to look; what is not clear then is a matter for a person' }),
    name: stepNameSchema,
  }),
  approve: z.strictObject({
    approve: z.number().int().min(1).max(10).meta({ description: 'How many different people have to approve' }),
    name: stepNameSchema,
  }),
} as const;

export const rolloutStepSchema = unionByKey(rolloutStepSchemas);
export type RolloutStep = z.infer<typeof rolloutStepSchema>;

export const failureThresholdSchema = z.strictObject({
  kind: failureKindSchema.default('any'),
  percent: percentSchema.gt(0).meta({ description: 'Of the devices that have ended, from which it acts' }),
  minimumExecuted: z.number().int().min(1).max(DEVICES_MAXIMUM).default(1).meta({ description: 'Devices that must have ended before' }),
  action: failureActionSchema.optional().meta({ description: 'That of `onFailure` if not given' }),
});
export type FailureThreshold = z.infer<typeof failureThresholdSchema>;

const perMinuteSchema = z.number().int().min(1).max(1_000_000);
export const rolloutRateSchema = z.strictObject({
  perMinute: perMinuteSchema.meta({ description: 'Devices to start in a minute' }),
  growth: z
    .strictObject({
      factor: z.number().min(1.1).max(5),
      everySucceeded: z
        .number()
        .int()
        .min(1)
        .max(DEVICES_MAXIMUM)
        .meta({ description: 'Successes after which the rate grows by the factor' }),
      maximumPerMinute: perMinuteSchema,
    })
    .optional(),
});
export type RolloutRate = z.infer<typeof rolloutRateSchema>;

export const maintenanceWindowsSchema = z.strictObject({
  timeZone: z
    .string()
    .max(64)
    .default('UTC')
    .meta({ description: 'Of devices without the label `timezone`', examples: ['Europe/Berlin'] }),
  open: z
    .array(
      z.strictObject({
        cron: z.string().min(9).max(256).meta({ description: 'Minute, hour, day, month, weekday, in the local time of each device' }),
        for: durationSchema,
      }),
    )
    .min(1)
    .max(20),
});
export type MaintenanceWindows = z.infer<typeof maintenanceWindowsSchema>;

/** How the devices of a selector come to another release. */
export const rolloutSpecSchema = z
  .strictObject({
    kind: z.literal('rollout').default('rollout'),
    schemaVersion: z.literal(1).default(1),
    name: nameSchema,
    description: z.string().max(2000).optional(),
    release: z.string().min(1).max(200).meta({ description: 'Name or digest of the release' }),
    selector: z
      .string()
      .min(1)
      .max(4000)
      .meta({ description: 'Which devices, as an expression over them', examples: ['labels.site == "north"'] }),
    canary: z
      .strictObject({ count: z.number().int().min(0).max(1000) })
      .default({ count: 1 })
      .meta({ description: 'Devices that go before all steps; 0 for none' }),
    steps: z
      .array(rolloutStepSchema)
      .max(ROLLOUT_STEPS_MAXIMUM)
      .default([{ setPercent: 10 }, { setPercent: 100 }])
      .meta({ description: 'In this order; a last `setPercent: 100` is added where no step reaches all' }),
    successPercent: percentSchema
      .default(95)
      .meta({ description: 'Of the devices of a wave that have ended, how many must run the release verified before the next step' }),
    failureThresholds: z
      .array(failureThresholdSchema)
      .max(20)
      .default([{ kind: 'any', percent: 20, minimumExecuted: 5 }]),
    onFailure: failureActionSchema.default('rollback'),
    onDeviceFailure: z
      .enum(['return', 'keep'])
      .default('return')
      .meta({ description: 'What a single device that failed should run: its previous release, or still the new one' }),
    maxInFlight: z.number().int().min(1).max(DEVICES_MAXIMUM).default(500).meta({ description: 'Devices that are at it at the same time' }),
    rate: rolloutRateSchema.optional(),
    bandwidthBytesPerMinute: z
      .number()
      .int()
      .min(1)
      .max(1e15)
      .optional()
      .meta({ description: 'Bytes that devices started within a minute may have to fetch, all together' }),
    spread: z
      .strictObject({ label: labelKeySchema.default('site'), maxInFlight: z.number().int().min(1).max(DEVICES_MAXIMUM) })
      .optional()
      .meta({ description: 'At most so many devices of one value of a label at a time, so that no uplink chokes' }),
    windows: maintenanceWindowsSchema.optional(),
    deviceTimeout: durationSchema.default('1h').meta({ description: 'From the desired state to running and verified' }),
    stepTimeout: durationSchema.default('7d').meta({ description: 'After which a step that cannot end is a matter for a person' }),
    retries: z
      .strictObject({
        count: z.number().int().min(0).max(10),
        kinds: z.array(failureKindSchema).min(1).max(20).default(['timed-out']),
        after: durationSchema.default('10m'),
      })
      .default({ count: 0, kinds: ['timed-out'], after: '10m' }),
    priority: z.number().int().min(0).max(100).default(0).meta({ description: 'Of two rollouts on one device the higher has it' }),
    supersede: z.boolean().default(false).meta({ description: 'Take devices from open rollouts of the same priority' }),
    latecomers: durationSchema.default('30d').meta({ description: 'How long devices that were away may follow after the last step' }),
    dynamic: z.boolean().default(false).meta({ description: 'Devices that match later join, until the time for latecomers is over' }),
    requires: z
      .strictObject({
        agentVersion: z
          .string()
          .regex(/^\d+\.\d+\.\d+$/, 'write a version such as 1.4.0')
          .optional()
          .meta({ description: 'At least' }),
        profiles: z.array(z.string().min(1).max(100)).min(1).max(100).optional().meta({ description: 'Only these device profiles' }),
      })
      .default({}),
    analysis: analysisReferenceSchema.optional().meta({ description: 'Judged all the time from the first success on' }),
    startAt: z.iso
      .datetime({ offset: true })
      .optional()
      .meta({ description: 'Not before', examples: ['2030-01-31T22:00:00Z'] }),
  })
  .meta({ id: 'RolloutSpec', title: 'Rollout' });
export type RolloutSpec = z.infer<typeof rolloutSpecSchema>;
export type RolloutSpecInput = z.input<typeof rolloutSpecSchema>;
