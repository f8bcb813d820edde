import type { Pipeline, PipelineGraph, PipelineNode } from '../documents/pipeline.ts';
import { GRAPH_VERSION, operatorVersions, PLACEMENT_VERSION } from './operators/index.ts';
import { OUTPUT_NODE, parsePortReference } from './topology.ts';

type Parts = Pick<Pipeline, 'nodes' | 'pipelines'>;

function graphsOf(pipeline: Parts): Pick<PipelineGraph, 'nodes'>[] {
  return [pipeline, ...Object.values(pipeline.pipelines)];
}

function nodesOf(pipeline: Parts): PipelineNode[] {
  return graphsOf(pipeline).flatMap(({ nodes }) => Object.values(nodes));
}

/** Names of the models that a pipeline uses, those of pipelines inside it included. */
export function modelNamesOf(pipeline: Parts): string[] {
  return [...new Set(nodesOf(pipeline).flatMap((node) => ('model' in node ? [node.model] : [])))];
}

/** What an agent must have to run a pipeline: operators, and the graph language where something of it is new. Name -> version. */
export function operatorsNeededBy(pipeline: Pipeline): Record<string, number> {
  const used = nodesOf(pipeline).flatMap((node) => ('op' in node ? [node.op] : []));
  const needed: Record<string, number> = Object.fromEntries(used.map((name) => [name, operatorVersions[name] ?? 1]));
  const isPlaced = nodesOf(pipeline).some(({ on }) => on !== 'device');
  if (isPlaced) needed.placement = PLACEMENT_VERSION;
  return needsNewGraph(pipeline) ? { ...needed, graph: GRAPH_VERSION } : needed;
}

/** Whether agents of the first graph language would run it wrongly: they knew operators and models, joined by plain edges. */
function needsNewGraph(pipeline: Pipeline): boolean {
  const { pipelines, parameters, deadlineMs, edges, priority } = pipeline;
  if (Object.keys(pipelines).length > 0 || Object.keys(parameters).length > 0 || deadlineMs !== undefined || priority !== 5) return true;
  const outputs = edges.map(({ to }) => to).filter((to) => parsePortReference(to).node === OUTPUT_NODE);
  if (new Set(outputs).size < outputs.length || edges.some(({ queue }) => queue !== undefined)) return true;
  const errors = new Set(Object.keys(pipeline.nodes).map((name) => `${name}.error`));
  return edges.some(({ from }) => errors.has(from)) || Object.values(pipeline.nodes).some(isNewNode);
}

function isNewNode(node: PipelineNode): boolean {
  if (!('op' in node || 'model' in node)) return true;
  const { join, triggers, concurrency, retry, onError, on } = node;
  if (join !== 'inner' || onError !== 'fail' || on !== 'device') return true;
  if (triggers !== undefined || concurrency !== undefined || retry !== undefined) return true;
  return 'model' in node && (node.state !== undefined || node.emptyIsAbsent);
}
