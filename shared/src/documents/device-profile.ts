import { z } from 'zod';
import { nameSchema } from '../ids.ts';
import { precisionSchema } from './artefact.ts';

const sourceSchema = z.string().min(1).max(500);

/** Power of a whole device by the utilisation of its processors. */
export const powerModelSchema = z.object({
  idleWatts: z.number().positive(),
  maximumWatts: z.number().positive(),
  tdpWatts: z.number().positive().optional(),
  /** Points [utilisation 0..1, watts] between idle and maximum, ascending; without them power is linear in utilisation. */
  curve: z
    .array(z.tuple([z.number().min(0).max(1), z.number().positive()]))
    .max(16)
    .optional(),
  source: sourceSchema.meta({ description: 'Where the figures come from; starts with "estimate" if nobody has published them' }),
});
export type PowerModel = z.infer<typeof powerModelSchema>;

/** Rules by which capabilities are matched. Every rule that is present must hold; each that holds adds to the score. */
export const matchRulesSchema = z.strictObject({
  environment: z.enum(['node', 'browser']),
  architecture: z.array(z.string()).optional(),
  os: z.array(z.string()).optional(),
  deviceTree: z.string().optional().meta({ description: 'Regular expression over model and compatible strings of the device tree' }),
  cpu: z.string().optional().meta({ description: 'Regular expression over vendor and model of the processor' }),
  isa: z.array(z.string()).optional().meta({ description: 'Features that must be there' }),
  isaAbsent: z.array(z.string()).optional().meta({ description: 'Features that must not be there' }),
  gpu: z.string().optional().meta({ description: 'Regular expression over vendor and name of the graphics adapters' }),
  userAgent: z.string().optional(),
  virtualised: z.boolean().optional(),
});
export type MatchRules = z.infer<typeof matchRulesSchema>;

export const energySensorSchema = z.strictObject({
  kind: z.enum(['rapl', 'hwmon', 'ina3221', 'pmic', 'battery']),
  path: z.string().min(1),
  unit: z.enum(['microjoules', 'microwatts', 'milliwatts', 'watts', 'percent']),
});

/** A hardware class. */
export const deviceProfileSchema = z
  .strictObject({
    schemaVersion: z.literal(1),
    name: nameSchema,
    title: z.string().min(1).max(100),
    description: z.string().max(1000).default(''),
    architecture: z.enum(['x64', 'arm64', 'arm', 'wasm']),
    match: matchRulesSchema,
    executionProviders: z.array(z.string()).min(1).meta({ description: 'ONNX Runtime execution providers, best first' }),
    acceleratedPrecisions: z
      .array(precisionSchema)
      .min(1)
      .meta({ description: 'Precisions that run faster than fp32, best first; fp32 itself last' }),
    memoryBudgetBytes: z.number().int().positive().meta({ description: 'Memory that models may take' }),
    powerModel: powerModelSchema,
    pricePerHourUsd: z.object({ value: z.number().nonnegative(), source: sourceSchema }).optional(),
    energySensors: z.array(energySensorSchema).default([]),
    imageBase: z.string().optional().meta({ description: 'Base of the firmware image for this board' }),
    sources: z.array(sourceSchema).min(1),
  })
  .refine((profile) => profile.powerModel.idleWatts <= profile.powerModel.maximumWatts, {
    path: ['powerModel', 'idleWatts'],
    error: 'idleWatts is over maximumWatts',
  })
  .meta({ id: 'DeviceProfile', title: 'Device profile' });
export type DeviceProfile = z.infer<typeof deviceProfileSchema>;

/** Power at a utilisation, by linear interpolation between the points of the curve. @param utilisation 0..1, clamped */
export function wattsAt(model: PowerModel, utilisation: number): number {
  const load = Math.min(1, Math.max(0, utilisation));
  const points: [number, number][] = [
    [0, model.idleWatts],
    ...(model.curve ?? []).filter(([at]) => at > 0 && at < 1),
    [1, model.maximumWatts],
  ];
  for (let index = 1; index < points.length; index += 1) {
    const [fromLoad, fromWatts] = points[index - 1] as [number, number];
    const [toLoad, toWatts] = points[index] as [number, number];
    if (load <= toLoad) return fromWatts + ((toWatts - fromWatts) * (load - fromLoad)) / (toLoad - fromLoad);
  }
  return model.maximumWatts;
}

/** Energy of a window in joules: power at its mean utilisation times its length, and what idling alone would have taken. */
export function energyOfWindow(model: PowerModel, utilisation: number, seconds: number): { joules: number; idleJoules: number } {
  return { joules: wattsAt(model, utilisation) * seconds, idleJoules: model.idleWatts * seconds };
}
