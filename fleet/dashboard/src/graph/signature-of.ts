import { operatorRegistry, type PipelineNode, type PortTexts, sinkRegistry, sourceRegistry } from '@starling/shared';
import type { z } from 'zod';

/** What operators, sources and sinks have in common. */
interface Signature {
  summary: string;
  params: z.ZodType;
  inputs?: PortTexts;
  outputs?: PortTexts;
  optional?: readonly string[];
  /** Ports where they follow from the parameters. */
  ports?(params: never): { inputs?: PortTexts; outputs?: PortTexts; optional?: readonly string[] };
}

/** What this version of Starling knows of the kind of a node; undefined for models, scripts, inner pipelines and unknown names. */
export function signatureOf(node: PipelineNode): Signature | undefined {
  if ('op' in node) return operatorRegistry.get(node.op);
  if ('source' in node) return sourceRegistry.get(node.source);
  return 'sink' in node ? sinkRegistry.get(node.sink) : undefined;
}
