import { z } from 'zod';
import { digestSchema } from '../digest.ts';
import { StarlingError } from '../errors.ts';
import { HOME_PLACE } from '../graph/split.ts';
import { deviceIdSchema } from '../ids.ts';

/** What another machine runs for a device. */
export const placementViewSchema = z.object({
  place: z.string(),
  parts: z.array(
    z.object({ pipeline: z.string(), name: z.string(), nodes: z.array(z.string()), outputs: z.array(z.string()).default([]) }),
  ),
  worker: z
    .object({ id: deviceIdSchema, name: z.string(), online: z.boolean() })
    .nullable()
    .meta({ description: 'Null while no device with the release has the label of the place' }),
});
export type PlacementView = z.infer<typeof placementViewSchema>;

/**
 * Where a port can be watched: in the part that its node belongs to, and what leaves a part, at home.
 * @returns undefined for the device itself
 */
export function placeOfPort(placement: readonly PlacementView[], pipeline: string, port: string): PlacementView | undefined {
  const node = port.slice(0, port.lastIndexOf('.'));
  return placement.find(({ parts }) =>
    parts.some(
      (part) =>
        part.pipeline === pipeline &&
        !part.outputs.includes(port) &&
        part.nodes.some((name) => node === name || node.startsWith(`${name}/`)),
    ),
  );
}

/**
 * The one place where all of these can be watched.
 * @returns undefined for the device itself
 * @throws StarlingError `edges-apart`
 */
export function placeOfPorts(placement: readonly PlacementView[], pipeline: string, ports: readonly string[]): PlacementView | undefined {
  const places = ports.map((port) => placeOfPort(placement, pipeline, port));
  const apart = places.findIndex((place) => place !== places[0]);
  if (apart === -1) return places[0];
  const said = (index: number): string => `${ports[index]} is at ${places[index]?.place ?? HOME_PLACE}`;
  throw new StarlingError('edges-apart', `${said(0)}, ${said(apart)}: one tap watches one machine`, {
    field: `edges.${apart}`,
    hint: 'start a tap for each',
  });
}

/** What a device is to a pipeline of several places. */
export const placementFields = {
  places: z
    .array(z.string())
    .nullable()
    .default(null)
    .meta({ description: 'It runs the nodes of these places for other devices, and no others' }),
  helps: z
    .array(z.object({ release: digestSchema, releaseName: z.string().nullable(), places: z.array(z.string()) }))
    .default([])
    .meta({ description: 'Releases of which it runs places for others beside its own, as while a rollout is under way' }),
  placement: z.array(placementViewSchema).default([]).meta({ description: 'What others run for it; empty where it runs all itself' }),
};
