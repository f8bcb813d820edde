import { z } from 'zod';
import { digestSchema } from '../digest.ts';
import { artefactSchema, precisionSchema } from '../documents/artefact.ts';
import { buildRecipeSchema } from '../documents/build-recipe.ts';
import {
  evaluationMetricSchema,
  modelAssetSchema,
  modelCardSchema,
  modelDatasetsSchema,
  modelVersionSchema,
} from '../documents/model-version.ts';
import { pipelineSchema } from '../documents/pipeline.ts';
import { policiesSchema, releaseParametersSchema, releaseSchema } from '../documents/release.ts';
import { problemSchema } from '../documents/reported-state.ts';
import { nameSchema, versionSchema, wallMsSchema } from '../ids.ts';
import { PIPELINES_MAXIMUM } from '../limits.ts';
import type { Endpoint } from './endpoint.ts';
import { pageOf, pageQuerySchema } from './paging.ts';

const signedSchema = z
  .string()
  .max(512 * 1024)
  .meta({ description: 'Compact JWS of the document, by a publisher key' });

/** A file that was uploaded and stored as a blob, not yet used by anything. */
export const uploadSchema = z.object({ digest: digestSchema, sizeBytes: z.number().int(), manifest: digestSchema });
export type Upload = z.infer<typeof uploadSchema>;

export const buildStateSchema = z.enum(['queued', 'running', 'done', 'failed', 'cancelled']);
export type BuildState = z.infer<typeof buildStateSchema>;

/** One recipe for one model version, in the queue or out of it. */
export const buildJobSchema = z.object({
  id: z.string(),
  model: z.string(),
  version: z.string(),
  modelDigest: digestSchema,
  recipe: buildRecipeSchema,
  label: z.string().meta({ description: 'Short name of the recipe; not unique' }),
  state: buildStateSchema,
  progressPercent: z.number().int(),
  step: z.string(),
  error: problemSchema.nullable(),
  artefact: digestSchema.nullable().meta({ description: 'What it gave; null while it is not done, and where there was nothing to gain' }),
  reused: z.boolean().meta({ description: 'An equal build had made the artefact already, so nothing was built' }),
  note: z.string().nullable().meta({ description: 'Why it is done without an artefact' }),
  requestedBy: z.string().nullable().meta({ description: 'Who asked for it; null for the recipes that every model version gets' }),
  attempts: z.number().int().meta({ description: 'How often it was started since it was asked for' }),
  createdAtMs: wallMsSchema,
  updatedAtMs: wallMsSchema,
  startedAtMs: wallMsSchema.nullable(),
  endedAtMs: wallMsSchema.nullable(),
});
export type BuildJob = z.infer<typeof buildJobSchema>;

const intervalSchema = z.object({
  value: z.number(),
  low: z.number().meta({ description: 'Lower end of the 95 % bootstrap interval' }),
  high: z.number().meta({ description: 'Upper end of the 95 % bootstrap interval' }),
});
export type Interval = z.infer<typeof intervalSchema>;

/** How well an artefact does on the evaluation set beside its source. */
export const accuracyReportSchema = z.object({
  metric: evaluationMetricSchema,
  unit: z.string(),
  samples: z.number().int().positive(),
  source: intervalSchema,
  artefact: intervalSchema,
  lossPoints: intervalSchema.meta({ description: 'What the artefact loses, paired sample by sample; negative if it is better' }),
});
export type AccuracyReport = z.infer<typeof accuracyReportSchema>;

/** One layer of a quantised model. */
export const layerReportSchema = z.object({
  node: z.string(),
  operator: z.string(),
  signalToNoiseDb: z.number().nullable().meta({ description: 'Of its output when it alone is quantised; null if it was not measured' }),
  inFloat: z.boolean(),
});
export type LayerReport = z.infer<typeof layerReportSchema>;

/** One step of the search for layers that must stay in float. */
export const searchStepSchema = z.object({
  keptInFloat: z.array(z.string()),
  lossPoints: intervalSchema,
  withinBudget: z.boolean(),
});
export type SearchStep = z.infer<typeof searchStepSchema>;

/** What the builder found out about an artefact. */
export const buildReportSchema = z.object({
  accuracy: accuracyReportSchema.optional(),
  similarityDb: z.number().optional().meta({ description: 'Signal-to-quantisation-noise ratio of the outputs on the samples, in dB' }),
  layers: z.array(layerReportSchema).optional(),
  search: z.array(searchStepSchema).optional(),
  notes: z.array(z.string()).optional().meta({ description: 'What the build did or could not do, in words' }),
  compressionRatio: z.number().meta({ description: 'Size of the artefact over the size of the source' }),
  maximumError: z.number().meta({ description: 'Largest difference to fp32 on golden inputs, as a share of the largest magnitude' }),
  quantisedTensors: z.number().int(),
  buildMs: z.number(),
});
export type BuildReport = z.infer<typeof buildReportSchema>;

export const artefactViewSchema = z.object({
  digest: digestSchema,
  precision: precisionSchema,
  optimisation: z.string(),
  executionProviders: z.array(z.string()),
  sizeBytes: z.number().int(),
  report: buildReportSchema,
  createdAtMs: wallMsSchema,
  document: artefactSchema,
});
export type ArtefactView = z.infer<typeof artefactViewSchema>;

export const modelViewSchema = z.object({
  digest: digestSchema,
  name: z.string(),
  version: z.string(),
  createdAtMs: wallMsSchema,
  createdBy: z.string(),
  document: modelVersionSchema,
  artefacts: z.array(artefactViewSchema),
  builds: z.array(buildJobSchema),
});
export type ModelView = z.infer<typeof modelViewSchema>;

