import { formatPortType, type Pipeline, pipelineSchema } from '@starling/shared';
import { describe, expect, test } from 'vitest';
import { drawnGraphOf } from './drawn-graph.ts';
import { wordsForEdge, wordsForNode } from './flow-elements.ts';
import { refusalOfTypes } from './node-ports.ts';
import { plainInner } from './open-inner.ts';

const models = new Map([
  [
    'classify',
    {
      inputs: [{ name: 'x', elementType: 'float32' as const, shape: [1, 3, 'h', 'w'] }],
      outputs: [{ name: 'sigmoid_0.tmp_0', elementType: 'float32' as const, shape: [1, 10] }],
    },
  ],
]);

function pipelineOf(fields: object): Pipeline {
  return pipelineSchema.parse({ kind: 'pipeline', schemaVersion: 1, name: 'p', version: '1.0.0', ...fields });
}

const plain = pipelineOf({
  inputs: { image: 'encoded-image' },
  outputs: { classes: 'list<tensor<float32,[1,10]>>' },
  nodes: {
    look: { model: 'classify', each: true, onError: 'skip', timeoutMs: 200 },
    decode: { op: 'image.decode' },
    cut: { op: 'image.crop-quads', on: 'cloud' },
    tensor: { op: 'image.to-tensor', each: true },
    log: { script: { source: 'x', inputs: { failure: 'json' }, outputs: {} }, triggers: ['decode.image'] },
  },
  edges: [
    { from: 'input.image', to: 'decode.image' },
    { from: 'decode.image', to: 'cut.image', queue: { length: 2, policy: 'latest' } },
    { from: 'cut.images', to: 'tensor.image' },
    { from: 'tensor.tensor', to: 'look.x' },
    { from: 'look.sigmoid_0.tmp_0', to: 'output.classes' },
    { from: 'look.error', to: 'log.failure' },
  ],
  monitors: { light: { edge: 'decode.image', measure: 'brightness', bins: [1] } },
});

describe('a graph as it is drawn', () => {
  const graph = drawnGraphOf(plain, models);
  const edgeFrom = (port: string) => graph.edges.find(({ from, fromPort }) => `${from}.${fromPort}` === port);
  const node = (id: string) => graph.nodes.find((each) => each.id === id);

  test('lists nodes in the order of their flow, whatever the order of the document is', () => {
    expect(graph.nodes.map(({ id }) => id)).toEqual(['input', 'decode', 'cut', 'tensor', 'look', 'log', 'output']);
  });

  test('splits a port from its node at the first dot, since ports may have dots', () => {
    expect(edgeFrom('look.sigmoid_0.tmp_0')).toMatchObject({ to: 'output', toPort: 'classes', index: 4 });
  });

  test('says what flows: lists where nodes run once for each item, failures at the port error', () => {
    const type = (port: string) => {
      const found = edgeFrom(port)?.type;
      return found === undefined ? undefined : formatPortType(found);
    };
    expect(type('cut.images')).toBe('list<image>');
    expect(type('tensor.tensor')).toBe('list<tensor<float32,[1,3,h,w]>>');
    expect(type('look.sigmoid_0.tmp_0')).toBe('list<tensor<float32,[1,10]>>');
    expect(edgeFrom('look.error')).toMatchObject({ kind: 'error', type: { kind: 'json' } });
  });

  test('a port that nothing states is there for the edge that ends at it', () => {
    expect(node('cut')?.inputs).toContainEqual({ name: 'boxes', type: { kind: 'boxes' }, isOptional: false });
    const unknown = drawnGraphOf(
      { ...plain, nodes: { ...plain.nodes, decode: { ...plain.nodes['cut'], op: 'no.such' } } as Pipeline['nodes'] },
      models,
    );
    expect(unknown.nodes.find(({ id }) => id === 'decode')).toMatchObject({
      inputs: [{ name: 'image', type: undefined }],
      outputs: [{ name: 'image', type: undefined }],
    });
  });

  test('a trigger is a line without a value, and monitors and queues stand on their edges', () => {
    expect(graph.edges.filter(({ kind }) => kind === 'trigger')).toMatchObject([
      { from: 'decode', fromPort: 'image', to: 'log', toPort: '' },
    ]);
    const watched = graph.edges.find(({ to }) => to === 'cut');
    expect(watched).toMatchObject({ monitors: ['light'], queue: { length: 2, policy: 'latest' } });
    expect(watched && wordsForEdge(watched)).toBe(
      'decode.image to cut.image; image; queue of 2, latest; watched by light; travels from device to cloud',
    );
  });

  test('a node says in words all that its drawing shows', () => {
    const look = node('look');
    expect(look && wordsForNode(look, graph.edges, '2 /s runs', ['wrong'])).toBe(
      'look: model classify; runs once for each item of a list; a run may take 200 ms; a failure leaves its outputs out, and the item goes on; ' +
        'takes x from tensor; gives sigmoid_0.tmp_0 to output, error to log; 2 /s runs; problem: wrong',
    );
    expect(node('cut')?.badges).toContainEqual({ text: 'cloud', words: 'runs in the cloud' });
  });
});

