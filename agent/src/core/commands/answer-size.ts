import { CONTROL_BYTES_MAXIMUM, jsonEncode, operatorRegistry, StarlingError } from '@starling/shared';

/** Room for the id and status around a result. */
export const RESULT_BYTES_MAXIMUM = CONTROL_BYTES_MAXIMUM - 1024;

/** Outputs that an error lists, largest first. */
const LISTED = 5;

/**
 * Answers travel as one control message, which tensors soon outgrow: says by how much, and which outputs take the room.
 * @throws StarlingError `result-too-large`
 */
export function requireAnswerSize(result: unknown): void {
  const size = jsonEncode(result).length;
  if (size <= RESULT_BYTES_MAXIMUM) return;
  const about = `the result takes ${size} bytes, an answer has room for ${RESULT_BYTES_MAXIMUM}`;
  const outputs = outputsOf(result);
  const [largest] = outputs;
  if (largest === undefined) throw new StarlingError('result-too-large', about);
  const listed = outputs.slice(0, LISTED).map(({ name, bytes }) => `${name} ${bytes} bytes`);
  const more = outputs.length > LISTED ? `, and ${outputs.length - LISTED} more` : '';
  throw new StarlingError('result-too-large', `${about}: ${listed.join(', ')}${more}`, {
    field: `outputs.${largest.name}`,
    hint: `let the pipeline decode tensors on the device (${decoders().join(', ')}), or let it have fewer or smaller outputs`,
  });
}

/** Of the answer to `infer`, largest first. Other results have none. */
function outputsOf(result: unknown): { name: string; bytes: number }[] {
  if (typeof result !== 'object' || result === null || !('outputs' in result)) return [];
  const { outputs } = result;
  if (typeof outputs !== 'object' || outputs === null) return [];
  return Object.entries(outputs)
    .map(([name, value]) => ({ name, bytes: jsonEncode(value).length }))
    .toSorted((a, b) => b.bytes - a.bytes);
}

/** Operators that take a tensor and give something smaller. */
function decoders(): string[] {
  const isTensor = (type: string): boolean => type.startsWith('tensor<');
  return [...operatorRegistry.values()]
    .filter(({ inputs, outputs }) => Object.values(inputs).some(isTensor) && !Object.values(outputs).some(isTensor))
    .map(({ name }) => name);
}
