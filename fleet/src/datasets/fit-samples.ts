import { StarlingError, type TensorPort } from '@starling/shared';
import { type Dataset, ONLY_INPUT, type Sample } from './dataset.ts';
import { type NpyHeader, readNpyHeader } from './npy.ts';

/**
 * Tensors have to be what the model takes: found out from their headers, before an hour of calibration.
 * @throws StarlingError `sample-mismatch` that names sample and input, `sample-broken`, `sample-unsupported`
 */
export async function requireSamplesFit(dataset: Dataset, inputs: readonly TensorPort[], field: string): Promise<void> {
  if (dataset.kind === 'images') return;
  for (const sample of dataset.samples) {
    const given = new Map<string, NpyHeader>();
    for (const [input, file] of Object.entries(sample.files)) {
      given.set(inputOf(sample, input, inputs, field), await readNpyHeader(file, labelOf(sample, input)));
    }
    for (const port of inputs) requireFit(sample, port, given.get(port.name), field);
  }
}

/** The input of the model that a file of a sample is for. @throws StarlingError `sample-mismatch` */
export function inputOf(sample: Sample, input: string, inputs: readonly TensorPort[], field: string): string {
  const known = inputs.map(({ name }) => name);
  if (input === ONLY_INPUT && known.length === 1) return known[0] ?? '';
  if (input === ONLY_INPUT) {
    throw new StarlingError(
      'sample-mismatch',
      `sample "${sample.name}" is one tensor, the model has ${known.length} inputs: ${known.join(', ')}`,
      {
        field,
        hint: 'use a folder for each sample, with one .npy for each input',
      },
    );
  }
  if (known.includes(input)) return input;
  throw new StarlingError('sample-mismatch', `sample "${sample.name}" has a tensor for "${input}", which is no input of the model`, {
    field,
    hint: `name the files after the inputs: ${known.map((name) => `${name}.npy`).join(', ')}`,
  });
}

function requireFit(sample: Sample, port: TensorPort, given: NpyHeader | undefined, field: string): void {
  const wanted = `${port.elementType}[${port.shape.join(', ')}]`;
  if (given === undefined) {
    throw new StarlingError('sample-mismatch', `sample "${sample.name}" has no tensor for the input "${port.name}" (${wanted})`, { field });
  }
  const fits =
    given.elementType === port.elementType &&
    given.shape.length === port.shape.length &&
    port.shape.every((side, axis) => typeof side === 'string' || side === given.shape[axis]);
  if (fits) return;
  throw new StarlingError(
    'sample-mismatch',
    `sample "${sample.name}" gives the input "${port.name}" a ${given.elementType}[${given.shape.join(', ')}], the model takes ${wanted}`,
    { field, hint: 'save samples exactly as the model takes them, with the batch dimension' },
  );
}

function labelOf(sample: Sample, input: string): string {
  return input === ONLY_INPUT ? sample.name : `${sample.name}/${input}.npy`;
}
