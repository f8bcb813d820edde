/** Figures of onnxruntime's own quantiser, which `rivals.ts` makes -> what our builds must not fall short of. */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

/** What one way to quantise came to. Ratios are to the source; losses are of the digits, or of reading scenes with both text models. */
const rivalSchema = z.object({
  sizeRatio: z.number(),
  latencyRatio: z.number(),
  signalToNoiseDb: z.number(),
  accuracyLossPoints: z.number().optional(),
});
export type Rival = z.infer<typeof rivalSchema>;
export type Rivals = Readonly<Record<string, Rival>>;

const readingSchema = z.object({ exactMatchLostPoints: z.number(), characterErrorGainedPoints: z.number() });

export const referenceSchema = z.object({
  what: z.string(),
  how: z.array(z.string()).min(1),
  versions: z.record(z.string(), z.string()),
  machine: z.string(),
  models: z.record(z.string(), z.record(z.string(), rivalSchema)),
  /** Way to quantise -> what reading the first scenes loses when both text models are quantised like that. */
  scenes: z.record(z.string(), readingSchema),
});
export type Reference = z.infer<typeof referenceSchema>;

/** Scenes that were read with the rivals: the first of those that our builds read. */
export const RIVAL_SCENES = 100;

const file = fileURLToPath(new URL('./reference/quantise-static.json', import.meta.url));

export async function readReference(): Promise<Reference> {
  return referenceSchema.parse(JSON.parse(await readFile(file, 'utf8')));
}

/** @returns where it was written */
export async function writeReference(reference: Reference): Promise<string> {
  await writeFile(file, `${JSON.stringify(reference, null, 2)}\n`);
  return file;
}
