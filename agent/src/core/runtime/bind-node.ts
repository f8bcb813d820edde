import { type ModelNode, type OperatorNode, type PipelineNode, StarlingError } from '@starling/shared';
import type { BoundOperator, NodeWork } from '../pipelines/index.ts';
import { modelWork, operatorWork } from '../pipelines/index.ts';
import type { Engine } from '../ports/engine.ts';
import type { LoadedModel } from '../sessions/index.ts';

export interface NodePorts {
  engine: Engine;
  operator(name: string, node: OperatorNode): BoundOperator;
  model(name: string, node: ModelNode): LoadedModel;
}

/** What runs a node: an operator with its parameters, or a loaded model. @throws StarlingError `unknown-node-kind` */
export function bindNode(name: string, node: PipelineNode, ports: NodePorts): NodeWork {
  if ('op' in node) return operatorWork(ports.operator(name, node));
  if ('model' in node) return modelWork(ports.model(name, node), node, ports.engine);
  throw new StarlingError('unknown-node-kind', `this agent cannot run the node ${name}`, {
    field: `nodes.${name}`,
    hint: 'update the agent',
  });
}
