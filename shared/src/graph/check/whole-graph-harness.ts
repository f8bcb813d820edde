import { expect } from 'vitest';
import type { PipelineInput } from '../../documents/pipeline.ts';
import { operatorRegistry } from '../operators/index.ts';
import type { GraphContext } from './graph-context.ts';

const tensor = (name: string, ...shape: (number | string)[]) => ({ name, elementType: 'float32' as const, shape });

export const context: GraphContext = {
  operators: operatorRegistry,
  models: new Map([
    ['detector', { inputs: [tensor('x', 1, 3, 'h', 'w')], outputs: [tensor('map', 1, 1, 'h', 'w')] }],
    ['fixed', { inputs: [tensor('x', 1, 1, 640, 640)], outputs: [tensor('scores', 1, 'c')] }],
    ['voice', { inputs: [tensor('frame', 1, 512), tensor('h', 2, 1, 64)], outputs: [tensor('speech', 1, 1), tensor('hn', 2, 1, 64)] }],
    ['pair', { inputs: [tensor('a', 'n'), tensor('b', 'n')], outputs: [tensor('sum', 'n')] }],
  ]),
};

/** A pipeline with a node of every kind, a circle through a delay, two cameras, pipelines inside, parameters, triggers, a state. */
export const whole: PipelineInput = {
  ...{ kind: 'pipeline', schemaVersion: 1, name: 'whole', version: '1.0.0' },
  inputs: { image: 'encoded-image', frame: 'tensor<float32,[1,512]>', a: 'tensor<float32,[k]>', b: 'tensor<float32,[k]>' },
  outputs: { best: 'json', count: 'json', speech: 'tensor<float32,[1,1]>', sum: 'tensor<float32,[k]>', pair: 'json', labels: 'list<json>' },
  parameters: { least: { default: 0.5, minimum: 0, maximum: 1 }, side: { default: 640, overridable: 'never' } },
  nodes: {
    decode: { op: 'image.decode' },
    fit: { op: 'image.fit', params: { width: '${side}', height: '${side}' } },
    normalise: { op: 'image.to-tensor' },
    detect: { model: 'detector' },
    classify: { model: 'fixed' },
    top: { op: 'classes.top' },
    ways: { op: 'flow.switch', params: { cases: { sure: 'value[0].score > ${least}' } } },
    tidy: { script: { source: 'export default (x) => x', inputs: { in: 'json' }, outputs: { out: 'json' } } },
    merged: { op: 'flow.merge', join: 'any', params: { inputs: ['a', 'b'] } },
    boxes: { op: 'dbnet.decode', triggers: ['top.classes'] },
    crops: { op: 'image.crop-quads' },
    each: { pipeline: 'label', each: true, params: { text: 'crop' } },
    plain: { pipeline: 'both' },
    total: { op: 'value.compute', params: { inputs: ['before', 'crops'], give: 'before + size(crops)' } },
    before: { op: 'flow.delay', params: { initial: 0 } },
    vad: { model: 'voice', state: { h: 'hn' } },
    added: { model: 'pair' },
    left: { source: 'rtsp', params: { url: 'rtsp://left/1' } },
    right: { source: 'rtsp', params: { url: 'rtsp://right/1' } },
    together: { op: 'stream.join', params: { inputs: ['l', 'r'], windowMs: 50 } },
    compare: { op: 'value.compute', params: { inputs: ['l', 'r'], give: '[l.width, r.width]' } },
    send: { sink: 'webhook', params: { url: 'https://example.test/hook' } },
    failed: { op: 'value.compute', params: { inputs: ['error'], give: 'error.code' } },
    told: { sink: 'file', params: { folder: 'failures' } },
  },
  edges: [
    { from: 'input.image', to: 'decode.image' },
    { from: 'decode.image', to: 'fit.image', queue: { length: 2, policy: 'latest' } },
    { from: 'fit.image', to: 'normalise.image' },
    { from: 'normalise.tensor', to: 'detect.x' },
    { from: 'detect.map', to: 'classify.x' },
    { from: 'classify.scores', to: 'top.scores' },
    { from: 'top.classes', to: 'ways.value' },
    { from: 'ways.sure', to: 'merged.a' },
    { from: 'ways.otherwise', to: 'tidy.in' },
    { from: 'tidy.out', to: 'merged.b' },
    { from: 'merged.value', to: 'output.best' },
    { from: 'detect.map', to: 'boxes.map' },
    { from: 'decode.image', to: 'boxes.source' },
    { from: 'decode.image', to: 'crops.image' },
    { from: 'boxes.boxes', to: 'crops.boxes' },
    { from: 'crops.images', to: 'each.crop' },
    { from: 'each.label', to: 'plain.labels' },
    { from: 'plain.same', to: 'output.labels' },
    { from: 'crops.images', to: 'total.crops' },
    { from: 'before.value', to: 'total.before' },
    { from: 'total.value', to: 'before.value' },
    { from: 'total.value', to: 'output.count' },
    { from: 'input.frame', to: 'vad.frame' },
    { from: 'vad.speech', to: 'output.speech' },
    { from: 'input.a', to: 'added.a' },
    { from: 'input.b', to: 'added.b' },
    { from: 'added.sum', to: 'output.sum' },
    { from: 'left.image', to: 'together.l' },
    { from: 'right.image', to: 'together.r' },
    { from: 'together.l', to: 'compare.l' },
    { from: 'together.r', to: 'compare.r' },
    { from: 'compare.value', to: 'output.pair' },
    { from: 'compare.value', to: 'send.value' },
    { from: 'tidy.error', to: 'failed.error' },
    { from: 'failed.value', to: 'told.value' },
  ],
  pipelines: {
    label: {
      ...{ inputs: { crop: 'image' }, outputs: { label: 'json' } },
      parameters: { text: { default: '' } },
      nodes: { name: { op: 'value.compute', params: { inputs: ['crop'], give: '"${text} of " + string(crop.width)' } } },
      edges: [
        { from: 'input.crop', to: 'name.crop' },
        { from: 'name.value', to: 'output.label' },
      ],
    },
    both: {
      ...{ inputs: { labels: 'list<json>' }, outputs: { same: 'list<json>' } },
      nodes: { sort: { op: 'list.sort', params: { by: 'string(value)' } } },
      edges: [
        { from: 'input.labels', to: 'sort.values' },
        { from: 'sort.values', to: 'output.same' },
      ],
    },
  },
  monitors: { light: { edge: 'decode.image', measure: 'brightness', bins: [100] } },
};

type Nodes = Record<string, Record<string, unknown> & { params: Record<string, unknown> }>;
export const nodesOf = (it: PipelineInput): Nodes => it.nodes as unknown as Nodes;
export const innerOf = (it: PipelineInput, name: string) => it.pipelines?.[name] ?? expect.unreachable();
export const edgeTo = (it: PipelineInput, to: string) => it.edges.find((edge) => edge.to === to) ?? expect.unreachable();
export const at = (to: string): string => `edges.${whole.edges.findIndex((edge) => edge.to === to)}`;
