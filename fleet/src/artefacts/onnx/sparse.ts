import { StarlingError } from '@starling/shared';
import { elementCount, layoutOf, typeName } from './element-types.ts';
import { type SparseTensorProto, type TensorProto, toNumber } from './proto.ts';
import { bytesOf, integersOf, sizeOf, valuesOf } from './tensor.ts';

/**
 * The dense tensor that a sparse one stands for, with its name.
 * @throws StarlingError `sparse-tensor` if its indices do not fit its values or its shape, `unsupported-type` for elements below a byte
 */
export function denseOf(sparse: SparseTensorProto): TensorProto {
  const { values, indices } = sparse;
  if (values === undefined || values === null || indices === undefined || indices === null) throw broken(sparse, 'lacks values or indices');
  const shape = sparse.dims.map(toNumber);
  const elements = elementCount(sparse.dims, values.name);
  if (layoutOf(values.dataType).bits < 8) {
    throw new StarlingError('unsupported-type', `sparse tensors of ${typeName(values.dataType)} are not read`, {
      field: 'model.graph.sparseInitializer',
    });
  }
  const stored = valuesOf(values);
  const positions = linearIndices(sparse, indices, sizeOf(values), shape);
  const width = sizeOf(values) === 0 ? 1 : stored.length / sizeOf(values);
  const dense = new (stored.constructor as new (length: number) => typeof stored)(elements * width);
  for (const [index, position] of positions.entries()) {
    if (position < 0 || position >= elements) throw broken(sparse, `has an index ${position} outside of its ${elements} elements`);
    for (let part = 0; part < width; part += 1) dense[position * width + part] = stored[index * width + part] as never;
  }
  return { name: values.name ?? '', dims: shape, dataType: values.dataType, rawData: bytesOf(dense) };
}

/** Indices are either positions in the flat tensor, or one coordinate per axis. */
function linearIndices(sparse: SparseTensorProto, indices: TensorProto, count: number, shape: readonly number[]): number[] {
  const numbers = integersOf(indices);
  if (indices.dims.length === 1 && numbers.length === count) return numbers;
  const rank = shape.length;
  if (indices.dims.length !== 2 || numbers.length !== count * rank)
    throw broken(sparse, `has ${numbers.length} indices for ${count} values`);
  return Array.from({ length: count }, (_, index) =>
    shape.reduce((position, side, axis) => {
      const coordinate = numbers[index * rank + axis] ?? -1;
      if (coordinate < 0 || coordinate >= side) throw broken(sparse, `has a coordinate ${coordinate} on an axis of ${side}`);
      return position * side + coordinate;
    }, 0),
  );
}

function broken(sparse: SparseTensorProto, what: string): StarlingError {
  return new StarlingError('sparse-tensor', `the sparse tensor "${sparse.values?.name ?? ''}" ${what}`, {
    field: 'model.graph.sparseInitializer',
    hint: 'the file is damaged: export it again',
  });
}
