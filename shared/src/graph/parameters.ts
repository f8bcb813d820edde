import type { Parameter, ParameterValue, ParameterValues } from '../documents/pipeline.ts';
import { StarlingError } from '../errors.ts';
import type { GraphProblem } from './problem.ts';

type Declared = Readonly<Record<string, Parameter>>;

/** Values that somebody gives to parameters of a pipeline. A pipeline around it may give what a release may. */
export interface ParameterOverride {
  by: 'pipeline' | 'release' | 'device';
  values: ParameterValues;
  /** Where the values stand in their document: the field of errors. */
  field?: string;
}

/**
 * The value of every parameter: its default, or what the last override gives.
 * @throws StarlingError `unknown-parameter`, `invalid-parameter`
 */
export function resolveParameters(declared: Declared, ...overrides: readonly ParameterOverride[]): ParameterValues {
  const values: Record<string, ParameterValue> = {};
  for (const [name, parameter] of Object.entries(declared)) values[name] = parameter.default;
  for (const override of overrides) {
    const [problem] = checkParameterValues(declared, override);
    if (problem !== undefined) {
      throw new StarlingError(problem.code, problem.message, { field: problem.field, hint: problem.hint });
    }
    Object.assign(values, override.values);
  }
  return values;
}

/** What is wrong with values that are given to parameters: names, who gives them, types, ranges. */
export function checkParameterValues(declared: Declared, { by, values, field = 'parameters' }: ParameterOverride): GraphProblem[] {
  return Object.entries(values).flatMap(([name, value]): GraphProblem[] => {
    const at = `${field}.${name}`;
    const parameter = Object.hasOwn(declared, name) ? declared[name] : undefined;
    if (parameter === undefined) return [unknownParameter(name, declared, at)];
    if (!mayOverride(parameter, by)) {
      const hint = parameter.overridable === 'never' ? 'it is the same everywhere' : 'set `overridable: device` on the parameter';
      return [{ code: 'invalid-parameter', field: at, message: `a ${by} may not set the parameter "${name}"`, hint }];
    }
    const wrong = mismatchOfParameter(parameter, value);
    return wrong === undefined
      ? []
      : [{ code: 'invalid-parameter', field: at, message: `parameter "${name}" ${wrong}`, hint: fittingValues(parameter) }];
  });
}

/** What is wrong with the declarations themselves. */
export function checkDeclarations(declared: Declared, field = 'parameters'): GraphProblem[] {
  return Object.entries(declared).flatMap(([name, parameter]): GraphProblem[] => {
    const at = `${field}.${name}`;
    const isNumber = typeof parameter.default === 'number';
    for (const bound of ['minimum', 'maximum'] as const) {
      if (parameter[bound] !== undefined && !isNumber) {
        const hint = `remove it, or make the default a number`;
        return [{ code: 'invalid-parameter', field: `${at}.${bound}`, message: `only a number has a ${bound}`, hint }];
      }
    }
    if (parameter.minimum !== undefined && parameter.maximum !== undefined && parameter.minimum > parameter.maximum) {
      const hint = 'exchange the two, or correct one of them';
      return [{ code: 'invalid-parameter', field: `${at}.minimum`, message: 'the minimum is above the maximum', hint }];
    }
    const wrong = mismatchOfParameter(parameter, parameter.default);
    const hint = `${fittingValues(parameter)}, or change what the parameter allows`;
    return wrong === undefined ? [] : [{ code: 'invalid-parameter', field: `${at}.default`, message: `the default ${wrong}`, hint }];
  });
}

/** What to write in place of a value that does not fit. */
function fittingValues({ default: usual, minimum, maximum, options }: Parameter): string {
  if (options !== undefined) return `write one of ${options.map((option) => JSON.stringify(option)).join(', ')}`;
  if (typeof usual === 'boolean') return 'write true or false';
  if (typeof usual === 'string') return 'write a text, in quotes where it looks like a number';
  if (minimum !== undefined && maximum !== undefined) return `write a number from ${minimum} to ${maximum}`;
  if (minimum !== undefined) return `write a number of ${minimum} or more`;
  return maximum === undefined ? 'write a number, without quotes' : `write a number of ${maximum} or less`;
}

function mayOverride({ overridable }: Parameter, by: ParameterOverride['by']): boolean {
  return overridable === 'device' || (overridable === 'release' && by !== 'device');
}

function mismatchOfParameter({ default: usual, minimum, maximum, options }: Parameter, value: ParameterValue): string | undefined {
  if (typeof value !== typeof usual) return `is a ${typeof usual}, not the ${typeof value} ${JSON.stringify(value)}`;
  if (typeof value === 'number' && !Number.isFinite(value)) return 'is no finite number';
  if (options !== undefined && !options.some((option) => option === value)) {
    return `is one of ${options.map((option) => JSON.stringify(option)).join(', ')}, not ${JSON.stringify(value)}`;
  }
  if (typeof value === 'number' && minimum !== undefined && value < minimum) return `is at least ${minimum}, not ${value}`;
  if (typeof value === 'number' && maximum !== undefined && value > maximum) return `is at most ${maximum}, not ${value}`;
  return undefined;
}

export interface Substituted {
  /** As was given, with the values in place of the names; a name that is unknown stays as it stands. */
  params: unknown;
  /** Unknown names, with their place below `field`. */
  problems: GraphProblem[];
  used: ReadonlySet<string>;
}

/** `${name}`; `$${` stands for `${` itself. */
const placeholder = /\$(\$\{)|\$\{([^{}]*)\}/g;
const whole = /^\$\{([^{}]*)\}$/;

/**
 * Puts the values of parameters into `params`: text that is nothing but `${name}` becomes the value with its type, inside longer text
 * it becomes the text of the value. Keys stay as they are.
 */
export function substitute(params: unknown, values: ParameterValues, field = 'params'): Substituted {
  const problems: GraphProblem[] = [];
  const used = new Set<string>();
  const take = (name: string, at: string): ParameterValue | undefined => {
    used.add(name);
    if (Object.hasOwn(values, name)) return values[name];
    problems.push(unknownParameter(name, values, at));
    return undefined;
  };
  const replace = (value: unknown, at: string): unknown => {
    if (typeof value === 'string') {
      const [, only] = whole.exec(value) ?? [];
      if (only !== undefined) return take(only, at) ?? value;
      return value.replaceAll(placeholder, (text, escaped: string | undefined, name: string) =>
        escaped === undefined ? String(take(name, at) ?? text) : escaped,
      );
    }
    if (Array.isArray(value)) return value.map((item, index) => replace(item, `${at}.${index}`));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, replace(item, `${at}.${key}`)]));
  };
  return { params: replace(params, field), problems, used };
}

function unknownParameter(name: string, known: Readonly<Record<string, unknown>>, field: string): GraphProblem {
  const names = Object.keys(known);
  return {
    code: 'unknown-parameter',
    field,
    message: `there is no parameter "${name}"`,
    hint: names.length === 0 ? 'declare it under `parameters`' : `parameters: ${names.join(', ')}`,
  };
}
