import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

/** Input `pixels`, float32 [n, 1, 28, 28] from 0 to 1; output `logits`, float32 [n, 10]. */
export const digitsModelFile = fileURLToPath(new URL('./digits.onnx', import.meta.url));
export const figuresFile = fileURLToPath(new URL('./digits.json', import.meta.url));

const trainedFiguresSchema = z.object({
  /** Of the held-out digits, by ONNX Runtime from the file. */
  accuracy: z.number().min(0).max(1),
  correct: z.number().int(),
  heldOut: z.number().int(),
  trainedOn: z.number().int(),
  epochs: z.number().int(),
  seed: z.number().int(),
  library: z.string(),
});
export type TrainedFigures = z.infer<typeof trainedFiguresSchema>;

/** What training printed when the kept model was made. */
export async function trainedFigures(): Promise<TrainedFigures> {
  return trainedFiguresSchema.parse(JSON.parse(await readFile(figuresFile, 'utf8')));
}
