import type { Pipeline } from '@starling/shared';

/** Names of the models that a pipeline uses, each once. */
export function modelsOf({ nodes }: Pick<Pipeline, 'nodes'>): string[] {
  return [...new Set(Object.values(nodes).flatMap((node) => ('model' in node ? [node.model] : [])))];
}
