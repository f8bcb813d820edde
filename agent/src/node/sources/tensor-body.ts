import { formatPortType, type PortType, StarlingError } from '@starling/shared';
import type { Tensor } from '../../core/ports/engine.ts';

/** Bytes on a wire are low byte first, as those of every machine that the agent runs on. */
const arrays = {
  float32: Float32Array,
  float64: Float64Array,
  int64: BigInt64Array,
  int32: Int32Array,
  int16: Int16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
} as const;

/**
 * The elements of a tensor, one after the other. Of a shape with one free dimension, the number of bytes says how long that is.
 * @throws StarlingError `invalid-tensor`
 */
export function readTensor(bytes: Uint8Array, type: PortType): Tensor {
  if (type.kind !== 'tensor' || !isKnown(type.elementType)) {
    throw new StarlingError('invalid-tensor', `${formatPortType(type)} cannot be sent as bytes`, { field: 'tensor' });
  }
  const make = arrays[type.elementType];
  const fixed = type.shape.filter((dimension) => typeof dimension === 'number').reduce((product, each) => product * each, 1);
  const free = type.shape.filter((dimension) => typeof dimension !== 'number');
  const count = bytes.length / make.BYTES_PER_ELEMENT;
  const length = count / fixed;
  if (!Number.isInteger(length) || (free.length === 0 && length !== 1) || free.length > 1) {
    const wanted = free.length > 1 ? 'no more than one free dimension' : `a multiple of ${fixed * make.BYTES_PER_ELEMENT} bytes`;
    throw new StarlingError('invalid-tensor', `${bytes.length} bytes are no ${formatPortType(type)}: it needs ${wanted}`, {
      field: 'body',
    });
  }
  const data = new make(Uint8Array.from(bytes).buffer);
  const shape = type.shape.map((dimension) => (typeof dimension === 'number' ? dimension : length));
  return { elementType: type.elementType, shape, data } as Tensor;
}

function isKnown(name: string): name is keyof typeof arrays {
  return Object.hasOwn(arrays, name);
}
