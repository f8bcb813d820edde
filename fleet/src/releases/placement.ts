import { type Pipeline, StarlingError } from '@starling/shared';

/**
 * A device runs the whole graph. A node that is meant for another machine would run on the device all the same, and values that were
 * to be seen elsewhere would never leave it.
 * @param field where the pipeline stands in the release
 * @throws StarlingError `placement-unsupported`
 */
export function requirePlacement(pipeline: Pick<Pipeline, 'name' | 'nodes' | 'pipelines'>, field: string): void {
  const graphs: [prefix: string, nodes: Pipeline['nodes']][] = [
    ['', pipeline.nodes],
    ...Object.entries(pipeline.pipelines).map(([name, { nodes }]): [string, Pipeline['nodes']] => [`pipelines.${name}.`, nodes]),
  ];
  for (const [prefix, nodes] of graphs) {
    const [name, node] = Object.entries(nodes).find(([, each]) => each.on !== 'device') ?? [];
    if (name === undefined || node === undefined) continue;
    throw new StarlingError('placement-unsupported', `${prefix}nodes.${name} of ${pipeline.name} runs on ${node.on}`, {
      field,
      hint: `a device runs every node of a pipeline itself: take \`on: ${node.on}\` away and push the next version`,
    });
  }
}
