import { z } from 'zod';
import { digestSchema } from '../digest.ts';
import { nameSchema, versionSchema, wallMsSchema } from '../ids.ts';
import { BLOB_BYTES_MAXIMUM } from '../limits.ts';
import { pipelineGraphSchema } from './pipeline.ts';

/** Element types of ONNX tensors that Starling moves between nodes. */
export const tensorElementTypeSchema = z.enum([
  'float32',
  'float16',
  'float64',
  'int8',
  'uint8',
  'int16',
  'uint16',
  'int32',
  'uint32',
  'int64',
  'uint64',
  'bool',
  'string',
]);
export type TensorElementType = z.infer<typeof tensorElementTypeSchema>;

/** One dimension: a fixed length, or the name of a symbolic one. */
export const dimensionSchema = z.union([z.number().int().positive(), z.string().min(1).max(64)]);

export const tensorPortSchema = z.object({
  name: z.string().min(1).max(256),
  elementType: tensorElementTypeSchema,
  shape: z.array(dimensionSchema).max(8),
});
export type TensorPort = z.infer<typeof tensorPortSchema>;

/** A file that a model needs beside its graph, such as a dictionary of characters. */
export const modelAssetSchema = z.object({
  name: nameSchema,
  digest: digestSchema,
  sizeBytes: z.number().int().nonnegative(),
  manifest: digestSchema.meta({ description: 'Digest of the blob manifest that lists its chunks' }),
});
export type ModelAsset = z.infer<typeof modelAssetSchema>;

/** The larger tensors of a model that are kept in a file beside its ONNX file, which names it by this digest. */
export const weightsFileSchema = z
  .object({
    digest: digestSchema,
    sizeBytes: z.number().int().positive().max(BLOB_BYTES_MAXIMUM),
    manifest: digestSchema,
  })
  .meta({ description: 'File of the larger tensors, which the ONNX file names by this digest; where one file cannot hold the model' });
export type WeightsFile = z.infer<typeof weightsFileSchema>;

/** Zip archives of samples for builds: they stay with the fleet, devices never fetch them. */
export const modelDatasetsSchema = z.object({
  calibration: modelAssetSchema.optional().meta({ description: 'Samples from which ranges of activations are learnt' }),
  evaluation: modelAssetSchema.optional().meta({ description: 'Samples on which builds are compared with the source' }),
});
export type ModelDatasets = z.infer<typeof modelDatasetsSchema>;

/** Where an imported file was fetched from, as it was found there. */
export const modelOriginSchema = z.strictObject({
  address: z.string().max(2000),
  revision: z.string().max(200).optional().meta({ description: 'Commit of the repository, where the address is in one' }),
  sha256: digestSchema,
  data: z
    .array(z.strictObject({ file: z.string().max(2000), sha256: digestSchema }))
    .max(1000)
    .optional()
    .meta({ description: 'Files in which the model keeps its data, as it names them, where they were fetched with it' }),
  licence: z.string().max(200).optional().meta({ description: 'What the place itself says about the licence' }),
  fetchedAtMs: wallMsSchema,
});
export type ModelOrigin = z.infer<typeof modelOriginSchema>;

/** Metrics by which builds of a model are compared. All but `mean-absolute-error` are in percent. */
export const evaluationMetricSchema = z.enum([
  'accuracy',
  'mean-average-precision',
  'exact-match',
  'character-error-rate',
  'mean-absolute-error',
  'similarity',
]);
export type EvaluationMetric = z.infer<typeof evaluationMetricSchema>;

/** How calibration and evaluation samples reach the model, and how its answers are scored: through the pipeline that will run it. */
export const modelEvaluationSchema = z.strictObject({
  pipeline: pipelineGraphSchema.optional().meta({
    description: 'Turns one sample into what is scored. Without it samples are tensors (.npy), fed to the model as they are',
  }),
  metric: evaluationMetricSchema.default('similarity'),
  output: z
    .string()
    .max(64)
    .optional()
    .meta({ description: 'Output of the pipeline, or of the model, that is scored; the first if not given' }),
});
export type ModelEvaluation = z.infer<typeof modelEvaluationSchema>;

/** Whole numbers, both ends included. */
export const wholeRangeSchema = z
  .object({ minimum: z.number().int(), maximum: z.number().int() })
  .refine(({ minimum, maximum }) => minimum <= maximum, { path: ['maximum'], message: 'a range ends where it starts or later' });
export type WholeRange = z.infer<typeof wholeRangeSchema>;

/** What a person writes about a model; the rest of a model version is read from the ONNX file itself. */
export const modelCardSchema = z.object({
  title: z.string().min(1).max(200),
  description: z.string().max(4000).default(''),
  task: z
    .string()
    .max(100)
    .default('other')
    .meta({ examples: ['text-detection', 'text-recognition', 'classification'] }),
  licence: z.string().max(200).meta({ description: 'SPDX expression or the name of the licence' }),
  source: z.string().max(500).optional().meta({ description: 'Where the model came from: an address, a package, a training run' }),
  origin: modelOriginSchema.optional(),
  labels: z.array(z.string().max(200)).max(20_000).optional(),
  /** Concrete shapes for symbolic dimensions, used for golden inputs, warm-up and measurement: input name -> shape. */
  exampleShapes: z.record(z.string(), z.array(z.number().int().positive()).max(8)).optional(),
  /** What inputs of whole numbers may be, where not every number means something, such as a rate: input name -> range. */
  exampleRanges: z.record(z.string(), wholeRangeSchema).optional(),
  evaluation: modelEvaluationSchema.optional(),
});
export type ModelCard = z.infer<typeof modelCardSchema>;

/** A model version is immutable and signed by the publisher. Its digest is that of its signed bytes. */
export const modelVersionSchema = z
  .object({
    kind: z.literal('model-version'),
    schemaVersion: z.literal(1),
    critical: z.array(z.string()).default([]),
    fleetId: z.string(),
    name: nameSchema,
    version: versionSchema,
    source: z.object({ digest: digestSchema, sizeBytes: z.number().int().positive(), manifest: digestSchema }),
    weights: weightsFileSchema.optional(),
    opset: z.number().int().positive(),
    inputs: z.array(tensorPortSchema).min(1),
    outputs: z.array(tensorPortSchema).min(1),
    assets: z.array(modelAssetSchema).max(16).default([]),
    datasets: modelDatasetsSchema.optional(),
    card: modelCardSchema,
  })
  .meta({ id: 'ModelVersion', title: 'Model version' });
export type ModelVersion = z.infer<typeof modelVersionSchema>;
