import type { Monitor, ParameterValues, Pipeline, PipelineGraph } from '../../documents/pipeline.ts';
import { isPlain } from '../expand.ts';
import { checkDeclarations, resolveParameters } from '../parameters.ts';
import type { GraphProblem } from '../problem.ts';
import { sinkRegistry } from '../sinks/index.ts';
import { sourceRegistry } from '../sources/index.ts';
import { INPUT_NODE, OUTPUT_NODE, parsePortReference } from '../topology.ts';
import { asMeant } from './as-meant.ts';
import { checkConnected, checkEdges, checkTriggers } from './check-edges.ts';
import { checkInnerPipelines } from './check-inner.ts';
import { checkJoins } from './check-joins.ts';
import { checkMonitors } from './check-monitors.ts';
import { checkReach } from './check-reach.ts';
import type { CheckedGraph, GraphContext } from './graph-context.ts';
import { parsePorts, portsOfNode } from './node-ports.ts';
import { TypeScope } from './type-scope.ts';

/**
 * Checks a whole pipeline against the operators, sources, sinks and models that it names, so that a mistake never reaches a device.
 * @returns every problem found; empty if the pipeline can run
 */
export function checkPipeline(pipeline: Pipeline, context: GraphContext): GraphProblem[] {
  const { pipelines } = pipeline;
  const { parameters = {}, ...rest } = context;
  const own = checkGraph({ ...pipeline, graph: pipeline, pipelines, values: parameters }, rest);
  const inner = Object.entries(pipelines).flatMap(([name, graph]) =>
    checkGraph({ graph, monitors: {}, name, pipelines, values: {} }, rest).map((problem) => ({
      ...problem,
      field: `pipelines.${name}.${problem.field}`,
    })),
  );
  return [...own, ...inner, ...checkInnerPipelines(pipeline)];
}

interface NamedGraph {
  graph: PipelineGraph;
  monitors: Readonly<Record<string, Monitor>>;
  name: string;
  pipelines: Pipeline['pipelines'];
  /** In place of defaults. */
  values: ParameterValues;
}

function checkGraph(named: NamedGraph, context: GraphContext): GraphProblem[] {
  const { graph, monitors } = named;
  const problems = checkDeclarations(graph.parameters);
  const checked = openGraph(named, context, (problem) => problems.push(problem));
  checkEdges(checked);
  checkTriggers(checked);
  // A slip of the pen in an edge was reported: what would follow from it is not a mistake of its own.
  const meant = { ...checked, graph: asMeant(checked) };
  checkJoins(checked);
  checkConnected(meant);
  checkMonitors(checked, monitors);
  checkReach(
    meant,
    Object.values(monitors).map(({ edge }) => parsePortReference(edge).node),
  );
  for (const parameter of Object.keys(graph.parameters)) {
    if (checked.usedParameters.has(parameter)) continue;
    const hint = `write \${${parameter}} in the params of a node, or remove it`;
    problems.push({
      code: 'unused-parameter',
      field: `parameters.${parameter}`,
      message: `nothing uses the parameter "${parameter}"`,
      hint,
    });
  }
  return problems;
}

/** A graph with the ports of its nodes, before anything about its edges is said. */
function openGraph(
  { graph, name, pipelines, values }: Omit<NamedGraph, 'monitors'>,
  context: GraphContext,
  report: CheckedGraph['report'],
): CheckedGraph {
  const { sources = sourceRegistry, sinks = sinkRegistry, modelsMayBeElsewhere = false } = context;
  const checked: CheckedGraph = {
    ...{ graph, pipelines, report },
    context: { ...context, sources, sinks, modelsMayBeElsewhere },
    values: { ...resolveParameters(graph.parameters), ...values },
    scope: new TypeScope(),
    ports: new Map(),
    usedParameters: new Set(),
  };
  declareNodes(checked, name);
  return checked;
}

/**
 * Every port of a checked pipeline that gives values, as the agent names it when it runs: `input.image`, `decode.image`, and `outer/inner.port`
 * where a pipeline is inside another. One that runs as a whole, for each item of a list say, has its inputs as well: `outer/input.line`.
 */
export function outputPortsOf(pipeline: Pipeline, { parameters = {}, ...context }: GraphContext): string[] {
  const { pipelines } = pipeline;
  const own: Omit<NamedGraph, 'monitors'> = { graph: pipeline, name: '', pipelines, values: parameters };
  const inputs = Object.keys(pipeline.inputs).map((port) => `${INPUT_NODE}.${port}`);
  return [...inputs, ...portsInside(own, context, '')];
}

function portsInside(named: Omit<NamedGraph, 'monitors'>, context: GraphContext, prefix: string): string[] {
  const { graph, pipelines } = named;
  const { ports } = openGraph(named, context, () => undefined);
  return Object.entries(graph.nodes).flatMap(([name, node]) => {
    const outputs = [...(ports.get(name)?.outputs.keys() ?? [])].map((port) => `${prefix}${name}.${port}`);
    const inner = 'pipeline' in node ? pipelines[node.pipeline] : undefined;
    if (inner === undefined || !('pipeline' in node)) return outputs;
    const within = `${prefix}${name}/`;
    const inside = portsInside({ graph: inner, name: '', pipelines, values: {} }, context, within);
    if (isPlain(node, graph.edges, name)) return inside;
    return [...outputs, ...Object.keys(inner.inputs).map((port) => `${within}${INPUT_NODE}.${port}`), ...inside];
  });
}

/** The ports of the graph itself and of every node; names that mean something else are refused. */
function declareNodes(checked: CheckedGraph, name: string): void {
  const { graph, ports, report } = checked;
  const rest = { optional: new Set<string>(), mayStayAway: new Set<string>(), own: new Set<string>() };
  ports.set(INPUT_NODE, { ...rest, inputs: new Map(), outputs: parsePorts(checked, graph.inputs, '', 'inputs') });
  ports.set(OUTPUT_NODE, { ...rest, inputs: parsePorts(checked, graph.outputs, '', 'outputs'), outputs: new Map() });
  for (const [own, node] of Object.entries(graph.nodes)) {
    if ('source' in node && node.on !== 'device') {
      const message = `${own} is a source on ${node.on}, but items begin at the device`;
      report({
        code: 'invalid-placement',
        field: `nodes.${own}.on`,
        message,
        hint: 'take `on` away: the nodes behind a source may run elsewhere',
      });
    }
    if (own === INPUT_NODE || own === OUTPUT_NODE) {
      const message = `"${own}" stands for the pipeline's own ports`;
      report({ code: 'reserved-name', field: `nodes.${own}`, message, hint: 'rename the node' });
      continue;
    }
    if (own === name) {
      const message = `the node "${own}" has the name of the pipeline that it is in`;
      report({ code: 'reserved-name', field: `nodes.${own}`, message, hint: 'rename the node' });
    }
    const found = portsOfNode(checked, own, node);
    if (found !== undefined) ports.set(own, found);
  }
}
