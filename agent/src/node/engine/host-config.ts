import { parseWith } from '@starling/shared';
import { z } from 'zod';
import { optimisedCacheSchema } from './optimised-model.ts';

/** An Open Inference Protocol server that runs the models. */
export const inferenceServerSchema = z.object({
  url: z.string(),
  repository: z.string(),
  providers: z.array(z.string()).min(1),
});
export type InferenceServer = z.infer<typeof inferenceServerSchema>;

/** What the control plane tells its runtime host at the start, as one JSON argument. Holds nothing secret. */
export const hostConfigSchema = z.object({
  dataDirectory: z.string(),
  machine: z.object({ threads: z.number().int().min(0), arena: z.boolean() }),
  server: inferenceServerSchema.optional(),
  cache: optimisedCacheSchema.optional(),
  runTimeoutMs: z.number().int().positive(),
  workerFile: z.string().meta({ description: 'Session worker, relative to the runtime host' }),
  scriptFile: z.string().meta({ description: 'Script worker, relative to the runtime host' }),
});
export type HostConfig = z.infer<typeof hostConfigSchema>;

export function readHostConfig(argument: string | undefined): HostConfig {
  return parseWith(hostConfigSchema, JSON.parse(argument ?? '{}'));
}
