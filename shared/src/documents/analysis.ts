import { z } from 'zod';
import { nameSchema, wallMsSchema } from '../ids.ts';
import { analysisMeasureNameSchema, limitOf } from './analysis-measures.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** One thing that a release must keep. Exactly one of `atMost`, `atLeast` and `noWorseThan` says how much. */
export const analysisObjectiveSchema = z
  .strictObject({
    name: nameSchema.meta({ description: 'What people call it; unique in its analysis' }),
    measure: analysisMeasureNameSchema,
    pipeline: nameSchema.optional().meta({ description: 'Of this pipeline alone; of all pipelines of the release if not given' }),
    monitor: z.string().max(200).optional().meta({ description: 'For `drift`: this monitor alone' }),
    labels: z
      .record(z.string().min(1).max(100), z.number().min(0).max(1))
      .optional()
      .meta({
        description:
          'For `accuracy`: what a label that comes back is worth, from 0 (wrong) to 1 (right). Labels that are not named count nothing',
        examples: [{ right: 1, wrong: 0 }],
      }),
    atMost: z
      .union([z.number(), z.string().max(40)])
      .optional()
      .meta({ description: 'A value (`80 ms`, `0.5 %`, `0.2 J`), or a multiple of what the control has (`1.1x`)' }),
    atLeast: z
      .union([z.number(), z.string().max(40)])
      .optional()
      .meta({ description: 'As `atMost`, for what is better when it is more (`95 %`, `0.98x`)' }),
    noWorseThan: z.string().max(40).optional().meta({ description: 'Share by which it may be worse than the control (`5 %`)' }),
    slack: z
      .number()
      .nonnegative()
      .optional()
      .meta({ description: 'Added to a limit that is relative to the control, in the unit of the measure: a tenth of nothing is nothing' }),
    minimumInferences: z
      .number()
      .int()
      .min(1)
      .max(1e12)
      .default(1000)
      .meta({ description: 'Of the candidate (and of a control) before anything is decided' }),
    minimumDevices: z
      .number()
      .int()
      .min(2)
      .max(1e6)
      .default(10)
      .meta({ description: 'Devices of the candidate (and of a control) before anything is decided' }),
    dryRun: z.boolean().default(false).meta({ description: 'Shown, but gates nothing' }),
    intervalMs: z.number().int().min(1000).max(DAY_MS).default(MINUTE_MS).meta({ description: 'Time between two measurements' }),
    errorsAllowed: z
      .number()
      .int()
      .min(0)
      .max(1000)
      .default(4)
      .meta({ description: 'Measurements in a row that may fail, until a person has to look' }),
  })
  .superRefine((objective, context) => {
    const given = (['atMost', 'atLeast', 'noWorseThan'] as const).filter((key) => objective[key] !== undefined);
    if (given.length !== 1) {
      context.addIssue({ code: 'custom', path: ['atMost'], message: 'give exactly one of atMost, atLeast and noWorseThan' });
      return;
    }
    const limit = limitOf(objective);
    if ('problem' in limit) context.addIssue({ code: 'custom', path: [limit.field], message: limit.problem });
    if (objective.monitor !== undefined && objective.measure !== 'drift')
      context.addIssue({ code: 'custom', path: ['monitor'], message: 'only the measure "drift" has monitors' });
    if (objective.labels !== undefined && objective.measure !== 'accuracy')
      context.addIssue({ code: 'custom', path: ['labels'], message: 'only the measure "accuracy" has labels' });
  });
export type AnalysisObjective = z.infer<typeof analysisObjectiveSchema>;

/** When the fleet calls somebody else's server; the kinds are those of Flagger. */
export const webhookKindSchema = z.enum([
  'confirm-rollout',
  'pre-rollout',
  'rollout',
  'confirm-promotion',
  'post-rollout',
  'rollback',
  'event',
]);
export type WebhookKind = z.infer<typeof webhookKindSchema>;

export const webhookSchema = z.strictObject({
  name: nameSchema,
  kind: webhookKindSchema,
  url: z.url({ protocol: /^https?$/, error: 'give an address that starts with http:// or https://' }).max(2000),
  timeoutMs: z.number().int().min(100).max(MINUTE_MS).default(10_000),
  retries: z
    .number()
    .int()
    .min(0)
    .max(10)
    .default(2)
    .meta({ description: 'Further tries where it cannot be reached, times out or answers 5xx' }),
  metadata: z.record(z.string().max(100), z.string().max(1000)).default({}).meta({ description: 'Sent along, in every call' }),
});
export type Webhook = z.infer<typeof webhookSchema>;

const parts = {
  objectives: z.array(analysisObjectiveSchema).max(32),
  confidence: z
    .number()
    .min(0.5)
    .max(0.9999)
    .default(0.95)
    .meta({ description: 'Of all gates together, however often they are looked at' }),
  control: z.enum(['auto', 'cohort', 'own-past']).default('auto').meta({
    description:
      'What relative limits compare with: devices that still run what they ran; what the devices of the candidate did before; or the second where the first has too few',
  }),
  adjust: z
    .boolean()
    .default(true)
    .meta({ description: 'Compare how both changed against their own past, where both have one: takes out how devices differ' }),
  pastMs: z
    .number()
    .int()
    .min(5 * MINUTE_MS)
    .max(7 * DAY_MS)
    .default(60 * MINUTE_MS)
    .meta({ description: 'How much of the past of devices is looked at' }),
  sampleRatio: z
    .boolean()
    .default(true)
    .meta({ description: 'Decide nothing where devices of one side are missing more often than chance explains' }),
  webhooks: z.array(webhookSchema).max(16).default([]),
};

