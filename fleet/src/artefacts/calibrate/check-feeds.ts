import { StarlingError } from '@starling/shared';
import type { InferenceSession } from 'onnxruntime-node';
import type { Feeds } from '../contracts.ts';

/**
 * Refuses a sample that does not fit the inputs of a model.
 * @param inputs what the session expects; free dimensions are texts
 * @throws StarlingError `sample-input-missing`, `sample-input-unknown`, `sample-type-mismatch`, `sample-shape-mismatch`
 */
export function checkFeeds(feeds: Feeds, inputs: readonly InferenceSession.ValueMetadata[], sample: string): void {
  const field = (input: string): string => `${sample}.${input}`;
  for (const input of inputs) {
    const tensor = feeds[input.name];
    if (tensor === undefined) {
      throw new StarlingError('sample-input-missing', `"${sample}" has no tensor for the input "${input.name}"`, {
        field: field(input.name),
        hint: `give every sample a tensor for each of ${inputs.map(({ name }) => name).join(', ')}`,
      });
    }
    if (!input.isTensor) continue;
    if (tensor.type !== input.type) {
      throw new StarlingError('sample-type-mismatch', `"${sample}" gives ${tensor.type} to "${input.name}", which takes ${input.type}`, {
        field: field(input.name),
        hint: `convert the samples to ${input.type}`,
      });
    }
    const fits =
      input.shape.length === tensor.dims.length &&
      input.shape.every((side, axis) => typeof side !== 'number' || side < 0 || side === tensor.dims[axis]);
    if (!fits) {
      const expected = `[${input.shape.join(', ')}]`;
      throw new StarlingError('sample-shape-mismatch', `"${sample}" gives [${tensor.dims.join(', ')}] to "${input.name}" of ${expected}`, {
        field: field(input.name),
        hint: `resize or reshape the samples to ${expected}; a batch axis has to be there too`,
      });
    }
  }
  const unknown = Object.keys(feeds).find((name) => !inputs.some((input) => input.name === name));
  if (unknown !== undefined) {
    throw new StarlingError('sample-input-unknown', `"${sample}" has a tensor for "${unknown}", which the model does not take`, {
      field: field(unknown),
      hint: `the inputs are ${inputs.map(({ name }) => name).join(', ')}`,
    });
  }
}
