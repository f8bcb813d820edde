import type { TensorPort } from '../../documents/model-version.ts';
import type { InnerPipeline, ParameterValues, PipelineGraph } from '../../documents/pipeline.ts';
import type { PortType } from '../port-types.ts';
import type { GraphProblem } from '../problem.ts';
import type { OperatorSignature, SinkSignature, SourceSignature } from '../signature.ts';
import type { TypeScope } from './type-scope.ts';

/** Ports of a model as its signed version states them. */
export interface ModelPorts {
  inputs: readonly TensorPort[];
  outputs: readonly TensorPort[];
}

export interface GraphContext {
  operators: ReadonlyMap<string, OperatorSignature>;
  models: ReadonlyMap<string, ModelPorts>;
  /** What this version of Starling has, where nothing is given. */
  sources?: ReadonlyMap<string, SourceSignature>;
  sinks?: ReadonlyMap<string, SinkSignature>;
  /** Models that are not in the map are not known to be missing: their ports are taken as they are used. */
  modelsMayBeElsewhere?: boolean;
  /** Values of parameters in place of their defaults, checked by {@link checkParameterValues}. */
  parameters?: ParameterValues;
}

/** Ports of one node, for one graph. A type is undefined where its declaration is wrong, which is reported there and once. */
export interface NodePorts {
  inputs: ReadonlyMap<string, PortType | undefined>;
  outputs: ReadonlyMap<string, PortType | undefined>;
  /** Inputs that need no edge. */
  optional: ReadonlySet<string>;
  /** Inputs without whose value it runs: the optional ones, and those that its parameters name. */
  mayStayAway: ReadonlySet<string>;
  /** Inputs that no edge may end at, since the node gives them to itself. */
  own: ReadonlySet<string>;
}

/** A graph while it is checked. */
export interface CheckedGraph {
  graph: PipelineGraph;
  context: Required<Pick<GraphContext, 'operators' | 'models' | 'sources' | 'sinks'>> & { modelsMayBeElsewhere: boolean };
  pipelines: Readonly<Record<string, InnerPipeline>>;
  /** Of the parameters of this graph. */
  values: ParameterValues;
  scope: TypeScope;
  /** What is known of each node; one whose kind is unknown is missing. */
  ports: Map<string, NodePorts>;
  usedParameters: Set<string>;
  report(problem: GraphProblem): void;
}
