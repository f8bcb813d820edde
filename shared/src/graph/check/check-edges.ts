import type { PipelineNode } from '../../documents/pipeline.ts';
import { suggest } from '../nearest-name.ts';
import type { PortType } from '../port-types.ts';
import { edgesInto, INPUT_NODE, OUTPUT_NODE, orderNodes, parsePortReference, triggersOf } from '../topology.ts';
import type { CheckedGraph } from './graph-context.ts';

/** Every edge: that its ends are there, that no port takes more than it may, and that what flows fits. */
export function checkEdges(checked: CheckedGraph): void {
  const { graph } = checked;
  checkDoubles(checked);
  // In the order of the flow: what a port gives is then known before it is asked what may take it.
  const order = new Map([INPUT_NODE, ...orderNodes(graph).order].map((name, index) => [name, index]));
  const placeOf = (reference: string): number => order.get(parsePortReference(reference).node) ?? order.size;
  const byFlow = [...graph.edges.entries()].toSorted(([, left], [, right]) => placeOf(left.from) - placeOf(right.from));
  const lists = new Map<string, boolean | undefined>();
  for (const [index, edge] of byFlow) {
    const from = resolvePort(checked, edge.from, 'outputs', `edges.${index}.from`);
    const to = resolvePort(checked, edge.to, 'inputs', `edges.${index}.to`);
    const target = parsePortReference(edge.to);
    const node = ownNode(graph.nodes, target.node);
    if (checked.ports.get(target.node)?.own.has(target.port) === true) {
      const message = `${target.node} gives ${target.port} to itself, as its state`;
      checked.report({ code: 'duplicate-input', field: `edges.${index}.to`, message, hint: 'remove the edge, or the line in `state`' });
    }
    const known = from === undefined ? undefined : checked.scope.loosen(from);
    const isList = known === undefined || known.kind === 'variable' ? undefined : known.kind === 'list';
    lists.set(
      target.node,
      lists.get(target.node) === true || (lists.has(target.node) && isList === false) ? lists.get(target.node) : isList,
    );
    if (known !== undefined && to !== undefined) checkFit(checked, index, node, known, to);
  }
  for (const [name, node] of Object.entries(graph.nodes)) {
    if (!isEach(node) || lists.get(name) !== false) continue;
    const message = `${name} runs for each item of a list, and none of its inputs is one`;
    checked.report({ code: 'no-list', field: `nodes.${name}.each`, message, hint: 'remove `each`' });
  }
}

/** What turns one kind of value into another, where one operator does. */
const between: Readonly<Partial<Record<string, string>>> = {
  'encoded-image > image': 'image.decode',
  'image > tensor': 'image.to-tensor',
  'audio > tensor': 'audio.to-tensor',
  'detections > boxes': 'detections.to-boxes',
  'boxes > detections': 'boxes.to-detections',
  'tensor > json': 'tensor.to-json',
};

function checkFit(checked: CheckedGraph, index: number, node: PipelineNode | undefined, from: PortType, to: PortType): void {
  const { scope, graph } = checked;
  const edge = graph.edges[index];
  if (edge === undefined) return;
  const isSpread = node !== undefined && isEach(node) && from.kind === 'list';
  const mismatch = scope.unify(isSpread ? from.item : from, to);
  if (mismatch === undefined) return;
  const step = between[`${from.kind} > ${to.kind}`];
  const hint =
    step !== undefined
      ? `put a node with op: ${step} between them`
      : from.kind === 'list' && node !== undefined && !isEach(node) && !('sink' in node)
        ? `set "each: true" on ${parsePortReference(edge.to).node} to run it for every item`
        : `${edge.from} gives ${scope.describe(from)}, ${edge.to} takes ${scope.describe(to)}`;
  checked.report({ code: 'type-mismatch', field: `edges.${index}`, message: `${edge.from} -> ${edge.to}: ${mismatch}`, hint });
}

