import { z } from 'zod';
import { digestSchema } from '../digest.ts';
import { buildMethodSchema, buildRecipeSchema } from '../documents/build-recipe.ts';
import { wallMsSchema } from '../ids.ts';
import { artefactViewSchema, buildJobSchema, buildStateSchema } from './catalogue.ts';
import type { Endpoint } from './endpoint.ts';
import { pageOf, pageQuerySchema } from './paging.ts';

/** What a build said on its way. */
export const buildLogLineSchema = z.object({
  sequence: z.number().int().meta({ description: 'Counts the lines of one build from 1; the oldest are forgotten' }),
  atMs: wallMsSchema,
  text: z.string(),
});
export type BuildLogLine = z.infer<typeof buildLogLineSchema>;

/** A file that went into an artefact, or came out with it. */
export const artefactMaterialSchema = z.object({
  role: z.enum(['source', 'asset', 'calibration', 'evaluation', 'artefact', 'weights', 'golden']),
  name: z.string(),
  digest: digestSchema,
  sizeBytes: z.number().int(),
});

/** An artefact with its bill of materials. Recipe and tools stand in `document.provenance`, under the signature of the fleet. */
export const artefactDetailSchema = artefactViewSchema.extend({
  model: z.object({ name: z.string(), version: z.string(), digest: digestSchema }),
  materials: z.array(artefactMaterialSchema),
  signed: z.string().meta({ description: 'Compact JWS of the document, by the fleet key' }),
});
export type ArtefactDetail = z.infer<typeof artefactDetailSchema>;

export const artefactListItemSchema = artefactViewSchema.extend({ model: artefactDetailSchema.shape.model });
export type ArtefactListItem = z.infer<typeof artefactListItemSchema>;

export const buildEndpoints = {
  addBuild: {
    method: 'post',
    path: '/models/{digest}/builds',
    access: 'operator',
    tag: 'builds',
    summary: 'Queue a build of a model version by a recipe; one that waits or runs already is answered as it is',
    body: z.object({ recipe: buildRecipeSchema }),
    response: buildJobSchema,
  },
  listBuilds: {
    method: 'get',
    path: '/builds',
    access: 'viewer',
    tag: 'builds',
    summary: 'List builds, newest first',
    query: pageQuerySchema.extend({
      model: digestSchema.optional().meta({ description: 'Of this model version only' }),
      state: buildStateSchema.optional(),
      method: buildMethodSchema.optional(),
    }),
    response: pageOf(buildJobSchema),
  },
  showBuild: {
    method: 'get',
    path: '/builds/{id}',
    access: 'viewer',
    tag: 'builds',
    summary: 'One build',
    response: buildJobSchema,
  },
  listBuildLog: {
    method: 'get',
    path: '/builds/{id}/logs',
    access: 'viewer',
    tag: 'builds',
    summary: 'What a build said, oldest line first',
    query: pageQuerySchema.extend({
      after: z.coerce.number().int().min(0).default(0).meta({ description: 'Only lines with a higher sequence' }),
    }),
    response: pageOf(buildLogLineSchema),
  },
  cancelBuild: {
    method: 'post',
    path: '/builds/{id}/cancel',
    access: 'operator',
    tag: 'builds',
    summary: 'Cancel a build that waits or runs',
    response: buildJobSchema,
  },
  retryBuild: {
    method: 'post',
    path: '/builds/{id}/retry',
    access: 'operator',
    tag: 'builds',
    summary: 'Run a build again that failed or was cancelled',
    response: buildJobSchema,
  },
  listArtefacts: {
    method: 'get',
    path: '/artefacts',
    access: 'viewer',
    tag: 'builds',
    summary: 'List artefacts, newest first',
    query: pageQuerySchema.extend({ model: digestSchema.optional().meta({ description: 'Of this model version only' }) }),
    response: pageOf(artefactListItemSchema),
  },
  showArtefact: {
    method: 'get',
    path: '/artefacts/{digest}',
    access: 'viewer',
    tag: 'builds',
    summary: 'One artefact with its bill of materials',
    response: artefactDetailSchema,
  },
} as const satisfies Record<string, Endpoint>;
