import { z } from 'zod';
import { digestSchema } from '../digest.ts';
import { nameSchema, versionSchema, wallMsSchema } from '../ids.ts';
import { buildRecipeSchema } from './build-recipe.ts';
import { type WeightsFile, weightsFileSchema } from './model-version.ts';

/** `int8` here includes weights kept as int8 and dequantised at load; `int4w` is weight-only. */
export const precisionSchema = z.enum(['fp32', 'fp16', 'int8', 'int4w']);
export type Precision = z.infer<typeof precisionSchema>;

/** What a device must have to run an artefact, beside an execution provider. */
export const artefactNeedsSchema = z.object({
  opset: z.number().int().positive().meta({ description: 'Opset of the default domain' }),
  operators: z
    .array(z.string().max(200))
    .max(500)
    .meta({
      description: 'Operator types in it, with their domain where it is not the default',
      examples: [['Conv', 'com.microsoft:MatMulNBits']],
    }),
  memoryBytes: z.number().int().nonnegative().optional().meta({
    description: 'Memory that its weights take once they are loaded, at least: weights that the engine dequantises count as floats',
  }),
});

/** Where an artefact comes from and how it was made, as SLSA provenance has it: materials, builder, parameters. */
export const artefactProvenanceSchema = z.object({
  recipe: buildRecipeSchema,
  tools: z.record(z.string().max(100), z.string().max(100)).meta({ description: 'Program or library -> version' }),
  calibrationDigest: digestSchema.optional(),
  evaluationDigest: digestSchema.optional(),
  keptInFloat: z.array(z.string()).max(10_000).default([]).meta({ description: 'Nodes that the search left in float' }),
  builtAtMs: wallMsSchema,
});
export type ArtefactProvenance = z.infer<typeof artefactProvenanceSchema>;

/**
 * One build of a model version for a target, signed by the fleet that built it. The device checks it against the publisher's
 * model version by `sourceDigest`.
 */
export const artefactSchema = z
  .object({
    kind: z.literal('artefact'),
    schemaVersion: z.literal(1),
    critical: z.array(z.string()).default([]),
    fleetId: z.string(),
    model: nameSchema,
    modelVersion: versionSchema,
    sourceDigest: digestSchema.meta({ description: 'SHA-256 of the source ONNX file, as the publisher signed it' }),
    precision: precisionSchema,
    optimisation: z
      .string()
      .max(100)
      .meta({ examples: ['none', 'weights-int8-per-channel'] }),
    executionProviders: z.array(z.string()).min(1).meta({ description: 'ONNX Runtime execution providers that can run it' }),
    needs: artefactNeedsSchema.optional(),
    provenance: artefactProvenanceSchema.optional(),
    blob: z.object({ digest: digestSchema, sizeBytes: z.number().int().positive(), manifest: digestSchema }),
    weights: weightsFileSchema.optional(),
    golden: z
      .object({ digest: digestSchema, sizeBytes: z.number().int().positive() })
      .optional()
      .meta({ description: 'Golden inputs and outputs (CBOR, one chunk) that a device replays before it trusts the artefact' }),
  })
  .meta({ id: 'Artefact', title: 'Artefact manifest' });
export type Artefact = z.infer<typeof artefactSchema>;

/** What of an artefact lies on disk as blobs: its ONNX file, and its weights where they are apart. */
export function artefactFiles({ blob, weights }: Pick<Artefact, 'blob' | 'weights'>): WeightsFile[] {
  return weights === undefined ? [blob] : [blob, weights];
}

/** What an artefact is called in a table. Of the model as it was pushed, its precision says more than "none". */
export function artefactKind({ precision, optimisation }: { precision: string; optimisation: string }): string {
  return optimisation === '' || optimisation === 'none' ? precision : optimisation;
}
