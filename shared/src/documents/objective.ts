import { z } from 'zod';

/** What can be made small. Cost is that of 1,000 inferences: the profile's hourly price and the bytes moved. */
export const objectiveGoalSchema = z.enum(['latency', 'energy', 'memory', 'size', 'cost']);
export type ObjectiveGoal = z.infer<typeof objectiveGoalSchema>;

/** By what the artefact of a device is chosen: the least of one thing, within limits on the others. */
export const objectiveSchema = z.strictObject({
  minimise: objectiveGoalSchema.default('latency'),
  accuracyLossPointsMaximum: z
    .number()
    .nonnegative()
    .max(100)
    .default(1)
    .meta({ description: 'Points of the metric that an artefact may lose against its source, judged on the worse end of the interval' }),
  latencyMsP95Maximum: z.number().positive().optional(),
  joulesPerInferenceMaximum: z.number().positive().optional(),
  memoryBytesMaximum: z.number().int().positive().optional(),
  sizeBytesMaximum: z.number().int().positive().optional(),
  costPer1000Maximum: z.number().positive().optional(),
});
export type Objective = z.infer<typeof objectiveSchema>;

/** What settings of a session can make small; size and cost of a model follow its latency. */
export const tuneGoalSchema = z.enum(['latency', 'energy', 'memory']);
export type TuneGoal = z.infer<typeof tuneGoalSchema>;

/** By what settings are searched on a device: the part of an objective that settings can change. */
export const tuneObjectiveSchema = z.object({
  minimise: tuneGoalSchema,
  latencyMsP95Maximum: z.number().positive().optional(),
});
export type TuneObjective = z.infer<typeof tuneObjectiveSchema>;

export function tuneObjectiveOf({ minimise, latencyMsP95Maximum }: Objective): TuneObjective {
  const goal = tuneGoalSchema.safeParse(minimise).data ?? 'latency';
  return { minimise: goal, ...(latencyMsP95Maximum === undefined ? {} : { latencyMsP95Maximum }) };
}
