import { type ModelEvaluation, messageOf, modelEvaluationSchema, StarlingError } from '@starling/shared';

/**
 * How a model is judged, from what was filled in; undefined where nothing was.
 * @param pipeline JSON of a pipeline, or of its graph alone
 * @throws StarlingError `bad-pipeline`
 */
export function evaluationFromText(metric: string, pipeline: string): ModelEvaluation | undefined {
  if (metric === '' && pipeline.trim() === '') return undefined;
  const parsed = modelEvaluationSchema.safeParse({
    ...(metric !== '' && { metric }),
    ...(pipeline.trim() !== '' && { pipeline: graphOf(pipeline) }),
  });
  if (parsed.success) return parsed.data;
  const [problem] = parsed.error.issues;
  throw new StarlingError('bad-pipeline', problem?.message ?? 'this is no pipeline', {
    field: problem?.path.join('.') ?? 'pipeline',
    hint: 'write inputs, outputs, nodes and edges, as in a pipeline',
  });
}

/** The graph of a pipeline; its name, version and monitors are no part of it. */
function graphOf(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new StarlingError('bad-pipeline', `this is no JSON: ${messageOf(cause)}`, { field: 'pipeline', cause });
  }
  const { inputs, outputs, nodes, edges } = (value ?? {}) as Record<string, unknown>;
  return { inputs, outputs, nodes, edges };
}
