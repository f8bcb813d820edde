import {
  type ExpandedGraph,
  type ModelNode,
  type OperatorNode,
  type PipelineNode,
  type ScriptNode,
  type SinkNode,
  type SourceNode,
  StarlingError,
  sourceRegistry,
} from '@starling/shared';
import {
  type BoundNode,
  type BoundOperator,
  createGraph,
  type Graph,
  graphWork,
  modelWork,
  type OperatorItem,
  operatorWork,
  planGraph,
  scriptWork,
  type Values,
  withModelState,
} from '../pipelines/index.ts';
import type { Clock } from '../ports/clock.ts';
import type { Engine } from '../ports/engine.ts';
import type { Script } from '../ports/sandbox.ts';
import type { LoadedModel } from '../sessions/index.ts';

/** What the nodes of a graph are bound to. */
export interface NodePorts {
  clock: Clock;
  engine: Engine;
  operator(name: string, node: OperatorNode): BoundOperator;
  model(name: string, node: ModelNode): LoadedModel;
  script(name: string, node: ScriptNode): Script;
  /** What stands for nodes that another machine runs; undefined for any other node. */
  part?(name: string): BoundNode | undefined;
  /** Takes a value out of the pipeline; resolves when it is in safe hands. */
  deliver(name: string, node: SinkNode, values: Values, item: OperatorItem): Promise<void>;
}

/**
 * A graph with every node bound to what runs it: operators with their parameters, loaded models, scripts, inner graphs.
 * @throws StarlingError `unknown-operator`, `invalid-params`, `unknown-model`, `unknown-node-kind`, `invalid-pipeline`
 */
export function buildGraph(expanded: ExpandedGraph, ports: NodePorts, deadlineMs?: number): Graph {
  const plan = planGraph(expanded, (name, node) => bindNode(name, node, expanded, ports));
  return createGraph(plan, { clock: ports.clock, deadlineMs });
}

function bindNode(name: string, node: PipelineNode, around: ExpandedGraph, ports: NodePorts): BoundNode {
  const part = ports.part?.(name);
  if (part !== undefined) return part;
  if ('op' in node) {
    const operator = ports.operator(name, node);
    return { work: operatorWork(operator), optional: operator.optional, state: operator.stateScope };
  }
  if ('model' in node) {
    const model = ports.model(name, node);
    const work = modelWork(model, node, ports.engine);
    if (node.state === undefined) return { work };
    return { work: withModelState(work, node.state, model.inputs ?? model.session.inputs ?? []), state: 'stream' };
  }
  if ('script' in node)
    return { work: scriptWork(name, node, ports.script(name, node)), ...(node.script.stateful ? { state: 'stream' } : {}) };
  if ('pipeline' in node) {
    const inside = around.inner[name];
    if (inside === undefined)
      throw new StarlingError('unknown-pipeline', `the pipeline inside ${name} is missing`, { field: `nodes.${name}` });
    const graph = buildGraph(inside, ports);
    // Its items have to come in order if anything in it keeps something from one to the next.
    return { work: graphWork(graph, Object.keys(inside.outputs)), ...(graph.keepsState ? { state: 'stream' } : {}) };
  }
  if ('sink' in node) {
    const run = async (values: Values, item: OperatorItem): Promise<Values> => {
      await ports.deliver(name, node, values, item);
      return {};
    };
    return { work: { outputNames: [], run, runEach: async () => [] } };
  }
  if ('source' in node)
    return { work: { outputNames: [], run: () => ({}), runEach: async () => [] }, sourcePorts: sourcePortsOf(name, node) };
  throw new StarlingError('unknown-node-kind', `this agent cannot run the node ${name}`, {
    field: `nodes.${name}`,
    hint: 'update the agent',
  });
}

function sourcePortsOf(name: string, { source, params }: SourceNode): readonly string[] {
  const signature = sourceRegistry.get(source);
  if (signature !== undefined) {
    const parsed = signature.params.safeParse(params);
    return Object.keys((parsed.success ? signature.ports?.(parsed.data as never) : undefined)?.outputs ?? signature.outputs);
  }
  throw new StarlingError('unknown-source', `this agent has no source "${source}"`, {
    field: `nodes.${name}.source`,
    hint: 'update the agent',
  });
}
