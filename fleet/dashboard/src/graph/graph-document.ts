import type { Monitor, PipelineGraph } from '@starling/shared';

/** What of a pipeline is drawn; a pipeline that is being written may lack the rest. */
export type GraphDocument = Pick<PipelineGraph, 'inputs' | 'outputs' | 'nodes' | 'edges'> & {
  pipelines: Readonly<Record<string, Pick<PipelineGraph, 'inputs' | 'outputs' | 'nodes' | 'edges'>>>;
  monitors: Readonly<Record<string, Monitor>>;
  parameters?: PipelineGraph['parameters'];
};