/** Several edges end at one port only where the first value counts: at outputs, and at nodes that join `any`. */
function checkDoubles({ graph, report }: CheckedGraph): void {
  const taken = new Map<string, Set<string>>();
  for (const [index, edge] of graph.edges.entries()) {
    const { node: name } = parsePortReference(edge.to);
    const node = ownNode(graph.nodes, name);
    const before = taken.get(edge.to);
    if (before?.has(edge.from) === true) {
      report({
        code: 'duplicate-input',
        field: `edges.${index}`,
        message: `the edge ${edge.from} -> ${edge.to} stands there twice`,
        hint: 'remove one of the two',
      });
    } else if (before !== undefined && name !== OUTPUT_NODE && !(node !== undefined && 'join' in node && node.join === 'any')) {
      const hint = `set "join: any" on ${name} to take what comes first, or merge them with flow.merge`;
      report({ code: 'duplicate-input', field: `edges.${index}.to`, message: `two edges end at ${edge.to}`, hint });
    }
    taken.set(edge.to, new Set([...(before ?? []), edge.from]));
  }
}

/** Triggers are ports that are there, and whose value the node does not get as well. */
export function checkTriggers(checked: CheckedGraph): void {
  const { graph, report } = checked;
  for (const [name, node] of Object.entries(graph.nodes)) {
    const inputs = new Set(edgesInto(graph, name).map(({ from }) => from));
    for (const [index, trigger] of triggersOf(node).entries()) {
      const field = `nodes.${name}.triggers.${index}`;
      resolvePort(checked, trigger, 'outputs', field);
      if (inputs.has(trigger)) {
        const message = `${trigger} is an input of ${name}: it waits for it already`;
        report({ code: 'trigger-is-input', field, message, hint: 'remove the trigger' });
      }
      if (triggersOf(node).indexOf(trigger) !== index)
        report({ code: 'trigger-is-input', field, message: `${trigger} stands there twice`, hint: 'remove one of the two' });
    }
  }
}

/** The type of a port; undefined where it is not known, which is reported here or was where its node is declared. */
export function resolvePort(
  { graph, ports, report }: CheckedGraph,
  reference: string,
  side: 'inputs' | 'outputs',
  field: string,
): PortType | undefined {
  const { node, port } = parsePortReference(reference);
  const known = ports.get(node);
  if (known === undefined) {
    // Every object has a "constructor": only own names count.
    if (!Object.hasOwn(graph.nodes, node)) {
      const hint = suggest(node, Object.keys(graph.nodes), 'nodes');
      report({ code: 'unknown-node', field, message: `there is no node "${node}"`, hint });
    }
    return undefined;
  }
  if (!known[side].has(port)) {
    const hint = suggest(port, known[side].keys(), side);
    report({ code: 'unknown-port', field, message: `"${node}" has no ${side.slice(0, -1)} "${port}"`, hint });
  }
  return known[side].get(port);
}

/** Every input that a node needs has an edge, and so has every output of the pipeline. */
export function checkConnected({ graph, ports, report }: CheckedGraph): void {
  for (const [name, { inputs, optional, own }] of ports) {
    const connected = new Set(edgesInto(graph, name).map((edge) => parsePortReference(edge.to).port));
    for (const port of inputs.keys()) {
      if (connected.has(port) || own.has(port)) continue;
      if (name === OUTPUT_NODE) {
        const message = `no edge ends at output.${port}`;
        report({ code: 'missing-output', field: `outputs.${port}`, message, hint: 'add an edge that produces it' });
      } else if (!optional.has(port)) {
        const hint = `add an edge that ends at ${name}.${port}`;
        report({ code: 'missing-input', field: `nodes.${name}`, message: `input "${port}" of ${name} is not connected`, hint });
      }
    }
    if (inputs.size > 0 && connected.size === 0 && name !== OUTPUT_NODE && [...inputs.keys()].every((port) => optional.has(port))) {
      const hint = `inputs: ${[...inputs.keys()].join(', ')}`;
      report({ code: 'missing-input', field: `nodes.${name}`, message: `no edge ends at ${name}`, hint });
    }
  }
}

function ownNode(nodes: Readonly<Record<string, PipelineNode>>, name: string): PipelineNode | undefined {
  return Object.hasOwn(nodes, name) ? nodes[name] : undefined;
}

function isEach(node: PipelineNode): boolean {
  return 'each' in node && node.each;
}
