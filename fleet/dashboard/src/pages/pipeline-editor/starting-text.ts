import { orderNodes, type Pipeline, type PipelineGraph } from '@starling/shared';
import { Document, visit } from 'yaml';

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

/** A published pipeline as text, under the next version, in the order of its flow; what it states only by default is left out. */
export function textOfPipeline(document: Pipeline): string {
  const { name, version, description, pipelines, monitors, queue, concurrency, deadlineMs, priority, critical } = document;
  const inner = Object.entries(pipelines).map(([key, { version: from, ...graph }]) => [
    key,
    { ...(from !== undefined && { version: from }), ...plainGraph(graph) },
  ]);
  const fields = {
    ...{ name, version: nextVersion(version), description, ...plainGraph(document) },
    ...(inner.length > 0 && { pipelines: Object.fromEntries(inner) as object }),
    ...(Object.keys(monitors).length > 0 && { monitors }),
    ...((queue.length !== 4 || queue.policy !== 'block') && { queue }),
    ...(concurrency !== 3 && { concurrency }),
    ...(deadlineMs !== undefined && { deadlineMs }),
    ...(priority !== 5 && { priority }),
    ...(critical.length > 0 && { critical }),
  };
  return inShortLines(new Document(fields)).toString({ lineWidth: 0, flowCollectionPadding: true });
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
const first = ['op', 'model', 'script', 'pipeline', 'source', 'sink'];

function plainGraph({ inputs, outputs, parameters, nodes, edges }: PipelineGraph) {
  const { order, cyclic } = orderNodes({ nodes, edges });
  const plain = [...order, ...cyclic].map((name) => [name, plainNode(nodes[name] ?? {})]);
  return { inputs, outputs, ...(!isEmpty(parameters) && { parameters }), nodes: Object.fromEntries(plain) as object, edges };
}

/** What makes the node what it is comes first. */
function plainNode(node: object): object {
  const kept = Object.entries(node).filter(([key, value]) => !isEmpty(value) && nodeDefaults[key] !== value);
  return Object.fromEntries(kept.toSorted(([a], [b]) => Number(first.includes(b)) - Number(first.includes(a))));
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

const SHORT = 100;

/** Edges, and what is as short as them, in one line each, as people write them. */
function inShortLines(document: Document): Document {
  visit(document, {
    Collection: (_key, node, path) => {
      if (path.length < 3 || JSON.stringify(node).length > SHORT) return undefined;
      node.flow = true;
      return visit.SKIP;
    },
  });
  return document;
}
