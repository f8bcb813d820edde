import { type ModelEvaluation, messageOf, modelEvaluationSchema, StarlingError } from '@starling/shared';

/**
 * How a model is judged, from what was filled in; undefined where nothing was.
 * @param pipeline YAML or JSON of a pipeline, or of its graph alone
 * @throws StarlingError `bad-pipeline`
 */
export async function evaluationFromText(metric: string, pipeline: string): Promise<ModelEvaluation | undefined> {
  if (metric === '' && pipeline.trim() === '') return undefined;
  const parsed = modelEvaluationSchema.safeParse({
    ...(metric !== '' && { metric }),
    ...(pipeline.trim() !== '' && { pipeline: await graphOf(pipeline) }),
  });
  if (parsed.success) return parsed.data;
  const [problem] = parsed.error.issues;
  throw new StarlingError('bad-pipeline', problem?.message ?? 'this is no pipeline', {
    field: problem?.path.join('.') ?? 'pipeline',
    hint: 'write inputs, outputs, nodes and edges, as in a pipeline',
  });
}

/** The graph of a pipeline; its name, version and monitors are no part of it. JSON is YAML, too. */
async function graphOf(text: string): Promise<unknown> {
  // Only who writes a pipeline needs it.
  const { parse } = await import('yaml');
  let value: unknown;
  try {
    value = parse(text, { logLevel: 'error' });
  } catch (cause) {
    const [line] = messageOf(cause).split('\n');
    throw new StarlingError('bad-pipeline', `this is neither YAML nor JSON: ${line}`, {
      field: 'pipeline',
      hint: 'paste it as "starling pipeline show --json" prints it, or as it stands in your file',
      cause,
    });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new StarlingError('bad-pipeline', 'this holds no keys and values', {
      field: 'pipeline',
      hint: 'write inputs, outputs, nodes and edges, as in a pipeline',
    });
  }
  const { inputs, outputs, nodes, edges } = value as Record<string, unknown>;
  return { inputs, outputs, nodes, edges };
}
