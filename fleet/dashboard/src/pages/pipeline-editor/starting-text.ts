import type { Pipeline } from '@starling/shared';
import { stringify } from 'yaml';

/** What a new pipeline begins with: a picture that comes in is decoded and goes out. */
export const startingText = `# A pipeline is a graph: values enter at its inputs, flow along edges through nodes, and leave at its outputs.
name: my-pipeline
version: 1.0.0
description: ""
inputs:
  image: encoded-image
outputs:
  result: image
nodes:
  decode: { op: image.decode }
edges:
  - { from: input.image, to: decode.image }
  - { from: decode.image, to: output.result }
`;

/** A published pipeline as text, under the next version; what it states only by default is left out. */
export function textOfPipeline(document: Pipeline): string {
  const { kind: _kind, schemaVersion: _schema, critical, fleetId: _fleet, name, version, ...rest } = document;
  const fields = { name, version: nextVersion(version), ...rest, ...(critical.length > 0 && { critical }) };
  return stringify(withoutDefaults(fields), { lineWidth: 0, flowCollectionPadding: true });
}

/** `1.4.2` becomes `1.5.0`. */
export function nextVersion(version: string): string {
  const [major = '1', minor = '0'] = version.split(/[.-]/);
  return `${major}.${Number(minor) + 1}.0`;
}

/** What a reader of the schema adds by itself. */
const nodeDefaults: Readonly<Record<string, unknown>> = {
  ...{ each: false, join: 'inner', triggersJoin: 'inner', onError: 'fail', on: 'device' },
  ...{ batchMaximum: 1, emptyIsAbsent: false, finite: true },
};
const isEmpty = (value: unknown): boolean => typeof value === 'object' && value !== null && Object.keys(value).length === 0;

type Fields = Omit<Pipeline, 'kind' | 'schemaVersion' | 'critical' | 'fleetId'>;

function withoutDefaults({ nodes, parameters, pipelines, monitors, concurrency, priority, queue, ...rest }: Fields) {
  const plain = (record: Readonly<Record<string, unknown>>): object =>
    Object.fromEntries(Object.entries(record).filter(([key, value]) => !isEmpty(value) && nodeDefaults[key] !== value));
  const plainNodes = (list: Pipeline['nodes']): object =>
    Object.fromEntries(Object.entries(list).map(([name, node]) => [name, plain(node)]));
  const inner = Object.entries(pipelines).map(([name, { nodes: innerNodes, ...others }]) => [
    name,
    { ...plain(others), nodes: plainNodes(innerNodes), edges: others.edges },
  ]);
  return {
    ...rest,
    ...(!isEmpty(parameters) && { parameters }),
    ...{ nodes: plainNodes(nodes), edges: rest.edges },
    ...(!isEmpty(pipelines) && { pipelines: Object.fromEntries(inner) as object }),
    ...(!isEmpty(monitors) && { monitors }),
    ...((queue.length !== 4 || queue.policy !== 'block') && { queue }),
    ...(concurrency !== 3 && { concurrency }),
    ...(priority !== 5 && { priority }),
  };
}