function namesDiffer(items: readonly { name: string }[]): boolean {
  return new Set(items.map(({ name }) => name)).size === items.length;
}

/** How a release is judged: what a rollout keeps. */
export const analysisSpecSchema = z
  .strictObject({ ...parts, objectives: parts.objectives.min(1) })
  .refine(({ objectives }) => namesDiffer(objectives), { path: ['objectives'], message: 'two objectives have one name' })
  .meta({ id: 'AnalysisSpec', title: 'Analysis' });
export type AnalysisSpec = z.infer<typeof analysisSpecSchema>;

/** What stands in a rollout: a template by name, own objectives, or both; an own objective takes the place of one of the same name. */
export const analysisRefSchema = z
  .strictObject({
    template: nameSchema.optional(),
    objectives: parts.objectives.default([]),
    confidence: parts.confidence.removeDefault().optional(),
    control: parts.control.removeDefault().optional(),
    adjust: parts.adjust.removeDefault().optional(),
    pastMs: parts.pastMs.removeDefault().optional(),
    sampleRatio: parts.sampleRatio.removeDefault().optional(),
    webhooks: parts.webhooks,
  })
  .refine(({ template, objectives }) => template !== undefined || objectives.length > 0, {
    path: ['objectives'],
    message: 'name a template, or give at least one objective',
  })
  .refine(({ objectives }) => namesDiffer(objectives), { path: ['objectives'], message: 'two objectives have one name' })
  .meta({ id: 'AnalysisReference', title: 'Analysis of a rollout' });
export type AnalysisRef = z.infer<typeof analysisRefSchema>;

/** The analysis that a rollout gets: its own words before those of the template. */
export function mergeAnalysis(template: AnalysisSpec | undefined, reference: AnalysisRef): AnalysisSpec {
  const { template: _name, objectives, webhooks, ...own } = reference;
  const names = new Set(objectives.map(({ name }) => name));
  const hooks = new Set(webhooks.map(({ name }) => name));
  return analysisSpecSchema.parse({
    ...template,
    ...Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined)),
    objectives: [...(template?.objectives ?? []).filter(({ name }) => !names.has(name)), ...objectives],
    webhooks: [...(template?.webhooks ?? []).filter(({ name }) => !hooks.has(name)), ...webhooks],
  });
}

export const analysisVerdictSchema = z.enum(['successful', 'failed', 'inconclusive', 'running']);
export type AnalysisVerdict = z.infer<typeof analysisVerdictSchema>;

/** `error`: it could not be measured too often in a row. `not-measured`: nothing that is sent says it; new analyses are refused then. */
export const metricVerdictSchema = z.enum([...analysisVerdictSchema.options, 'error', 'not-measured']);
export type MetricVerdict = z.infer<typeof metricVerdictSchema>;

/** A value with the interval that holds it, at every look together with the confidence of the analysis. Null is an end that is open. */
export const intervalEstimateSchema = z.object({
  estimate: z.number().nullable(),
  low: z.number().nullable(),
  high: z.number().nullable(),
  samples: z.number().nonnegative().meta({ description: 'Inferences, or devices where devices are counted' }),
  devices: z.number().int().nonnegative(),
});
export type IntervalEstimate = z.infer<typeof intervalEstimateSchema>;

export const plotPointSchema = z.object({
  atMs: wallMsSchema,
  estimate: z.number().nullable(),
  low: z.number().nullable(),
  high: z.number().nullable(),
  control: z.number().nullable(),
});

export type PlotPoint = z.infer<typeof plotPointSchema>;

export const metricJudgementSchema = z.object({
  name: nameSchema,
  measure: analysisMeasureNameSchema,
  verdict: metricVerdictSchema,
  gates: z.boolean().meta({ description: 'False for a dry run' }),
  candidate: intervalEstimateSchema.nullable(),
  control: intervalEstimateSchema.nullable(),
  difference: intervalEstimateSchema
    .nullable()
    .meta({ description: 'What is held against the limit: ratio to the control, or difference from it, where the limit is relative' }),
  limit: z.string().meta({ description: 'In words' }),
  basis: z.enum(['fixed', 'control', 'own-past']),
  adjusted: z.boolean().meta({ description: 'Both sides are compared with their own past' }),
  reason: z.string().meta({ description: 'One sentence' }),
  measuredAtMs: wallMsSchema,
  plot: z.array(plotPointSchema).default([]),
});
export type MetricJudgement = z.infer<typeof metricJudgementSchema>;

export const sampleRatioSchema = z.object({
  expected: z.number().min(0).max(1).meta({ description: 'Share of the candidate among all devices' }),
  seen: z.number().min(0).max(1).nullable().meta({ description: 'Share of the candidate among those that sent anything' }),
  p: z.number().min(0).max(1).meta({ description: 'Always-valid p-value: small where devices of one side are missing' }),
  mismatch: z.boolean(),
});
export type SampleRatio = z.infer<typeof sampleRatioSchema>;

export const analysisResultSchema = z.object({
  verdict: analysisVerdictSchema,
  reason: z.string(),
  metrics: z.array(metricJudgementSchema),
  sampleRatio: sampleRatioSchema.nullable(),
});
export type AnalysisResult = z.infer<typeof analysisResultSchema>;
