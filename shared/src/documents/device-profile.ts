import { z } from 'zod';
import { nameSchema } from '../ids.ts';
import { precisionSchema } from './artefact.ts';

const sourceSchema = z.string().min(1).max(500);

/**
 * Power of a whole device by the utilisation of its processors. It travels in the desired state, so it is small and absolute: what
 * depends on the size of a machine was scaled before.
 */
export const powerModelSchema = z
  .object({
    idleWatts: z.number().positive().meta({ description: 'Watts with no core busy' }),
    maximumWatts: z.number().positive().meta({ description: 'Watts with all cores busy' }),
    tdpWatts: z
      .number()
      .positive()
      .optional()
      .meta({ description: 'Design power that the maker states, where there is one; not used in sums' }),
    curve: z
      .array(z.tuple([z.number().gt(0).lt(1), z.number().positive()]))
      .max(16)
      .optional()
      .meta({
        description: 'Points [utilisation, watts] between idle and maximum, ascending; without them power is linear in utilisation',
      }),
    source: sourceSchema.meta({ description: 'Where the figures come from; starts with "estimate" if nobody has published them' }),
  })
  .superRefine((model, context) => {
    let [utilisation, watts] = [0, model.idleWatts];
    for (const [index, [nextUtilisation, nextWatts]] of [...(model.curve ?? []), [1, model.maximumWatts] as const].entries()) {
      const path = index === (model.curve?.length ?? 0) ? ['maximumWatts'] : ['curve', index];
      if (nextWatts < watts)
        context.addIssue({ code: 'custom', path, message: `${nextWatts} W is under the ${watts} W of a lower utilisation` });
      if (nextUtilisation <= utilisation) context.addIssue({ code: 'custom', path, message: 'utilisations must ascend' });
      [utilisation, watts] = [nextUtilisation, nextWatts];
    }
  });
export type PowerModel = z.infer<typeof powerModelSchema>;

/** A regular expression in the syntax of JavaScript, matched without regard to case anywhere in the text. */
const expressionSchema = z.string().min(1).max(200).refine(isExpression, 'this is not a regular expression');

function isExpression(text: string): boolean {
  try {
    new RegExp(text, 'iu');
    return true;
  } catch {
    return false;
  }
}

/** Rules by which capabilities are matched. Every rule that is present must hold; each that holds adds to the score. */
export const matchRulesSchema = z.strictObject({
  environment: z.enum(['node', 'browser']),
  architecture: z.array(z.string()).min(1).optional().meta({ description: 'One of these must be the architecture' }),
  os: z.array(z.string()).min(1).optional().meta({ description: 'One of these must be the operating system' }),
  deviceTree: expressionSchema
    .optional()
    .meta({ description: 'Expression that the model or one compatible string of the device tree must match' }),
  cpu: expressionSchema.optional().meta({ description: 'Expression over "vendor model" of the processor' }),
  isa: z.array(z.string()).min(1).optional().meta({ description: 'Instruction set features that must be there, as Linux names them' }),
  isaAbsent: z.array(z.string()).min(1).optional().meta({ description: 'Instruction set features that must not be there' }),
  gpu: expressionSchema.optional().meta({ description: 'Expression that "vendor name" of one graphics adapter must match' }),
  executionProviders: z
    .array(z.string())
    .min(1)
    .optional()
    .meta({ description: 'Execution providers on which a model must really have run' }),
  userAgent: expressionSchema.optional().meta({ description: 'Expression over the user agent of the browser' }),
  virtualised: z.boolean().optional().meta({ description: 'Whether the processor is that of a virtual machine' }),
  memoryBytes: z
    .strictObject({ minimum: z.number().int().positive().optional(), maximum: z.number().int().positive().optional() })
    .optional()
    .meta({ description: 'Range in which the total memory must lie, both ends included' }),
});
export type MatchRules = z.infer<typeof matchRulesSchema>;

