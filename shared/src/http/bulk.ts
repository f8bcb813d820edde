import { z } from 'zod';
import { deviceIdSchema } from '../ids.ts';
import type { Endpoint } from './endpoint.ts';
import { selectSchema } from './groups.ts';
import { labelNameSchema, labelsSchema } from './labels.ts';

/** Labels that one bulk change may set, or remove. */
const BULK_LABELS_MAXIMUM = 32;

/** What became of a CSV file. */
export const deviceImportSchema = z.object({
  rows: z.number().int().meta({ description: 'Lines with a device' }),
  changing: z.number().int().meta({ description: 'Devices that change, or would' }),
  applied: z.boolean().meta({ description: 'False for a dry run, and where bad lines held up all others' }),
  bad: z.number().int().meta({ description: 'Lines with problems' }),
  problems: z
    .array(z.object({ line: z.number().int(), column: z.string().optional(), message: z.string(), hint: z.string().optional() }))
    .meta({ description: 'The first of them, in the order of the file' }),
});
export type DeviceImport = z.infer<typeof deviceImportSchema>;

/** Changes of many devices at once. */
export const bulkEndpoints = {
  labelDevices: {
    method: 'post',
    path: '/devices/labels',
    access: 'operator',
    tag: 'devices',
    summary: 'Set or remove labels of all selected devices; a dry run says first how many',
    body: z
      .object({
        select: selectSchema,
        set: labelsSchema.default({}),
        remove: z.array(labelNameSchema).max(BULK_LABELS_MAXIMUM).default([]),
        dryRun: z.boolean().default(false).meta({ description: 'Change nothing, and say what would change' }),
      })
      .refine(({ set }) => Object.keys(set).length <= BULK_LABELS_MAXIMUM, {
        path: ['set'],
        error: `at most ${BULK_LABELS_MAXIMUM} labels at once`,
      })
      .refine(({ set, remove }) => Object.keys(set).length + remove.length > 0, {
        path: ['set'],
        error: 'name a label to set or to remove',
      })
      .refine(({ set, remove }) => !remove.some((name) => Object.hasOwn(set, name)), {
        path: ['remove'],
        error: 'a label is either set or removed',
      }),
    response: z.object({
      selected: z.number().int(),
      changing: z.number().int().meta({ description: 'Selected devices that have other labels now' }),
      examples: z.array(z.object({ id: deviceIdSchema, name: z.string() })).meta({ description: 'A few of those that change' }),
    }),
  },
  importDevices: {
    method: 'post',
    path: '/devices/import',
    access: 'operator',
    tag: 'devices',
    summary: 'Change names and labels by a CSV file, as `/devices.csv` gives one',
    rawBody: true,
    query: z.object({
      dryRun: z.stringbool().default(false).meta({ description: 'Change nothing, and say what would change' }),
      skipBad: z.stringbool().default(false).meta({ description: 'Take the good lines though others are bad' }),
    }),
    response: deviceImportSchema,
  },
  removeSimulated: {
    method: 'post',
    path: '/devices/remove-simulated',
    access: 'operator',
    tag: 'devices',
    summary: 'Delete devices that were simulated, and all that is known of them',
    body: z.object({ dryRun: z.boolean().default(false).meta({ description: 'Delete nothing, and say how many there are' }) }),
    response: z.object({ devices: z.number().int() }),
  },
} as const satisfies Record<string, Endpoint>;
