import {
  type Edge,
  formatPortType,
  isStarlingError,
  type ModelPorts,
  mismatchOf,
  type ParameterValues,
  type PipelineNode,
  type PortTexts,
  type PortType,
  parsePortReference,
  parsePortType,
  substitute as substituteParams,
} from '@starling/shared';
import { signatureOf } from './signature-of.ts';

/** What models and inner pipelines state about their ports; operators, sources and sinks are known. */
export interface PortSources {
  models: ReadonlyMap<string, ModelPorts>;
  /** Inner pipelines of the one that is drawn. */
  pipelines: Readonly<Record<string, { inputs: PortTexts; outputs: PortTexts }>>;
  /** Values of parameters, since ports may follow from them. */
  values?: ParameterValues;
}

export interface NodePorts {
  /** Port -> type; undefined where nothing states it, or what does is no type. */
  inputs: Map<string, PortType | undefined>;
  outputs: Map<string, PortType | undefined>;
  optional: ReadonlySet<string>;
}

/** Output of every node on which a failure goes on. */
export const ERROR_PORT = 'error';

/**
 * The ports that a node states.
 * @returns undefined where it names what is not known
 */
export function statedPorts(node: PipelineNode, { models, pipelines, values = {} }: PortSources): NodePorts | undefined {
  if ('script' in node) return ofTexts(node.script.inputs, node.script.outputs);
  if ('pipeline' in node) {
    const inner = pipelines[node.pipeline];
    return inner === undefined ? undefined : ofTexts(inner.inputs, inner.outputs);
  }
  if ('model' in node) return ofModel(models.get(node.model), node.state);
  const signature = signatureOf(node);
  if (signature === undefined) return undefined;
  const parsed = signature.params.safeParse(substituteParams(node.params, values).params);
  // What depends on parameters is not known while they are wrong; what is always there is.
  const { inputs = {}, outputs = {}, optional } = parsed.success ? (signature.ports?.(parsed.data as never) ?? signature) : signature;
  return ofTexts(inputs, outputs, optional);
}

function ofModel(model: ModelPorts | undefined, state: Readonly<Record<string, string>> = {}): NodePorts | undefined {
  if (model === undefined) return undefined;
  const typed = (list: ModelPorts['inputs']): NodePorts['inputs'] =>
    new Map(list.map(({ name, elementType, shape }) => [name, { kind: 'tensor', elementType, shape }]));
  return { inputs: typed(model.inputs), outputs: typed(model.outputs), optional: new Set(Object.keys(state)) };
}

export function ofTexts(inputs: PortTexts, outputs: PortTexts, optional: readonly string[] = []): NodePorts {
  return { inputs: typesOf(inputs), outputs: typesOf(outputs), optional: new Set(optional) };
}

function typesOf(texts: PortTexts): NodePorts['inputs'] {
  return new Map(Object.entries(texts).map(([port, text]) => [port, typeOf(text)]));
}

function typeOf(text: string): PortType | undefined {
  try {
    return parsePortType(text, { variables: true });
  } catch (error) {
    if (isStarlingError(error)) return undefined;
    throw error;
  }
}

/** Ports that only edges name are ports too, so that no line ends in the air. */
export function withPortsOfEdges(
  ports: ReadonlyMap<string, NodePorts>,
  edges: readonly Pick<Edge, 'from' | 'to'>[],
): Map<string, NodePorts> {
  const all = new Map(
    [...ports].map(([id, { inputs, outputs, optional }]) => [id, { inputs: new Map(inputs), outputs: new Map(outputs), optional }]),
  );
  for (const { from, to } of edges) {
    const [source, target] = [parsePortReference(from), parsePortReference(to)];
    const [outputs, inputs] = [all.get(source.node)?.outputs, all.get(target.node)?.inputs];
    if (outputs !== undefined && !outputs.has(source.port))
      outputs.set(source.port, source.port === ERROR_PORT ? { kind: 'json' } : undefined);
    if (inputs !== undefined && !inputs.has(target.port)) inputs.set(target.port, undefined);
  }
  return all;
}

/** Letters that stand for types in the signature of one operator -> what flows into them. */
export type Bindings = Map<string, PortType>;

/** Learns from a value of type `actual` at an input of type `stated` what its letters stand for. */
export function bind(stated: PortType | undefined, actual: PortType | undefined, bindings: Bindings): void {
  if (stated === undefined || actual === undefined) return;
  if (stated.kind === 'variable') {
    if (actual.kind !== 'variable' && !bindings.has(stated.name)) bindings.set(stated.name, actual);
  } else if (stated.kind === 'list' && actual.kind === 'list') bind(stated.item, actual.item, bindings);
}

export function substitute(type: PortType | undefined, bindings: Bindings): PortType | undefined {
  if (type?.kind === 'variable') return bindings.get(type.name) ?? type;
  if (type?.kind !== 'list') return type;
  return { kind: 'list', item: substitute(type.item, bindings) ?? type.item };
}

/**
 * Why a line may not be drawn from one port to another, or undefined if it may. Types that are not known fit everything here: the
 * checker of the whole pipeline has the last word.
 */
export function refusalOfTypes(from: PortType | undefined, to: PortType | undefined, isEach: boolean): string | undefined {
  if (from === undefined || to === undefined || isOpen(from) || isOpen(to)) return undefined;
  if (isEach && from.kind === 'list' && mismatchOf(from.item, to) === undefined) return undefined;
  return mismatchOf(from, to);
}

function isOpen(type: PortType): boolean {
  return type.kind === 'variable' || (type.kind === 'list' && isOpen(type.item));
}

export function typeText(type: PortType | undefined): string {
  return type === undefined ? 'type not known' : type.kind === 'variable' ? 'any type' : formatPortType(type);
}
