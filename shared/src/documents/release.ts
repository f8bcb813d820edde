import { z } from 'zod';
import { digestSchema } from '../digest.ts';
import { nameSchema, versionSchema } from '../ids.ts';
import { PIPELINES_MAXIMUM } from '../limits.ts';
import { objectiveSchema } from './objective.ts';
import { type ParameterValues, parameterValuesSchema } from './pipeline.ts';

/** What may leave a device. The publisher signs it; fleet and device may only narrow it. */
export const egressPolicySchema = z.strictObject({
  /** Pipeline outputs whose values may be sent to the fleet (results of `infer`, streams). */
  outputs: z.array(z.string()).default([]),
  /** Ports that may be tapped or captured raw, e.g. `decode.image`. Empty: raw inputs never leave. */
  edges: z.array(z.string()).default([]),
  /** Nodes whose sinks may send values away from the device. Sinks that keep them there need not be named. */
  sinks: z.array(z.string()).default([]),
  /** Ports whose values may go to another machine that runs a part of the pipeline, or come back from it, e.g. `detect.boxes`. */
  streams: z.array(z.string()).optional(),
});
export type EgressPolicy = z.infer<typeof egressPolicySchema>;

export const policiesSchema = z.strictObject({
  egress: egressPolicySchema.default({ outputs: [], edges: [], sinks: [] }),
  capture: z.strictObject({ enabled: z.boolean().default(false) }).default({ enabled: false }),
  retention: z.strictObject({ resultDays: z.number().int().positive().max(3650).default(30) }).default({ resultDays: 30 }),
  power: z.strictObject({ maximumWatts: z.number().positive().optional() }).default({}),
});
export type Policies = z.infer<typeof policiesSchema>;

/** Those of the first pipeline by their names, those of one alongside as `PIPELINE:NAME`. */
export const releaseParametersSchema = z
  .record(
    z.string().regex(/^(?:[a-z0-9][a-z0-9_-]{0,63}:)?[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/, 'write NAME, or PIPELINE:NAME'),
    parameterValuesSchema.valueType,
  )
  .meta({ description: 'Values of parameters of the pipelines, in place of their defaults: NAME, or PIPELINE:NAME of one alongside' });

/** Release: an immutable set of pipeline version, pinned model versions and policies; signed by the publisher. */
export const releaseSchema = z
  .object({
    kind: z.literal('release'),
    schemaVersion: z.literal(1),
    critical: z.array(z.string()).default([]),
    fleetId: z.string(),
    name: nameSchema,
    pipeline: z.object({ name: nameSchema, version: versionSchema, digest: digestSchema }),
    alongside: z
      .array(z.object({ name: nameSchema, version: versionSchema, digest: digestSchema }))
      .max(PIPELINES_MAXIMUM - 1)
      .default([])
      .meta({
        description: 'Further pipelines that run at the same time, over the same models. In policies their names stand as `NAME:output`',
      }),
    models: z.array(z.object({ name: nameSchema, version: versionSchema, digest: digestSchema })).max(64),
    parameters: releaseParametersSchema.optional(),
    policies: policiesSchema.default(() => policiesSchema.parse({})),
    /** What an agent must offer before it may be given this release. */
    requires: z
      .object({
        protocolVersion: z.number().int().positive().default(1),
        operators: z.record(z.string(), z.number().int().positive()).default({}),
      })
      .default({ protocolVersion: 1, operators: {} }),
    /** If set, an engine that falls back to another execution provider must refuse to run. */
    requiredProviders: z.array(z.string()).optional(),
    /** By what each device's artefacts are chosen. Operators may set another for the fleet: it moves no data and lifts no policy. */
    objective: objectiveSchema.optional(),
    createdAtMs: z.number().int().nonnegative(),
  })
  .meta({ id: 'Release', title: 'Release' });
export type Release = z.infer<typeof releaseSchema>;

/** What a release sets of the parameters of one of its pipelines. */
export function parametersFor({ pipeline, parameters = {} }: Pick<Release, 'pipeline' | 'parameters'>, name: string): ParameterValues {
  const own = name === pipeline.name ? Object.entries(parameters).filter(([key]) => !key.includes(':')) : [];
  const prefix = `${name}:`;
  const prefixed = Object.entries(parameters).filter(([key]) => key.startsWith(prefix));
  return Object.fromEntries([...own, ...prefixed.map(([key, value]): (typeof own)[number] => [key.slice(prefix.length), value])]);
}
