import { checkPipeline, operatorRegistry, type Ports, pipelineSchema, sinkRegistry, sourceRegistry } from '@starling/shared';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { exampleOf } from './example-nodes.ts';
import { writtenExamples } from './written-examples.ts';

interface ExampleNode {
  op?: string;
  source?: string;
  sink?: string;
  params?: Record<string, unknown>;
}

/** Its ports, with these parameters. */
function portsOf({ op, source, sink, params = {} }: ExampleNode): Ports {
  const signature =
    op === undefined ? (source === undefined ? sinkRegistry.get(sink ?? '') : sourceRegistry.get(source)) : operatorRegistry.get(op);
  if (signature === undefined) throw new Error(`there is no ${op ?? source ?? sink}`);
  const own = 'ports' in signature && signature.ports !== undefined ? signature.ports(signature.params.parse(params) as never) : signature;
  return { inputs: {}, outputs: {}, ...own };
}

/** A letter stands for any type, as `any` does. */
const concrete = (ports: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(ports).map(([port, type]) => [port, type.replace(/^any$|\b[A-Z]\b/g, 'json')]));

test.each(writtenExamples)('%s is right in a pipeline that gives it all it takes, and takes all it gives', (text) => {
  const [[name, node] = expect.unreachable()] = Object.entries(parse(text) as Record<string, ExampleNode>);
  const { inputs, outputs } = portsOf(node);
  const [takes, gives] = [concrete(inputs), concrete(outputs)];
  const pipeline = pipelineSchema.parse({
    ...{ kind: 'pipeline', schemaVersion: 1, name: 'example', version: '1.0.0', inputs: takes, outputs: gives, nodes: { [name]: node } },
    edges: [
      ...Object.keys(takes).map((port) => ({ from: `input.${port}`, to: `${name}.${port}` })),
      ...Object.keys(gives).map((port) => ({ from: `${name}.${port}`, to: `output.${port}` })),
    ],
  });
  expect(checkPipeline(pipeline, { operators: operatorRegistry, models: new Map() })).toEqual([]);
});

test('every operator, source and sink has an example', () => {
  const lacking = [
    ...[...operatorRegistry.keys()].filter((name) => exampleOf('op', name).length === 0),
    ...[...sourceRegistry.keys()].filter((name) => exampleOf('source', name).length === 0),
    ...[...sinkRegistry.keys()].filter((name) => exampleOf('sink', name).length === 0),
  ];
  expect(lacking).toEqual([]);
});
