import { type ParameterValues, type Pipeline, parameterValuesSchema, resolveParameters, StarlingError } from '@starling/shared';

/** Values of parameters as they stand on a command line: `name=value`. */
export type ParameterTexts = Readonly<Record<string, string>>;

/** @throws StarlingError `invalid-config` for a text without a name */
export function readParameterTexts(texts: readonly string[]): ParameterTexts {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf('=');
      if (at > 0) return [text.slice(0, at).trim(), text.slice(at + 1)] as const;
      throw new StarlingError('invalid-config', `set: "${text.slice(0, 40)}" has no name and value`, {
        field: 'set',
        hint: 'write --set name=value',
      });
    }),
  );
}

/**
 * The values among `texts` that a pipeline has parameters for, with the type of each parameter. Others are those of other pipelines.
 * @throws StarlingError `invalid-parameter` for a text that is no value of the parameter
 */
export function valuesOfTexts({ parameters }: Pick<Pipeline, 'parameters'>, texts: ParameterTexts): ParameterValues {
  const given = Object.entries(texts).filter(([name]) => Object.hasOwn(parameters, name));
  return parameterValuesSchema.parse(
    Object.fromEntries(given.map(([name, text]) => [name, valueOfText(name, text, parameters[name]?.default)])),
  );
}

/**
 * All values of the parameters of a pipeline on this device.
 * @param released what its release sets
 * @throws StarlingError `invalid-parameter`
 */
export function parametersHere(
  pipeline: Pick<Pipeline, 'parameters'>,
  texts: ParameterTexts,
  released: ParameterValues = {},
): ParameterValues {
  const own = { by: 'device', values: valuesOfTexts(pipeline, texts), field: 'set' } as const;
  return resolveParameters(pipeline.parameters, { by: 'release', values: released }, own);
}

/** The same where whoever tries a pipeline is its publisher, release and device in one. @throws StarlingError `invalid-parameter` */
export function parametersOfTrial(pipeline: Pick<Pipeline, 'parameters'>, texts: ParameterTexts): ParameterValues {
  return resolveParameters(pipeline.parameters, { by: 'release', values: valuesOfTexts(pipeline, texts), field: 'set' });
}

function valueOfText(name: string, text: string, usual: string | number | boolean | undefined): string | number | boolean {
  if (typeof usual === 'number' && text.trim() !== '' && Number.isFinite(Number(text))) return Number(text);
  if (typeof usual === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  if (typeof usual === 'string') return text;
  const wanted = typeof usual === 'number' ? 'a number' : 'true or false';
  throw new StarlingError('invalid-parameter', `parameter "${name}" is ${wanted}, not "${text.slice(0, 40)}"`, { field: `set.${name}` });
}
