import {
  type BuildRecipe,
  buildMethodSchema,
  buildRecipeSchema,
  buildTargetSchema,
  calibrationMethodSchema,
  firstProblemOf,
} from '@starling/shared';
import type { Command } from 'commander';
import { z } from 'zod';
import { cliError } from './errors.ts';
import { collect, numberOption, readOptions, wordsSchema } from './options.ts';
import { readShapes } from './shapes.ts';

const listed = (values: readonly string[]): string => `use ${values.join(', ')}`;

const recipeOptions = z.object({
  method: z.enum(buildMethodSchema.options, listed(buildMethodSchema.options)),
  target: z.enum(buildTargetSchema.options, listed(buildTargetSchema.options)).optional(),
  activations: z.enum(['u8', 's8'], listed(['u8', 's8'])).optional(),
  calibration: z.enum(calibrationMethodSchema.options, listed(calibrationMethodSchema.options)).optional(),
  percentile: numberOption().optional(),
  samples: numberOption().optional(),
  equalise: z.boolean().optional(),
  biasCorrection: z.boolean().optional(),
  blockSize: numberOption().optional(),
  sparsity: numberOption().optional(),
  fixedShapes: wordsSchema,
  maximumLoss: numberOption().optional(),
  keepInFloat: wordsSchema,
});

/** The flags of which a recipe is made. */
export function addRecipeOptions(command: Command): Command {
  return command
    .requiredOption('--method <method>', buildMethodSchema.options.join(', '))
    .option('--target <target>', `kernels that it is shaped for: ${buildTargetSchema.options.join(', ')} (default portable)`)
    .option('--activations <type>', 'type of quantised activations, u8 or s8 (default: that of the target)')
    .option('--calibration <method>', `how ranges are found: ${calibrationMethodSchema.options.join(', ')} (default percentile)`)
    .option('--percentile <percent>', 'share of the values that stay in range, for --calibration percentile (default 99.99)')
    .option('--samples <n>', 'calibration samples that are used, at most (default 128)')
    .option('--equalise', 'cross-layer equalisation before quantising')
    .option('--bias-correction', 'shift biases by the mean error that quantised weights cause')
    .option('--block-size <n>', 'block of weights-int4: 16, 32, 64, 128 or 256 (default 32)')
    .option('--sparsity <share>', 'share of the smallest weights that become zero, 0 to 0.95 (default 0)')
    .option('--fixed-shapes <input=1x3x320x320>', 'shape to which the free dimensions of an input are fixed; may be repeated', collect)
    .option('--maximum-loss <points>', 'accuracy budget: layers stay in float until the loss lies within it')
    .option('--keep-in-float <node>', 'a node that stays in float whatever is found; may be repeated', collect);
}

/** @throws StarlingError `usage` that names the flag */
export function readRecipe(command: Command): BuildRecipe {
  const { samples, percentile, calibration: method, fixedShapes, maximumLoss, ...rest } = readOptions(command, recipeOptions);
  const calibration = {
    ...(method === undefined ? {} : { method }),
    ...(percentile === undefined ? {} : { percentile }),
    ...(samples === undefined ? {} : { samplesMaximum: samples }),
  };
  const recipe = {
    ...Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined)),
    ...(Object.keys(calibration).length === 0 ? {} : { calibration }),
    ...(fixedShapes === undefined ? {} : { fixedShapes: readShapes(fixedShapes, '--fixed-shapes') }),
    ...(maximumLoss === undefined ? {} : { accuracyLossPointsMaximum: maximumLoss }),
  };
  const parsed = buildRecipeSchema.safeParse(recipe);
  if (parsed.success) return parsed.data;
  const { field, message } = firstProblemOf(parsed.error);
  const flag = flags[field] ?? `--${field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  throw cliError('usage', `${flag}: ${message}`, { field: flag, hint: 'see "starling model build --help"' });
}

/** Fields of a recipe whose flag has another name. */
const flags: Readonly<Record<string, string>> = {
  'calibration.samplesMaximum': '--samples',
  'calibration.percentile': '--percentile',
  accuracyLossPointsMaximum: '--maximum-loss',
};
