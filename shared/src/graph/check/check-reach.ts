import type { PipelineNode } from '../../documents/pipeline.ts';
import {
  circlesIn,
  edgesInto,
  INPUT_NODE,
  isDelay,
  OUTPUT_NODE,
  orderNodes,
  parsePortReference,
  triggersOf,
  uselessNodes,
} from '../topology.ts';
import type { CheckedGraph } from './graph-context.ts';

/** Circles, and whether values can get from where they come in to where they go out. */
export function checkReach(checked: CheckedGraph, ends: readonly string[]): void {
  const { graph, report } = checked;
  const { cyclic } = orderNodes(graph);
  for (const circle of circlesIn(graph)) {
    const message = circle.length === 1 ? `${circle[0]} waits for itself` : `these nodes wait for each other: ${circle.join(', ')}`;
    const hint = 'remove one of their edges, or lead it through a node with op: flow.delay';
    report({ code: 'cycle', field: fieldOfCircle(graph, circle), message, hint });
  }
  const sinks = Object.values(graph.nodes).some((node) => 'sink' in node);
  if (Object.keys(graph.outputs).length === 0 && !sinks) {
    report({
      code: 'missing-output',
      field: 'outputs',
      message: 'the pipeline has no output and no sink',
      hint: 'declare at least one output',
    });
  }
  for (const name of uselessNodes(graph, ends)) {
    const message = `nothing that ${name} gives reaches an output or a sink`;
    report({ code: 'unused-node', field: `nodes.${name}`, message, hint: 'connect or remove it' });
  }
  checkInputsUsed(checked);
  checkReachable(checked, new Set(cyclic));
}

/** The edge that closes the circle; the triggers of its first node where they do. */
function fieldOfCircle({ edges }: CheckedGraph['graph'], circle: readonly string[]): string {
  const [first, last] = [circle[0], circle.at(-1)];
  const index = edges.findIndex(({ from, to }) => parsePortReference(from).node === last && parsePortReference(to).node === first);
  return index < 0 ? `nodes.${first}.triggers` : `edges.${index}`;
}

function checkInputsUsed({ graph, report }: CheckedGraph): void {
  const used = new Set([...graph.edges.map(({ from }) => from), ...Object.values(graph.nodes).flatMap(triggersOf)]);
  for (const port of Object.keys(graph.inputs)) {
    if (used.has(`${INPUT_NODE}.${port}`)) continue;
    report({ code: 'unused-input', field: `inputs.${port}`, message: `nothing takes the input "${port}"`, hint: 'connect or remove it' });
  }
}

/** Where the values of an item come from: an item is of the pipeline's inputs, or of one source. */
function originsOf({ graph }: CheckedGraph): string[] {
  const sources = Object.entries(graph.nodes).flatMap(([name, node]) => ('source' in node ? [name] : []));
  return Object.keys(graph.inputs).length > 0 || sources.length === 0 ? [INPUT_NODE, ...sources] : sources;
}

function checkReachable(checked: CheckedGraph, cyclic: ReadonlySet<string>): void {
  const { graph, report } = checked;
  const origins = originsOf(checked);
  const byOrigin = origins.map((origin) => runningNodes(checked, origin, cyclic));
  const runs = (name: string): boolean => byOrigin.some((running) => running.has(name));
  const dead = new Set(Object.keys(graph.nodes).filter((name) => !runs(name)));
  const waitsForDead = (name: string): boolean => feedersOf(checked, name).some((feeder) => dead.has(feeder) && feeder !== name);
  const roots = [...dead].filter((name) => !waitsForDead(name));
  for (const name of roots.length > 0 ? roots : dead) {
    const feeding = origins.filter((_, index) => feedersOf(checked, name).some((feeder) => byOrigin[index]?.has(feeder) === true));
    const [message, hint] =
      feeding.length > 1
        ? [
            `${name} waits for values of ${feeding.join(' and ')}, which never come with one item`,
            'match them by time with a node with op: stream.join, or set "join: any"',
          ]
        : [`${name} can never run: no item gives it all that it waits for`, 'give a flow.delay in the circle an `initial` value'];
    report({ code: 'unreachable-node', field: `nodes.${name}`, message, hint });
  }
  for (const port of Object.keys(graph.outputs)) {
    const feeders = edgesInto(graph, OUTPUT_NODE).filter(({ to }) => to === `${OUTPUT_NODE}.${port}`);
    const known = feeders.map(({ from }) => parsePortReference(from).node);
    if (known.length === 0 || known.some((node) => !dead.has(node))) continue;
    const hint = `mend what is said of ${[...new Set(known)].join(', ')}, or lead another edge to output.${port}`;
    report({ code: 'unreachable-output', field: `outputs.${port}`, message: `no item can ever give the output "${port}"`, hint });
  }
}

function feedersOf({ graph }: CheckedGraph, name: string): string[] {
  const node = graph.nodes[name];
  const triggers = node === undefined ? [] : triggersOf(node);
  return [...edgesInto(graph, name).map(({ from }) => from), ...triggers].map((reference) => parsePortReference(reference).node);
}

/** Nodes that an item of this origin may run, found by letting them run until no more do. */
function runningNodes(checked: CheckedGraph, origin: string, cyclic: ReadonlySet<string>): ReadonlySet<string> {
  const { graph, ports } = checked;
  const running = new Set([origin]);
  // Whatever is wrong with these was reported: what lies behind them is taken as reachable.
  for (const name of Object.keys(graph.nodes)) if (!ports.has(name) || cyclic.has(name)) running.add(name);
  const gives = (reference: string): boolean => {
    const { node } = parsePortReference(reference);
    return running.has(node) || !(Object.hasOwn(graph.nodes, node) || node === INPUT_NODE);
  };
  for (let before = -1; before !== running.size; ) {
    before = running.size;
    for (const [name, node] of Object.entries(graph.nodes)) {
      if (!running.has(name) && canRun(checked, name, node, gives)) running.add(name);
    }
  }
  return running;
}

function canRun(checked: CheckedGraph, name: string, node: PipelineNode, gives: (reference: string) => boolean): boolean {
  if ('source' in node) return false;
  if (isDelay(node) && (node as { params?: Record<string, unknown> }).params?.['initial'] !== undefined) return true;
  const edges = edgesInto(checked.graph, name);
  const triggers = triggersOf(node);
  const isTriggered = node.triggersJoin === 'any' && triggers.length > 0 ? triggers.some(gives) : triggers.every(gives);
  if (!isTriggered) return false;
  if (edges.length === 0) return true;
  const someGive = edges.some(({ from }) => gives(from));
  if (node.join !== 'inner') return someGive;
  const mayStayAway = (port: string): boolean => checked.ports.get(name)?.mayStayAway.has(port) === true;
  const ports = new Set(edges.map(({ to }) => parsePortReference(to).port));
  const isGiven = (port: string): boolean => edges.some(({ from, to }) => parsePortReference(to).port === port && gives(from));
  return someGive && [...ports].every((port) => mayStayAway(port) || isGiven(port));
}
