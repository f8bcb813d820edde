import { z } from 'zod';
import { analysisSpecSchema, metricJudgementSchema } from '../documents/analysis.ts';
import { wallMsSchema } from '../ids.ts';
import type { Endpoint } from './endpoint.ts';
import { pageOf, pageQuerySchema } from './paging.ts';

export const analysisTemplateSchema = z.object({
  name: z.string(),
  spec: analysisSpecSchema,
  changedAtMs: wallMsSchema,
  changedBy: z.string(),
});
export type AnalysisTemplate = z.infer<typeof analysisTemplateSchema>;

/** A metric of a rollout as it was last measured. */
export const rolloutMetricSchema = z.object({
  step: z.string().meta({ description: 'Step of the rollout that looks, as `step` of the statements takes it' }),
  where: z.string().optional().meta({ description: 'The same in words: number and name of the step' }),
  name: z.string(),
  measuredAtMs: wallMsSchema,
  judgement: metricJudgementSchema
    .nullable()
    .meta({ description: 'Null where it could not be measured; `plot` has what it was at each look' }),
  error: z.string().nullable(),
});
export type RolloutMetric = z.infer<typeof rolloutMetricSchema>;

/** A statement that gives the figures that a gate was judged by. */
export const metricQuerySchema = z.object({
  side: z.string().meta({ description: '`candidate` or `control`' }),
  sql: z.string().meta({ description: 'For Postgres, with $1, $2 ... for its parameters' }),
  params: z.array(z.unknown()),
  figures: z
    .record(z.string(), z.number())
    .optional()
    .meta({ description: 'What it gave at the look, by column, without the bins of sketches; not there for looks of older fleets' }),
});
export type MetricQuery = z.infer<typeof metricQuerySchema>;

export const analysisEndpoints = {
  listAnalysisTemplates: {
    method: 'get',
    path: '/analysis-templates',
    access: 'viewer',
    tag: 'analyses',
    summary: 'List analyses that rollouts may name',
    query: pageQuerySchema,
    response: pageOf(analysisTemplateSchema),
  },
  showAnalysisTemplate: {
    method: 'get',
    path: '/analysis-templates/{name}',
    access: 'viewer',
    tag: 'analyses',
    summary: 'One analysis template',
    response: analysisTemplateSchema,
  },
  putAnalysisTemplate: {
    method: 'put',
    path: '/analysis-templates/{name}',
    access: 'operator',
    tag: 'analyses',
    summary: 'Make or change an analysis template; rollouts that were made before keep what it said then',
    body: z.object({ spec: analysisSpecSchema }),
    response: analysisTemplateSchema,
  },
  removeAnalysisTemplate: {
    method: 'delete',
    path: '/analysis-templates/{name}',
    access: 'operator',
    tag: 'analyses',
    summary: 'Remove an analysis template; rollouts that were made before keep what it said',
    response: z.object({}),
  },
  listRolloutMetrics: {
    method: 'get',
    path: '/analyses/{rollout}',
    access: 'viewer',
    tag: 'analyses',
    summary: 'What was measured of a rollout: the newest judgement of each metric, with what it was at each look',
    response: z.object({ items: z.array(rolloutMetricSchema) }),
  },
  showMetricQueries: {
    method: 'get',
    path: '/analyses/{rollout}/metrics/{metric}/sql',
    access: 'viewer',
    tag: 'analyses',
    summary: 'The SQL that gives the figures which a metric of a rollout was judged by, at its newest look or at an earlier one',
    query: z.object({
      atMs: z.coerce
        .number()
        .int()
        .nonnegative()
        .optional()
        .meta({ description: 'The newest look that is not later: `plot` of the metric has their times' }),
      step: z.string().max(200).optional().meta({ description: 'Only looks of this step, as the metric names it' }),
    }),
    response: z.object({ step: z.string(), measuredAtMs: wallMsSchema, queries: z.array(metricQuerySchema) }),
  },
} as const satisfies Record<string, Endpoint>;
