import { z } from 'zod';
import type { TensorPort } from '../documents/model-version.ts';
import type { Pipeline, PipelineNode } from '../documents/pipeline.ts';
import { isStarlingError, messageOf } from '../errors.ts';
import { formatPortType, mismatchOf, type PortType, parsePortType } from './port-types.ts';
import type { GraphProblem } from './problem.ts';
import type { OperatorSignature } from './signature.ts';
import { edgesInto, INPUT_NODE, OUTPUT_NODE, orderNodes, parsePortReference, uselessNodes } from './topology.ts';

/** Ports of a model as its signed version states them. */
export interface ModelPorts {
  inputs: readonly TensorPort[];
  outputs: readonly TensorPort[];
}

export interface GraphContext {
  operators: ReadonlyMap<string, OperatorSignature>;
  models: ReadonlyMap<string, ModelPorts>;
}

/** Port -> type; undefined where its declaration is wrong, which is reported there and once. */
type Ports = Map<string, PortType | undefined>;
interface NodePorts {
  inputs: Ports;
  outputs: Ports;
}

/**
 * Checks a whole pipeline against the operators and models that it names, so that a mistake never reaches a device.
 * @returns every problem found; empty if the pipeline can run
 */
export function checkPipeline(pipeline: Pipeline, context: GraphContext): GraphProblem[] {
  const problems: GraphProblem[] = [];
  const ports = new Map<string, NodePorts>([
    [INPUT_NODE, { inputs: new Map(), outputs: parsePorts(pipeline.inputs, 'inputs', problems) }],
    [OUTPUT_NODE, { inputs: parsePorts(pipeline.outputs, 'outputs', problems), outputs: new Map() }],
  ]);
  for (const [name, node] of Object.entries(pipeline.nodes)) {
    if (name === INPUT_NODE || name === OUTPUT_NODE) {
      problems.push({
        code: 'reserved-name',
        field: `nodes.${name}`,
        message: `"${name}" stands for the pipeline's own ports`,
        hint: 'rename the node',
      });
      continue;
    }
    const found = portsOfNode(name, node, context, problems);
    if (found !== undefined) ports.set(name, found);
  }
  checkEdges(pipeline, ports, problems);
  checkInputsConnected(pipeline, ports, problems);
  checkMonitors(pipeline, ports, problems);
  checkShape(pipeline, problems);
  return problems;
}

function parsePorts(declared: Record<string, string>, field: string, problems: GraphProblem[]): Ports {
  const ports: Ports = new Map();
  for (const [name, text] of Object.entries(declared)) {
    try {
      ports.set(name, parsePortType(text));
    } catch (error) {
      const hint = isStarlingError(error) ? error.hint : undefined;
      problems.push({
        ...{ code: 'bad-port-type', field: `${field}.${name}`, message: messageOf(error) },
        ...(hint === undefined ? {} : { hint }),
      });
      ports.set(name, undefined);
    }
  }
  return ports;
}

function portsOfNode(name: string, node: PipelineNode, context: GraphContext, problems: GraphProblem[]): NodePorts | undefined {
  const declared =
    'op' in node
      ? portsOfOperator(name, node, context, problems)
      : 'model' in node
        ? portsOfModel(name, node.model, context, problems)
        : undefined;
  if (declared === undefined || !isEach(node)) return declared;
  const outputs: Ports = new Map();
  for (const [port, type] of declared.outputs) outputs.set(port, type === undefined ? undefined : { kind: 'list', item: type });
  return { inputs: declared.inputs, outputs };
}

function isEach(node: PipelineNode): boolean {
  return 'each' in node && node.each;
}

function portsOfOperator(
  name: string,
  node: Extract<PipelineNode, { op: string }>,
  context: GraphContext,
  problems: GraphProblem[],
): NodePorts | undefined {
  const operator = context.operators.get(node.op);
  if (operator === undefined) {
    const known = [...context.operators.keys()].join(', ');
    problems.push({
      code: 'unknown-operator',
      field: `nodes.${name}.op`,
      message: `there is no operator "${node.op}"`,
      hint: `use one of: ${known}`,
    });
    return undefined;
  }
  const params = operator.params.safeParse(node.params);
  if (!params.success) {
    for (const issue of params.error.issues) {
      const field = ['nodes', name, 'params', ...issue.path].join('.');
      problems.push({ code: 'invalid-params', field, message: issue.message, ...paramsHint(operator) });
    }
  }
  return { inputs: parsePorts(operator.inputs, node.op, problems), outputs: parsePorts(operator.outputs, node.op, problems) };
}

/** The parameters that there are: whoever misspelt one sees the right word. */
function paramsHint({ name, params }: OperatorSignature): { hint?: string } {
  if (!(params instanceof z.ZodObject)) return {};
  const names = Object.keys(params.shape);
  return { hint: names.length === 0 ? `${name} has no parameters` : `parameters of ${name}: ${names.join(', ')}` };
}

function portsOfModel(name: string, modelName: string, context: GraphContext, problems: GraphProblem[]): NodePorts | undefined {
  const model = context.models.get(modelName);
  if (model === undefined) {
    problems.push({
      code: 'unknown-model',
      field: `nodes.${name}.model`,
      message: `there is no model "${modelName}"`,
      hint: 'push the model first, or correct the name',
    });
    return undefined;
  }
  return { inputs: new Map(model.inputs.map(typeOfTensor)), outputs: new Map(model.outputs.map(typeOfTensor)) };
}

function typeOfTensor(port: TensorPort): [string, PortType] {
  return [port.name, { kind: 'tensor', elementType: port.elementType, shape: port.shape }];
}

