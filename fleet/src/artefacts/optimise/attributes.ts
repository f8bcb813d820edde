import { attributeOf } from '../onnx/graph.ts';
import { type AttributeProto, attributeType, type NodeProto, toNumber } from '../onnx/proto.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function integerAttribute(node: NodeProto, name: string, fallback: number): number {
  const value = attributeOf(node, name)?.i;
  return value === undefined || value === null ? fallback : toNumber(value);
}

export function floatAttribute(node: NodeProto, name: string, fallback: number): number {
  return attributeOf(node, name)?.f ?? fallback;
}

export function textAttribute(node: NodeProto, name: string, fallback: string): string {
  const value = attributeOf(node, name)?.s;
  return value === undefined || value === null ? fallback : decoder.decode(value);
}

/** The bounds of Slice reach 2^63 - 1, which a number rounds up beyond the type; the largest exact number is as open an end. */
export function integersAttribute(node: NodeProto, name: string): number[] | undefined {
  const attribute = attributeOf(node, name);
  return attribute?.ints?.map((value) => Math.min(Number.MAX_SAFE_INTEGER, Math.max(Number.MIN_SAFE_INTEGER, toNumber(value))));
}

export function removeAttribute(node: NodeProto, ...names: string[]): void {
  node.attribute = node.attribute.filter((attribute) => !names.includes(attribute.name));
}

export function setAttribute(node: NodeProto, attribute: AttributeProto): void {
  removeAttribute(node, attribute.name);
  node.attribute.push(attribute);
}

export function integer(name: string, value: number): AttributeProto {
  return { name, type: attributeType.int, i: value };
}

export function float(name: string, value: number): AttributeProto {
  return { name, type: attributeType.float, f: value };
}

export function text(name: string, value: string): AttributeProto {
  return { name, type: attributeType.string, s: encoder.encode(value) };
}
