import { expect, test } from 'vitest';
import { type PipelineInput, pipelineSchema } from '../documents/pipeline.ts';
import { GRAPH_VERSION } from './operators/index.ts';
import { modelNamesOf, operatorsNeededBy } from './parts-of-pipeline.ts';

const plain: PipelineInput = {
  ...{ kind: 'pipeline', schemaVersion: 1, name: 'plain', version: '1.0.0' },
  inputs: { image: 'encoded-image' },
  outputs: { y: 'json' },
  nodes: { decode: { op: 'image.decode', each: true, timeoutMs: 5 }, detect: { model: 'detector', batchMaximum: 2 } },
  edges: [
    { from: 'input.image', to: 'decode.image' },
    { from: 'decode.image', to: 'detect.x' },
    { from: 'detect.y', to: 'output.y' },
  ],
};
const needed = (change: Partial<PipelineInput>) => operatorsNeededBy(pipelineSchema.parse({ ...plain, ...change }));

test('models and operators of inner pipelines count', () => {
  const pipelines = { inner: { nodes: { a: { model: 'other' }, b: { op: 'image.fit' } }, edges: plain.edges } };
  const pipeline = pipelineSchema.parse({ ...plain, nodes: { ...plain.nodes, more: { pipeline: 'inner' } }, pipelines });
  expect(modelNamesOf(pipeline)).toEqual(['detector', 'other']);
  expect(operatorsNeededBy(pipeline)).toEqual({ 'image.decode': 1, 'image.fit': 1, graph: GRAPH_VERSION });
});

test('a pipeline as they always were needs no new graph', () => {
  expect(needed({})).toEqual({ 'image.decode': 1 });
});

test.each<[string, Partial<PipelineInput>]>([
  ['a script', { nodes: { ...plain.nodes, more: { script: { source: 'x', inputs: {}, outputs: {} } } } }],
  ['a source', { nodes: { ...plain.nodes, more: { source: 'rtsp' } } }],
  ['a join', { nodes: { ...plain.nodes, detect: { model: 'detector', join: 'any' } } }],
  ['a trigger', { nodes: { ...plain.nodes, detect: { model: 'detector', triggers: ['decode.image'] } } }],
  ['a state', { nodes: { ...plain.nodes, detect: { model: 'detector', state: { a: 'b' } } } }],
  ['a place', { nodes: { ...plain.nodes, detect: { model: 'detector', on: 'cloud' } } }],
  ['a retry', { nodes: { ...plain.nodes, detect: { model: 'detector', retry: {} } } }],
  ['a queue', { edges: plain.edges.with(0, { from: 'input.image', to: 'decode.image', queue: {} }) }],
  ['an error edge', { edges: [...plain.edges, { from: 'decode.error', to: 'output.error' }] }],
  ['two edges at an output', { edges: [...plain.edges, { from: 'decode.image', to: 'output.y' }] }],
  ['a parameter', { parameters: { a: { default: 1 } } }],
  ['a deadline', { deadlineMs: 5 }],
  ['a priority', { priority: 1 }],
])('%s needs the new graph', (_what, change) => {
  expect(needed(change)).toMatchObject({ graph: GRAPH_VERSION });
});