function checkEdges(pipeline: Pipeline, ports: Map<string, NodePorts>, problems: GraphProblem[]): void {
  const taken = new Set<string>();
  for (const [index, edge] of pipeline.edges.entries()) {
    const from = resolve(edge.from, 'outputs', `edges.${index}.from`, pipeline, ports, problems);
    const to = resolve(edge.to, 'inputs', `edges.${index}.to`, pipeline, ports, problems);
    if (taken.has(edge.to)) {
      problems.push({ code: 'duplicate-input', field: `edges.${index}.to`, message: `two edges end at ${edge.to}` });
    }
    taken.add(edge.to);
    if (from === undefined || to === undefined) continue;
    const node = pipeline.nodes[parsePortReference(edge.to).node];
    const accepted = node !== undefined && isEach(node) && from.kind === 'list' ? from.item : from;
    const mismatch = mismatchOf(accepted, to);
    if (mismatch !== undefined) {
      const hint =
        from.kind === 'list' && node !== undefined && !isEach(node)
          ? `set "each: true" on ${parsePortReference(edge.to).node} to run it for every item`
          : `${edge.from} gives ${formatPortType(from)}, ${edge.to} takes ${formatPortType(to)}`;
      problems.push({ code: 'type-mismatch', field: `edges.${index}`, message: `${edge.from} -> ${edge.to}: ${mismatch}`, hint });
    }
  }
}

function resolve(
  reference: string,
  side: 'inputs' | 'outputs',
  field: string,
  pipeline: Pipeline,
  ports: Map<string, NodePorts>,
  problems: GraphProblem[],
): PortType | undefined {
  const { node, port } = parsePortReference(reference);
  const known = ports.get(node);
  if (known === undefined) {
    // A node whose operator or model is unknown was reported where it is declared. Every object has a "constructor": only own names count.
    if (!Object.hasOwn(pipeline.nodes, node)) {
      problems.push({
        code: 'unknown-node',
        field,
        message: `there is no node "${node}"`,
        hint: `nodes: ${Object.keys(pipeline.nodes).join(', ')}`,
      });
    }
    return undefined;
  }
  const type = known[side].get(port);
  if (!known[side].has(port)) {
    const names = [...known[side].keys()].join(', ') || 'none';
    problems.push({ code: 'unknown-port', field, message: `"${node}" has no ${side.slice(0, -1)} "${port}"`, hint: `${side}: ${names}` });
  }
  return type;
}

function checkInputsConnected(pipeline: Pipeline, ports: Map<string, NodePorts>, problems: GraphProblem[]): void {
  for (const [name, { inputs }] of ports) {
    const connected = new Set(edgesInto(pipeline, name).map((edge) => parsePortReference(edge.to).port));
    for (const port of inputs.keys()) {
      if (connected.has(port)) continue;
      problems.push(
        name === OUTPUT_NODE
          ? {
              code: 'missing-output',
              field: `outputs.${port}`,
              message: `no edge ends at output.${port}`,
              hint: 'add an edge that produces it',
            }
          : { code: 'missing-input', field: `nodes.${name}`, message: `input "${port}" of ${name} is not connected` },
      );
    }
  }
}

const measurable: Record<string, readonly string[]> = {
  brightness: ['image'],
  contrast: ['image'],
  sharpness: ['image'],
  confidence: ['text', 'json', 'boxes'],
  count: ['boxes', 'json'],
};

function checkMonitors(pipeline: Pipeline, ports: Map<string, NodePorts>, problems: GraphProblem[]): void {
  for (const [name, monitor] of Object.entries(pipeline.monitors)) {
    const field = `monitors.${name}.edge`;
    const type = resolve(monitor.edge, 'outputs', field, pipeline, ports, problems);
    if (type === undefined) continue;
    const watched = type.kind === 'list' ? type.item : type;
    const allowed = measurable[monitor.measure] ?? [];
    if (monitor.measure === 'count' && type.kind === 'list') continue;
    if (!allowed.includes(watched.kind)) {
      problems.push({
        code: 'type-mismatch',
        field,
        message: `${monitor.measure} is measured on ${allowed.join(' or ')}, not on ${formatPortType(type)}`,
      });
    }
    if (monitor.bins.some((edge, index) => index > 0 && edge <= (monitor.bins[index - 1] ?? -Infinity))) {
      problems.push({ code: 'invalid-params', field: `monitors.${name}.bins`, message: 'bin edges must ascend' });
    }
    if (monitor.reference !== undefined && monitor.reference.length !== monitor.bins.length + 1) {
      problems.push({ code: 'invalid-params', field: `monitors.${name}.reference`, message: `needs ${monitor.bins.length + 1} counts` });
    }
  }
}

function checkShape(pipeline: Pipeline, problems: GraphProblem[]): void {
  const { cyclic } = orderNodes(pipeline);
  if (cyclic.length > 0) {
    problems.push({
      code: 'cycle',
      field: 'edges',
      message: `these nodes wait for each other: ${cyclic.join(', ')}`,
      hint: 'remove one of their edges',
    });
  }
  if (Object.keys(pipeline.outputs).length === 0) {
    problems.push({ code: 'missing-output', field: 'outputs', message: 'the pipeline has no output', hint: 'declare at least one output' });
  }
  for (const name of uselessNodes(pipeline)) {
    problems.push({
      code: 'unused-node',
      field: `nodes.${name}`,
      message: `nothing that ${name} gives reaches an output`,
      hint: 'connect or remove it',
    });
  }
}
