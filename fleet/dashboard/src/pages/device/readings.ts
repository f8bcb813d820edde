import { type InferenceResult, type Reading, readingSchema } from '@starling/shared';

/** The texts among the outputs of a result, in reading order; empty if the pipeline gives none. */
export function readingsOf({ outputs }: InferenceResult): Reading[] {
  for (const value of Object.values(outputs)) {
    const parsed = readingSchema.array().safeParse(value);
    if (parsed.success && parsed.data.length > 0) return parsed.data;
  }
  return [];
}
