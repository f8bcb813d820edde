import { INPUT_NODE, type Pipeline, StarlingError } from '@starling/shared';
import type { InferInput } from '../ports/runtime-host.ts';

/** The ports that an input is for: a value alone goes to the first input that the pipeline has. @throws StarlingError `no-input` */
export function valuesOf(input: InferInput, { name, inputs }: Pick<Pipeline, 'name' | 'inputs'>): Readonly<Record<string, unknown>> {
  if ('ports' in input) return input.ports;
  const [first] = Object.keys(inputs);
  if (first !== undefined) return { [`${INPUT_NODE}.${first}`]: input };
  throw new StarlingError('no-input', `${name} takes no input: it has sources of its own`, { field: 'input' });
}
