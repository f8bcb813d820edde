import { type AttributeProto, attributeType, type GraphProto, type NodeProto, type TensorProto, toInteger, toNumber } from './proto.ts';

/** What an attribute holds; numbers name their kind, since 1 may be an integer or a float. */
export type AttributeValue =
  | { int: number | bigint }
  | { ints: readonly (number | bigint)[] }
  | { float: number }
  | { floats: readonly number[] }
  | { string: string }
  | { strings: readonly string[] }
  | { tensor: TensorProto }
  | { graph: GraphProto }
  | { graphs: readonly GraphProto[] };

export function makeAttribute(name: string, value: AttributeValue): AttributeProto {
  if ('int' in value) return { name, type: attributeType.int, i: toInteger(value.int) };
  if ('ints' in value) return { name, type: attributeType.ints, ints: value.ints.map(toInteger) };
  if ('float' in value) return { name, type: attributeType.float, f: value.float };
  if ('floats' in value) return { name, type: attributeType.floats, floats: [...value.floats] };
  if ('string' in value) return { name, type: attributeType.string, s: encode(value.string) };
  if ('strings' in value) return { name, type: attributeType.strings, strings: value.strings.map(encode) };
  if ('tensor' in value) return { name, type: attributeType.tensor, t: value.tensor };
  if ('graph' in value) return { name, type: attributeType.graph, g: value.graph };
  return { name, type: attributeType.graphs, graphs: [...value.graphs] };
}

export interface NodeOptions {
  name?: string;
  domain?: string;
  attributes?: Readonly<Record<string, AttributeValue>>;
}

export function makeNode(
  opType: string,
  input: readonly string[],
  output: readonly string[],
  { name, domain, attributes = {} }: NodeOptions = {},
): NodeProto {
  return {
    opType,
    input: [...input],
    output: [...output],
    attribute: Object.entries(attributes).map(([key, value]) => makeAttribute(key, value)),
    ...(name === undefined ? {} : { name }),
    ...(domain === undefined ? {} : { domain }),
  };
}

export function attributeOf(node: NodeProto, name: string): AttributeProto | undefined {
  return node.attribute.find((attribute) => attribute.name === name);
}

export function setAttribute(node: NodeProto, name: string, value: AttributeValue): void {
  removeAttribute(node, name);
  node.attribute.push(makeAttribute(name, value));
}

export function removeAttribute(node: NodeProto, name: string): void {
  node.attribute = node.attribute.filter((attribute) => attribute.name !== name);
}

export function intOf(node: NodeProto, name: string): number | undefined;
export function intOf(node: NodeProto, name: string, fallback: number): number;
export function intOf(node: NodeProto, name: string, fallback?: number): number | undefined {
  const attribute = attributeOf(node, name);
  return attribute === undefined ? fallback : toNumber(attribute.i ?? 0);
}

export function intsOf(node: NodeProto, name: string): number[] | undefined {
  return attributeOf(node, name)?.ints?.map(toNumber);
}

export function floatOf(node: NodeProto, name: string, fallback: number): number {
  const attribute = attributeOf(node, name);
  return attribute === undefined ? fallback : (attribute.f ?? 0);
}

export function textOf(node: NodeProto, name: string, fallback = ''): string {
  const bytes = attributeOf(node, name)?.s;
  return bytes === undefined || bytes === null ? fallback : new TextDecoder().decode(bytes);
}

/** True for operators of ONNX itself, whose domain is written '' or `ai.onnx`. */
export function isStandard(node: Pick<NodeProto, 'domain'>): boolean {
  return node.domain === undefined || node.domain === null || node.domain === '' || node.domain === 'ai.onnx';
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