describe('an inner pipeline', () => {
  const inner = {
    inputs: { image: 'image' },
    outputs: { tensor: 'tensor<float32,[1,3,h,w]>', same: 'image' },
    nodes: { small: { op: 'image.resize' }, tensor: { op: 'image.to-tensor' } },
    edges: [
      { from: 'input.image', to: 'small.image' },
      { from: 'small.image', to: 'tensor.image' },
      { from: 'tensor.tensor', to: 'output.tensor' },
      { from: 'small.image', to: 'output.same' },
    ],
  };
  const outer = pipelineOf({
    inputs: { image: 'encoded-image' },
    outputs: { tensor: 'tensor<float32,[1,3,h,w]>', same: 'image' },
    nodes: { decode: { op: 'image.decode' }, prepare: { pipeline: 'ready' } },
    edges: [
      { from: 'input.image', to: 'decode.image' },
      { from: 'decode.image', to: 'prepare.image' },
      { from: 'prepare.tensor', to: 'output.tensor' },
      { from: 'prepare.same', to: 'output.same' },
    ],
    pipelines: { ready: inner },
  });

  test('is one node with the ports of its pipeline while it is closed', () => {
    const node = drawnGraphOf(outer, models).nodes.find(({ id }) => id === 'prepare');
    expect(node).toMatchObject({
      kind: 'pipeline',
      canOpen: true,
      inputs: [{ name: 'image' }],
      outputs: [{ name: 'tensor' }, { name: 'same' }],
    });
  });

  test('opened, its nodes stand in its place under the names under which they run', () => {
    expect(plainInner(outer)).toEqual(new Set(['prepare']));
    const { nodes, edges, groups } = drawnGraphOf(outer, models, plainInner(outer));
    expect(groups).toEqual([{ id: 'prepare', name: 'ready' }]);
    expect(nodes.filter(({ group }) => group === 'prepare').map(({ id }) => id)).toEqual(['prepare/small', 'prepare/tensor']);
    expect(edges.map(({ from, fromPort, to, toPort }) => `${from}.${fromPort} ${to}.${toPort}`).toSorted()).toEqual([
      'decode.image prepare/small.image',
      'input.image decode.image',
      'prepare/small.image output.same',
      'prepare/small.image prepare/tensor.image',
      'prepare/tensor.tensor output.tensor',
    ]);
  });

  test('that runs as a whole is drawn closed; opened, what leaves it is still watched and counted at the port of its node', () => {
    const whole = pipelineOf({
      ...{ inputs: outer.inputs, outputs: outer.outputs, edges: outer.edges, pipelines: { ready: inner } },
      nodes: { decode: { op: 'image.decode' }, prepare: { pipeline: 'ready', triggers: ['decode.image'] } },
    });
    expect(plainInner(whole)).toEqual(new Set());
    const portsOf = (document: Pipeline) =>
      drawnGraphOf(document, models, new Set(['prepare'])).edges.flatMap(({ kind, from, fromPort, port }) =>
        kind === 'value' && from.startsWith('prepare/') ? [`${from}.${fromPort} ${port}`] : [],
      );
    expect(portsOf(whole).toSorted()).toEqual([
      'prepare/small.image prepare.same',
      'prepare/small.image prepare/small.image',
      'prepare/tensor.tensor prepare.tensor',
    ]);
    expect(portsOf(outer).every((each) => each.split(' ')[0] === each.split(' ')[1])).toBe(true);
  });

  test('that names itself ends somewhere', () => {
    const endless = {
      ...outer,
      pipelines: { ready: { ...inner, nodes: { again: { pipeline: 'ready' } }, edges: [] } },
    } as unknown as Pipeline;
    expect(plainInner(endless).size).toBeLessThan(20);
  });
});

test('a line is refused for its types, and never for what is not known', () => {
  const image = { kind: 'image' } as const;
  expect(refusalOfTypes(image, { kind: 'boxes' }, false)).toBe('image does not fit boxes');
  expect(refusalOfTypes({ kind: 'list', item: image }, image, false)).toBe('list<image> does not fit image');
  expect(refusalOfTypes({ kind: 'list', item: image }, image, true)).toBeUndefined();
  expect(refusalOfTypes(undefined, image, false)).toBeUndefined();
  expect(refusalOfTypes(image, { kind: 'variable', name: 'T' }, false)).toBeUndefined();
});
