import { z } from 'zod';
import { deviceIdSchema } from '../ids.ts';

/** What another machine runs for a device. */
export const placementViewSchema = z.object({
  place: z.string(),
  parts: z.array(z.object({ pipeline: z.string(), name: z.string(), nodes: z.array(z.string()) })),
  worker: z
    .object({ id: deviceIdSchema, name: z.string(), online: z.boolean() })
    .nullable()
    .meta({ description: 'Null while no device with the release has the label of the place' }),
});
export type PlacementView = z.infer<typeof placementViewSchema>;

/** What a device is to a pipeline of several places. */
export const placementFields = {
  places: z
    .array(z.string())
    .nullable()
    .default(null)
    .meta({ description: 'It runs the nodes of these places for other devices, and no others' }),
  placement: z.array(placementViewSchema).default([]).meta({ description: 'What others run for it; empty where it runs all itself' }),
};
