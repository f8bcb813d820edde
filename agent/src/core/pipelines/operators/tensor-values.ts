import { axisOf, float16Bits, type OperatorParams, StarlingError, tensorTypeOf } from '@starling/shared';
import type { Tensor } from '../../ports/engine.ts';
import type { OperatorContext } from './operator.ts';
import { allocate, type Elements, elementsIn, linesAlong, tensorOf, volumeOf, writerOf } from './tensor-data.ts';

type Inputs = Readonly<Record<string, unknown>>;

export function castTensor(inputs: Inputs, params: OperatorParams<'tensor.cast'>, context: OperatorContext): { tensor: Tensor } {
  const tensor = tensorOf(inputs, 'tensor', tensorTypeOf(params.type));
  if (tensor.elementType === params.to) return { tensor };
  const elements = elementsIn(tensor);
  const data = allocate(params.to, elements.length, context);
  const isWide = tensor.elementType.endsWith('int64');
  // Numbers become floats as arrays convert them by themselves, at once.
  if (!isWide && (params.to === 'float32' || params.to === 'float64')) (data as Float32Array).set(elements as ArrayLike<number>);
  else writeAll(writerOf(params.to, data), elements);
  return { tensor: { elementType: params.to, shape: tensor.shape, data } };
}

function writeAll(write: ReturnType<typeof writerOf>, elements: Elements): void {
  for (let at = 0; at < elements.length; at += 1) write(at, elements[at] as number | bigint);
}

export function normaliseTensor(inputs: Inputs, params: OperatorParams<'tensor.normalise'>, context: OperatorContext) {
  const tensor = tensorOf(inputs, 'tensor', tensorTypeOf(params.type));
  const { mean, std } = params;
  const axis = axisOf(params.axis, tensor.shape.length);
  // With one number for all, the whole tensor is one line.
  const { length, inner } =
    mean.length === 1 && std.length === 1 ? { length: 1, inner: tensor.data.length } : linesAlong(tensor.shape, axis as number);
  for (const [name, numbers] of Object.entries({ mean, std })) {
    if (numbers.length === 1 || numbers.length === length) continue;
    throw new StarlingError('wrong-value', `axis ${params.axis} has ${length} places, ${name} has ${numbers.length} numbers`, {
      field: `params.${name}`,
      hint: 'give one number, or one for each place on the axis',
    });
  }
  const elementType = tensor.elementType.startsWith('float') ? tensor.elementType : 'float32';
  const elements = elementsIn(tensor);
  // Half precision is computed in single and written last.
  const isHalf = elementType === 'float16';
  const data = isHalf ? new Float32Array(elements.length) : (allocate(elementType, elements.length, context) as Float32Array);
  for (let at = 0, line = 0; at < elements.length; line += 1) {
    const place = line % length;
    const [centre, spread] = [mean[mean.length === 1 ? 0 : place] as number, std[std.length === 1 ? 0 : place] as number];
    for (const end = at + inner; at < end; at += 1) data[at] = (Number(elements[at]) - centre) / spread;
  }
  return { tensor: { elementType, shape: tensor.shape, data: isHalf ? Uint16Array.from(data, float16Bits) : data } };
}

export function tensorToJson(inputs: Inputs, params: OperatorParams<'tensor.to-json'>) {
  const tensor = tensorOf(inputs, 'tensor', tensorTypeOf(params.type));
  if (tensor.data.length > params.maximumElements) {
    throw new StarlingError('tensor-too-large', `${tensor.data.length} elements, at most ${params.maximumElements} become JSON`, {
      field: 'tensor',
      hint: 'take a part with tensor.slice first, or raise maximumElements',
    });
  }
  const elements = elementsIn(tensor);
  const isBool = tensor.elementType === 'bool';
  const nested = (axis: number, at: number): unknown => {
    if (axis === tensor.shape.length) return isBool ? elements[at] !== 0 : jsonNumber(elements[at] as number | bigint);
    const step = volumeOf(tensor.shape.slice(axis + 1));
    return Array.from({ length: tensor.shape[axis] as number }, (_, index) => nested(axis + 1, at + index * step));
  };
  return { json: nested(0, 0) };
}

/** As protocol buffers write them: readers in JavaScript would round larger whole numbers, and JSON knows no NaN. */
function jsonNumber(value: number | bigint): number | string | null {
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}

export function constantTensor(_inputs: Inputs, params: OperatorParams<'tensor.constant'>, context: OperatorContext) {
  const { elementType, shape } = tensorTypeOf(params.type);
  // The schema has refused free lengths.
  const lengths = shape as number[];
  const data = allocate(elementType as Tensor['elementType'], volumeOf(lengths), context);
  const write = writerOf(elementType as Tensor['elementType'], data);
  const values = params.values.map((value) => (typeof value === 'string' ? BigInt(value) : Number(value)));
  for (let at = 0; at < data.length; at += 1) write(at, values[values.length === 1 ? 0 : at] as number | bigint);
  return { tensor: { elementType, shape: lengths, data } };
}