export const pipelineViewSchema = z.object({
  digest: digestSchema,
  name: z.string(),
  version: z.string(),
  createdAtMs: wallMsSchema,
  createdBy: z.string(),
  document: pipelineSchema,
});
export type PipelineView = z.infer<typeof pipelineViewSchema>;

export const releaseViewSchema = z.object({
  digest: digestSchema,
  name: z.string(),
  createdAtMs: wallMsSchema,
  createdBy: z.string(),
  document: releaseSchema,
  deviceCount: z.number().int().meta({ description: 'Devices that should run it' }),
});
export type ReleaseView = z.infer<typeof releaseViewSchema>;

export const graphProblemSchema = z.object({
  code: z.string(),
  field: z.string(),
  message: z.string(),
  hint: z.string().optional(),
  key: z.string().optional().meta({ description: 'The key below `field` that is wrong by its name' }),
  range: z
    .object({ start: z.number().int().nonnegative(), end: z.number().int().nonnegative() })
    .optional()
    .meta({ description: 'Characters of the text at `field` that it is about' }),
});

const search = pageQuerySchema.extend({ search: z.string().max(200).optional() });

export const catalogueEndpoints = {
  upload: {
    method: 'post',
    path: '/uploads',
    access: 'operator',
    tag: 'models',
    summary: 'Upload a file; it is stored in chunks and forgotten after a week unless something uses it',
    query: z.object({ kind: z.enum(['model', 'weights', 'file']).default('file') }),
    rawBody: true,
    response: uploadSchema,
  },
  draftModel: {
    method: 'post',
    path: '/models/draft',
    access: 'operator',
    changes: false,
    tag: 'models',
    summary: 'Inspect an uploaded ONNX file and answer with the document that the publisher signs',
    body: z.object({
      name: nameSchema,
      version: versionSchema,
      upload: digestSchema.meta({ description: 'Manifest digest of the uploaded ONNX file' }),
      weights: digestSchema.optional().meta({
        description: 'Manifest digest of the uploaded file with its larger tensors, which the ONNX file names by SHA-256 as their location',
      }),
      card: modelCardSchema,
      assets: z.array(modelAssetSchema).max(16).default([]),
      datasets: modelDatasetsSchema.optional(),
    }),
    response: z.object({ document: modelVersionSchema }),
  },
  createModel: {
    method: 'post',
    path: '/models',
    access: 'operator',
    tag: 'models',
    summary: 'Register a signed model version and queue the builds that every version gets',
    body: z.object({ signed: signedSchema }),
    response: modelViewSchema,
  },
  listModels: {
    method: 'get',
    path: '/models',
    access: 'viewer',
    tag: 'models',
    summary: 'List model versions',
    query: search,
    response: pageOf(modelViewSchema),
  },
  showModel: {
    method: 'get',
    path: '/models/{digest}',
    access: 'viewer',
    tag: 'models',
    summary: 'One model version',
    response: modelViewSchema,
  },
  checkPipeline: {
    method: 'post',
    path: '/pipelines/check',
    access: 'viewer',
    changes: false,
    tag: 'pipelines',
    summary: 'Check a pipeline against operators and the newest versions of its models',
    body: z.object({ document: pipelineSchema }),
    response: z.object({ problems: z.array(graphProblemSchema) }),
  },
  createPipeline: {
    method: 'post',
    path: '/pipelines',
    access: 'operator',
    tag: 'pipelines',
    summary: 'Register a signed pipeline version',
    body: z.object({ signed: signedSchema }),
    response: pipelineViewSchema,
  },
  listPipelines: {
    method: 'get',
    path: '/pipelines',
    access: 'viewer',
    tag: 'pipelines',
    summary: 'List pipeline versions',
    query: search,
    response: pageOf(pipelineViewSchema),
  },
  showPipeline: {
    method: 'get',
    path: '/pipelines/{digest}',
    access: 'viewer',
    tag: 'pipelines',
    summary: 'One pipeline version',
    response: pipelineViewSchema,
  },
  draftRelease: {
    method: 'post',
    path: '/releases/draft',
    access: 'operator',
    changes: false,
    tag: 'releases',
    summary: 'Pin versions and answer with the document that the publisher signs',
    body: z.object({
      name: nameSchema,
      pipeline: z.string().max(200).meta({ description: 'name or name@version; the newest version if none is given' }),
      alongside: z
        .array(z.string().max(200))
        .max(PIPELINES_MAXIMUM - 1)
        .default([])
        .meta({ description: 'Further pipelines that run at the same time, name or name@version' }),
      models: z.record(nameSchema, versionSchema).default({}).meta({ description: 'Versions to pin; the newest where none is given' }),
      parameters: releaseParametersSchema.default({}),
      policies: policiesSchema.optional(),
      requiredProviders: z.array(z.string()).optional(),
    }),
    response: z.object({ document: releaseSchema }),
  },
  createRelease: {
    method: 'post',
    path: '/releases',
    access: 'operator',
    tag: 'releases',
    summary: 'Register a signed release',
    body: z.object({ signed: signedSchema }),
    response: releaseViewSchema,
  },
  listReleases: {
    method: 'get',
    path: '/releases',
    access: 'viewer',
    tag: 'releases',
    summary: 'List releases',
    query: search,
    response: pageOf(releaseViewSchema),
  },
  showRelease: {
    method: 'get',
    path: '/releases/{digest}',
    access: 'viewer',
    tag: 'releases',
    summary: 'One release',
    response: releaseViewSchema,
  },
} as const satisfies Record<string, Endpoint>;