export const energySensorSchema = z.strictObject({
  kind: z.enum(['rapl', 'hwmon', 'ina3221', 'pmic', 'battery']),
  path: z.string().min(1).meta({
    description:
      'Files (glob); a folder of rails for ina3221 of hwmon (in*_input x curr*_input); a program for pmic; an interface of the browser for battery',
  }),
  unit: z.enum(['microjoules', 'microwatts', 'milliwatts', 'watts', 'percent']),
});
export type EnergySensor = z.infer<typeof energySensorSchema>;

/** Where figures of a profile come from. */
const profileSourceSchema = z.strictObject({
  fields: z
    .array(
      z.enum([
        'match',
        'executionProviders',
        'acceleratedPrecisions',
        'memoryBudgetBytes',
        'powerModel',
        'pricePerHourUsd',
        'energySensors',
        'imageBase',
      ]),
    )
    .min(1)
    .meta({ description: 'The fields of the profile that rest on this source' }),
  citation: sourceSchema.meta({
    description: 'What was read, in words that find it again; starts with "estimate" if it is our own judgement',
  }),
  url: z.url().optional(),
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
    referenceCores: z.number().int().positive().optional().meta({
      description:
        'Cores of the machine that powerModel and pricePerHourUsd describe. With it, both are scaled to the cores that a device has; without, they stand for the whole device',
    }),
    pricePerHourUsd: z.strictObject({ value: z.number().nonnegative(), source: sourceSchema }).optional(),
    energySensors: z.array(energySensorSchema).default([]),
    imageBase: z.string().optional().meta({ description: 'Base of the firmware image for this board' }),
    sources: z.array(profileSourceSchema).min(1),
  })
  .superRefine((profile, context) => {
    const { acceleratedPrecisions: precisions, executionProviders: providers, match } = profile;
    const complain = (path: (string | number)[], message: string): void => context.addIssue({ code: 'custom', path, message });
    if (precisions.at(-1) !== 'fp32') complain(['acceleratedPrecisions'], 'fp32 must come last: what follows it would be slower');
    if (new Set(precisions).size !== precisions.length) complain(['acceleratedPrecisions'], 'a precision stands here twice');
    if (new Set(providers).size !== providers.length) complain(['executionProviders'], 'a provider stands here twice');
    const { minimum = 0, maximum = Number.POSITIVE_INFINITY } = match.memoryBytes ?? {};
    if (minimum > maximum) complain(['match', 'memoryBytes'], 'minimum is over maximum');
    for (const feature of match.isa ?? []) {
      if (match.isaAbsent?.includes(feature)) complain(['match', 'isaAbsent'], `${feature} is required and forbidden`);
    }
  })
  .meta({ id: 'DeviceProfile', title: 'Device profile' });
export type DeviceProfile = z.infer<typeof deviceProfileSchema>;

/**
 * Power at a utilisation, by linear interpolation between the points of the curve. Without a curve this is the model of Fan, Weber and
 * Barroso, "Power Provisioning for a Warehouse-sized Computer" (ISCA 2007): P = idle + (maximum - idle) x utilisation.
 * @param utilisation share of all cores that is busy, 0..1; clamped
 */
export function wattsAt(model: PowerModel, utilisation: number): number {
  const load = Math.min(1, Math.max(0, utilisation));
  let [fromLoad, fromWatts] = [0, model.idleWatts];
  for (const [toLoad, toWatts] of [...(model.curve ?? []), [1, model.maximumWatts] as const]) {
    if (load <= toLoad) return fromWatts + ((toWatts - fromWatts) * (load - fromLoad)) / (toLoad - fromLoad);
    [fromLoad, fromWatts] = [toLoad, toWatts];
  }
  return model.maximumWatts;
}

/** Energy of a window in joules: power at its mean utilisation times its length, and what idling alone would have taken. */
export function energyOfWindow(model: PowerModel, utilisation: number, seconds: number): { joules: number; idleJoules: number } {
  return { joules: wattsAt(model, utilisation) * seconds, idleJoules: model.idleWatts * seconds };
}
