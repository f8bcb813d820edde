import { z } from 'zod';
import type { Endpoint } from './endpoint.ts';
import { pageQuerySchema } from './paging.ts';

const count = z.number().int().nonnegative();

/** What a map of the fleet may show. `release`: the share on the release that most devices should run. */
export const mapMeasures = ['connected', 'failing', 'latency', 'release'] as const;
export type MapMeasure = (typeof mapMeasures)[number];

const mapFigures = {
  devices: count.meta({ description: 'Devices that are let in' }),
  connected: count,
  closed: count.meta({ description: 'Browsers whose page was closed in order' }),
  failing: count.meta({ description: 'Devices that do not run what they should' }),
  onLeading: count.meta({ description: 'Devices that should run the leading release of the fleet' }),
  items: z.number().meta({ description: 'Inferences since `sinceMs`' }),
  failures: z.number(),
  latencyMsMean: z.number().nullable().meta({ description: 'Mean of the inferences since `sinceMs`; null without any' }),
};

export const mapCellSchema = z.object({
  profile: z.string(),
  ...mapFigures,
  releases: z
    .array(z.object({ digest: z.string().nullable(), name: z.string().nullable(), devices: count }))
    .meta({ description: 'What its devices should run, the most frequent first; at most five' }),
});
export type MapCell = z.infer<typeof mapCellSchema>;

export const mapSiteSchema = z.object({
  site: z.string().meta({ description: 'Value of the label `site`, empty without one' }),
  ...mapFigures,
  cells: z.array(mapCellSchema),
});
export type MapSite = z.infer<typeof mapSiteSchema>;

export const fleetMapSchema = z.object({
  sinceMs: z.number().meta({ description: 'Latency is that of the hours from here on' }),
  fleet: z.object(mapFigures),
  leading: z.object({ digest: z.string(), name: z.string().nullable() }).nullable(),
  profiles: z.array(z.object({ profile: z.string(), devices: count })).meta({ description: 'Those with most devices first' }),
  items: z.array(mapSiteSchema),
  total: count.meta({ description: 'Sites' }),
  limit: z.number().int(),
  offset: z.number().int(),
});
export type FleetMap = z.infer<typeof fleetMapSchema>;

export const fleetMapEndpoints = {
  fleetMap: {
    method: 'get',
    path: '/overview/map',
    access: 'viewer',
    tag: 'fleet',
    summary: 'Counts of devices by site and profile, the worst sites by a measure first',
    query: pageQuerySchema.extend({
      measure: z.enum(mapMeasures).default('connected'),
      sort: z.enum(['worst', 'devices', 'site']).default('worst'),
      search: z.string().max(200).optional().meta({ description: 'Part of the name of a site' }),
    }),
    response: fleetMapSchema,
  },
} as const satisfies Record<string, Endpoint>;
