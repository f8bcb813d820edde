import {
  INPUT_NODE,
  type OperatorNode,
  OUTPUT_NODE,
  orderNodes,
  type Pipeline,
  type PipelineNode,
  parsePortReference,
  StarlingError,
} from '@starling/shared';

/** Where an input of a node gets its value. */
export interface Wire {
  /** Port of the node that receives it. */
  port: string;
  /** `node.port` that gives it. */
  from: string;
}

/** One node, ready to run. `Work` is what runs it: an operator or a loaded model, bound by the caller. */
export interface CompiledNode<Work> {
  name: string;
  each: boolean;
  timeoutMs: number | undefined;
  inputs: readonly Wire[];
  work: Work;
}

export interface CompiledPipeline<Work> {
  name: string;
  nodes: readonly CompiledNode<Work>[];
  /** Pipeline output -> `node.port` that gives it. */
  outputs: Readonly<Record<string, string>>;
}

/**
 * Turns a checked pipeline into its nodes in running order, each bound to its work.
 * @throws StarlingError `invalid-pipeline` if it has a cycle; types were checked when the release was made
 */
export function compilePipeline<Work>(pipeline: Pipeline, bind: (name: string, node: PipelineNode) => Work): CompiledPipeline<Work> {
  const { order, cyclic } = orderNodes(pipeline);
  if (cyclic.length > 0) {
    throw new StarlingError('invalid-pipeline', `nodes wait for each other: ${cyclic.join(', ')}`, { field: 'edges' });
  }
  const wires = new Map<string, Wire[]>();
  const outputs: Record<string, string> = {};
  for (const edge of pipeline.edges) {
    const to = parsePortReference(edge.to);
    if (to.node === OUTPUT_NODE) outputs[to.port] = edge.from;
    else wires.set(to.node, [...(wires.get(to.node) ?? []), { port: to.port, from: edge.from }]);
  }
  const nodes = order.map((name) => {
    const node = pipeline.nodes[name] as PipelineNode;
    const { each = false, timeoutMs } = node as Partial<OperatorNode>;
    return { name, each, timeoutMs, inputs: wires.get(name) ?? [], work: bind(name, node) };
  });
  return { name: pipeline.name, nodes, outputs };
}

/** The reference under which a pipeline input's value is found while an item runs. */
export function inputReference(input: string): string {
  return `${INPUT_NODE}.${input}`;
}
