import { type TensorElementType, tensorElementTypeSchema } from '../documents/model-version.ts';
import { StarlingError } from '../errors.ts';

/** Dimension of a tensor type: a length, or the name of a free one. */
export type Dimension = number | string;

/** What travels along an edge. `any` accepts everything and is used by sinks alone. */
export type PortType =
  | { kind: 'encoded-image' }
  | { kind: 'image' }
  | { kind: 'audio' }
  | { kind: 'detections' }
  | { kind: 'boxes' }
  | { kind: 'text' }
  | { kind: 'json' }
  | { kind: 'any' }
  | { kind: 'tensor'; elementType: string; shape: Dimension[] }
  | { kind: 'list'; item: PortType }
  /** Any one type, the same wherever the letter stands in a signature. Only operators have it, never a pipeline. */
  | { kind: 'variable'; name: string };

/** Port types that are a word, with what travels there: the text of errors and of the reference. */
export const simplePortTypes = {
  'encoded-image': 'The bytes of a picture file, as a source or a person gave it',
  image: 'Decoded pixels, RGB, 8 bits a channel',
  audio: 'Samples of sound, -1 to 1, with their rate and number of channels',
  detections: 'Things that were found in a picture: box in its pixels, class, score; where known also angle, key points, mask, track',
  boxes: 'Quadrilaterals in pixels of a picture, each with its score',
  text: 'Characters, with how sure the model is of them',
  json: 'Anything that JSON can say: classes, readings, counts',
  any: 'Accepts every type, as a declared output',
} as const;
type SimpleKind = keyof typeof simplePortTypes;

/**
 * Parses `image`, `list<text>`, `tensor<float32,[1,3,h,w]>`.
 * @param options `variables`: a single capital letter is a type variable, as in signatures of operators
 * @throws StarlingError `invalid-port-type`
 */
export function parsePortType(text: string, options: { variables?: boolean } = {}): PortType {
  const trimmed = text.trim();
  if (options.variables === true && /^[A-Z]$/.test(trimmed)) return { kind: 'variable', name: trimmed };
  if (isSimpleKind(trimmed)) return { kind: trimmed };
  const list = /^list<(.+)>$/.exec(trimmed);
  if (list?.[1] !== undefined) return { kind: 'list', item: parsePortType(list[1], options) };
  const tensor = /^tensor<\s*([a-z0-9]+)\s*,\s*\[([^\]]*)\]\s*>$/.exec(trimmed);
  if (tensor?.[1] !== undefined && tensor[2] !== undefined) {
    const shape = tensor[2].trim() === '' ? [] : tensor[2].split(',').map((part) => parseDimension(part.trim(), text));
    if (!isElementType(tensor[1])) {
      throw new StarlingError('invalid-port-type', `"${tensor[1]}" in "${text}" is not an element type`, {
        hint: `use one of ${tensorElementTypeSchema.options.join(', ')}`,
      });
    }
    return { kind: 'tensor', elementType: tensor[1], shape };
  }
  throw new StarlingError('invalid-port-type', `"${text}" is not a port type`, {
    hint: `use one of ${Object.keys(simplePortTypes).join(', ')}, list<T>, or tensor<T,[shape]> such as tensor<float32,[1,3,h,w]>`,
  });
}

export function formatPortType(type: PortType): string {
  if (type.kind === 'list') return `list<${formatPortType(type.item)}>`;
  if (type.kind === 'tensor') return `tensor<${type.elementType},[${type.shape.join(',')}]>`;
  return type.kind === 'variable' ? type.name : type.kind;
}

/**
 * Why a value of type `from` may not flow into `to`, or undefined if it may. Free dimensions match any length: their values are
 * known only when the graph runs.
 */
export function mismatchOf(from: PortType, to: PortType): string | undefined {
  if (to.kind === 'any') return undefined;
  if (from.kind === 'list' && to.kind === 'list') return mismatchOf(from.item, to.item);
  if (from.kind === 'tensor' && to.kind === 'tensor') return tensorMismatch(from, to);
  return from.kind === to.kind ? undefined : `${formatPortType(from)} does not fit ${formatPortType(to)}`;
}

type TensorType = Extract<PortType, { kind: 'tensor' }>;

function tensorMismatch(from: TensorType, to: TensorType): string | undefined {
  if (from.elementType !== to.elementType) return `element type ${from.elementType} is not ${to.elementType}`;
  if (from.shape.length !== to.shape.length) return `${from.shape.length} dimensions instead of ${to.shape.length}`;
  for (let axis = 0; axis < from.shape.length; axis += 1) {
    const left = from.shape[axis];
    const right = to.shape[axis];
    if (typeof left === 'number' && typeof right === 'number' && left !== right) {
      return `dimension ${axis} is ${left} instead of ${right}`;
    }
  }
  return undefined;
}

function isElementType(text: string): text is TensorElementType {
  return tensorElementTypeSchema.safeParse(text).success;
}

function isSimpleKind(text: string): text is SimpleKind {
  return Object.hasOwn(simplePortTypes, text);
}

function parseDimension(text: string, whole: string): Dimension {
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  if (/^[A-Za-z_][A-Za-z0-9_.]*$/.test(text)) return text;
  throw new StarlingError('invalid-port-type', `"${text}" in "${whole}" is neither a length nor a name`, {
    hint: 'a dimension is a length such as 224, or a name such as h where any length fits',
  });
}
