import { parsePortType, StarlingError } from '@starling/shared';
import type { TensorData } from '../../ports/engine.ts';
import type { OperatorContext } from './operator.ts';

/** A value that stands in the parameters: JSON as it is, or a number that fills a tensor. */
export function writtenValue(type: string, value: unknown, context: OperatorContext): unknown {
  const parsed = parsePortType(type);
  if (parsed.kind === 'list') {
    const item = type.trim().slice('list<'.length, -1);
    return Array.isArray(value) ? value.map((each) => writtenValue(item, each, context)) : value;
  }
  if (parsed.kind !== 'tensor') return value;
  const shape = parsed.shape.map(Number);
  const length = shape.reduce((total, side) => total * side, 1);
  return { elementType: parsed.elementType, shape, data: filled(parsed.elementType, length, Number(value), context) };
}

function filled(elementType: string, length: number, value: number, { allocateFloat32 }: OperatorContext): TensorData {
  const arrays: Readonly<Record<string, () => TensorData>> = {
    float32: () => allocateFloat32(length).fill(value),
    float64: () => new Float64Array(length).fill(value),
    int8: () => new Int8Array(length).fill(value),
    uint8: () => new Uint8Array(length).fill(value),
    bool: () => new Uint8Array(length).fill(value),
    int16: () => new Int16Array(length).fill(value),
    uint16: () => new Uint16Array(length).fill(value),
    int32: () => new Int32Array(length).fill(value),
    uint32: () => new Uint32Array(length).fill(value),
    int64: () => new BigInt64Array(length).fill(BigInt(value)),
    uint64: () => new BigUint64Array(length).fill(BigInt(value)),
  };
  const make = Object.hasOwn(arrays, elementType) ? arrays[elementType] : undefined;
  if (make === undefined) throw new StarlingError('wrong-value', `no tensor of ${elementType} can be written down`);
  return make();
}
