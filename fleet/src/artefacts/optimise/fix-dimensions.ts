import { StarlingError } from '@starling/shared';
import { type Dimension, type OnnxModel, toNumber, type ValueInfoProto } from '../onnx/index.ts';

/**
 * Writes the sides that a pipeline pins into the inputs. A symbol that several dimensions share is fixed in all of them. What else was
 * known of values between is dropped, since it may name what is no longer free.
 * @param fixedShapes input -> shape
 * @returns how many dimensions of inputs and outputs were free and are not now
 * @throws StarlingError `unknown-input`, `shape-mismatch`
 */
export function fixDimensions(model: OnnxModel, fixedShapes: Readonly<Record<string, readonly number[]>>): number {
  const { graph } = model;
  const symbols = new Map<string, number>();
  let fixed = 0;
  for (const [name, shape] of Object.entries(fixedShapes)) fixed += fixInput(inputOf(model, name), shape, symbols);
  for (const value of [...graph.input, ...graph.output]) {
    for (const dimension of dimensionsOf(value) ?? []) {
      const side = symbols.get(symbolOf(dimension) ?? '');
      if (side === undefined) continue;
      setLength(dimension, side);
      fixed += 1;
    }
  }
  if (fixed > 0) graph.valueInfo = [];
  return fixed;
}

function inputOf({ graph }: OnnxModel, name: string): ValueInfoProto {
  const input = graph.input.find((each) => each.name === name);
  if (input !== undefined) return input;
  throw new StarlingError('unknown-input', `the model has no input "${name}"`, {
    field: `fixedShapes.${name}`,
    hint: `name one of: ${graph.input.map((each) => each.name).join(', ')}`,
  });
}

/** @returns how many dimensions were free; what their symbols stand for goes into `symbols` */
function fixInput(input: ValueInfoProto, shape: readonly number[], symbols: Map<string, number>): number {
  const dimensions = dimensionsOf(input);
  const { tensorType } = input.type ?? {};
  if (dimensions === undefined) {
    if (tensorType !== undefined && tensorType !== null) tensorType.shape = { dim: shape.map((dimValue) => ({ dimValue })) };
    return shape.length;
  }
  if (dimensions.length !== shape.length) throw mismatch(input.name, shape, dimensions);
  let fixed = 0;
  for (const [axis, dimension] of dimensions.entries()) {
    const side = shape[axis] ?? 0;
    const symbol = symbolOf(dimension);
    const known = lengthOf(dimension) ?? symbols.get(symbol ?? '');
    if (known !== undefined && known !== side) throw mismatch(input.name, shape, dimensions);
    if (lengthOf(dimension) !== undefined) continue;
    if (symbol !== undefined) symbols.set(symbol, side);
    setLength(dimension, side);
    fixed += 1;
  }
  return fixed;
}

function setLength(dimension: Dimension, side: number): void {
  delete dimension.dimParam;
  dimension.dimValue = side;
}

function dimensionsOf(value: ValueInfoProto): Dimension[] | undefined {
  return value.type?.tensorType?.shape?.dim;
}

/** Some exporters write 0 or -1 for a free side. */
function lengthOf(dimension: Dimension): number | undefined {
  const length = Object.hasOwn(dimension, 'dimValue') && dimension.dimValue !== undefined ? toNumber(dimension.dimValue) : 0;
  return length > 0 ? length : undefined;
}

function symbolOf(dimension: Dimension): string | undefined {
  return Object.hasOwn(dimension, 'dimParam') && dimension.dimParam !== '' ? dimension.dimParam : undefined;
}

function mismatch(name: string, shape: readonly number[], dimensions: readonly Dimension[]): StarlingError {
  const declared = dimensions.map((dimension, axis) => lengthOf(dimension) ?? symbolOf(dimension) ?? `d${axis}`);
  return new StarlingError('shape-mismatch', `[${shape.join(', ')}] does not fit the input "${name}" of shape [${declared.join(', ')}]`, {
    field: `fixedShapes.${name}`,
    hint: 'give one positive side per dimension, and keep the sides that the model fixes itself',
  });
}
