import { describe, expect, test } from 'vitest';
import { type PipelineInput, pipelineSchema } from '../../documents/pipeline.ts';
import { operatorRegistry } from '../operators/index.ts';
import { checkPipeline } from './check-pipeline.ts';
import type { GraphContext } from './graph-context.ts';

const tensor = (name: string, ...shape: (number | string)[]) => ({ name, elementType: 'float32' as const, shape });

const context: GraphContext = {
  operators: operatorRegistry,
  models: new Map([
    ['detector', { inputs: [tensor('x', 1, 3, 'h', 'w')], outputs: [tensor('map', 1, 1, 'h', 'w')] }],
    ['fixed', { inputs: [tensor('x', 1, 1, 640, 640)], outputs: [tensor('scores', 1, 'c')] }],
    ['voice', { inputs: [tensor('frame', 1, 512), tensor('h', 2, 1, 64)], outputs: [tensor('speech', 1, 1), tensor('hn', 2, 1, 64)] }],
    ['pair', { inputs: [tensor('a', 'n'), tensor('b', 'n')], outputs: [tensor('sum', 'n')] }],
  ]),
};

/** A pipeline with a node of every kind, a circle through a delay, two cameras, pipelines inside, parameters, triggers, a state. */
const whole: PipelineInput = {
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
const nodesOf = (it: PipelineInput): Nodes => it.nodes as unknown as Nodes;
const innerOf = (it: PipelineInput, name: string) => it.pipelines?.[name] ?? expect.unreachable();
const edgeTo = (it: PipelineInput, to: string) => it.edges.find((edge) => edge.to === to) ?? expect.unreachable();
const at = (to: string): string => `edges.${whole.edges.findIndex((edge) => edge.to === to)}`;

function problemsOf(change: (pipeline: PipelineInput) => unknown, given: Partial<GraphContext> = {}): string[] {
  const pipeline = structuredClone(whole);
  change(pipeline);
  return checkPipeline(pipelineSchema.parse(pipeline), { ...context, ...given }).map(({ code, field }) => `${code} ${field}`);
}

test('a graph with a node of every kind has no problems', () => {
  expect(problemsOf(() => undefined)).toEqual([]);
});

/** Each mistake, and all that is said of it: nothing else is found because of it. */
const mistakes: [string, (it: PipelineInput) => unknown, string[]][] = [
  [
    'shapes that contradict each other far apart',
    (it) => Object.assign(it.inputs ?? {}, { a: 'tensor<float32,[3]>', b: 'tensor<float32,[4]>' }),
    [`type-mismatch ${at('added.b')}`],
  ],
  [
    'shape that the output denies',
    (it) => Object.assign(it.outputs ?? {}, { sum: 'tensor<float32,[9,9]>' }),
    [`type-mismatch ${at('output.sum')}`],
  ],
  [
    'dimension by name, two lengths',
    (it) => [Object.assign(it.inputs ?? {}, { a: 'tensor<float32,[3]>' }), Object.assign(it.outputs ?? {}, { sum: 'tensor<float32,[4]>' })],
    [`type-mismatch ${at('output.sum')}`],
  ],
  [
    'letter that stands for two types',
    (it) => Object.assign(edgeTo(it, 'merged.b'), { from: 'decode.image' }),
    [`type-mismatch ${at('merged.a')}`, `type-mismatch ${at('output.best')}`],
  ],
  [
    'list where no each is',
    (it) => Object.assign(nodesOf(it)['each'] ?? {}, { each: false }),
    [`type-mismatch ${at('each.crop')}`, `type-mismatch ${at('plain.labels')}`],
  ],
  [
    'each without a list',
    (it) => Object.assign(nodesOf(it)['tidy'] ?? {}, { each: true }),
    ['no-list nodes.tidy.each', `type-mismatch ${at('merged.b')}`],
  ],
  ['circle', (it) => Object.assign(it.nodes, { before: { op: 'flow.filter', params: { when: 'true' } } }), ['cycle edges.19']],
  ['circle of triggers', (it) => Object.assign(nodesOf(it)['top'] ?? {}, { triggers: ['top.classes'] }), ['cycle nodes.top.triggers']],
  [
    'delay in a circle that never starts',
    (it) => Object.assign(it.nodes, { before: { op: 'flow.delay' } }),
    ['unreachable-node nodes.total', 'unreachable-node nodes.before', 'unreachable-output outputs.count'],
  ],
  [
    'delay whose first value is of another type',
    (it) => Object.assign(it.nodes, { before: { op: 'flow.delay', params: { type: 'image', initial: 0 } } }),
    ['invalid-params nodes.before.params.initial'],
  ],
  [
    'two cameras without a join of streams',
    (it) => [
      Object.assign(edgeTo(it, 'compare.l'), { from: 'left.image' }),
      Object.assign(edgeTo(it, 'compare.r'), { from: 'right.image' }),
    ],
    ['unused-node nodes.together', 'unreachable-node nodes.compare', 'unreachable-output outputs.pair'],
  ],
  [
    'trigger that is nowhere',
    (it) => Object.assign(nodesOf(it)['boxes'] ?? {}, { triggers: ['topp.classes'] }),
    ['unknown-node nodes.boxes.triggers.0'],
  ],
  [
    'trigger at a port that is nowhere',
    (it) => Object.assign(nodesOf(it)['boxes'] ?? {}, { triggers: ['top.clases'] }),
    ['unknown-port nodes.boxes.triggers.0'],
  ],
  [
    'trigger that is an input as well',
    (it) => Object.assign(nodesOf(it)['boxes'] ?? {}, { triggers: ['detect.map'] }),
    ['trigger-is-input nodes.boxes.triggers.0'],
  ],
  [
    'trigger of another source',
    (it) => Object.assign(nodesOf(it)['boxes'] ?? {}, { triggers: ['left.image'] }),
    ['unreachable-node nodes.boxes', 'unreachable-output outputs.labels', 'unreachable-output outputs.count'],
  ],
  [
    'two edges where all inputs are waited for',
    (it) => it.edges.push({ from: 'fit.image', to: 'crops.image' }),
    ['duplicate-input edges.35.to'],
  ],
  ['same edge twice', (it) => it.edges.push({ from: 'ways.sure', to: 'merged.a' }), ['duplicate-input edges.35']],
  ['edge to a state', (it) => it.edges.push({ from: 'vad.hn', to: 'vad.h' }), ['duplicate-input edges.35.to', 'cycle edges.35']],
  [
    'join that leaves a model without an input',
    (it) => Object.assign(nodesOf(it)['added'] ?? {}, { join: 'any' }),
    ['invalid-join nodes.added.join'],
  ],
  [
    'window of a join that has none',
    (it) => Object.assign(nodesOf(it)['merged'] ?? {}, { joinWindowMs: 5 }),
    ['invalid-join nodes.merged.joinWindowMs'],
  ],
  [
    'join of streams that takes the first',
    (it) => Object.assign(nodesOf(it)['together'] ?? {}, { join: 'any' }),
    ['invalid-join nodes.together.join'],
  ],
  [
    'state of an input that is none',
    (it) => Object.assign(nodesOf(it)['vad'] ?? {}, { state: { g: 'hn' } }),
    ['unknown-port nodes.vad.state.g', 'missing-input nodes.vad'],
  ],
  [
    'state of an output that is none',
    (it) => Object.assign(nodesOf(it)['vad'] ?? {}, { state: { h: 'gn' } }),
    ['unknown-port nodes.vad.state.h'],
  ],
  [
    'state of another shape',
    (it) => Object.assign(nodesOf(it)['vad'] ?? {}, { state: { h: 'speech' } }),
    ['type-mismatch nodes.vad.state.h'],
  ],
  [
    'expression with a name that is none',
    (it) => Object.assign(nodesOf(it)['total']?.params ?? {}, { give: 'befor + 1' }),
    ['invalid-expression nodes.total.params.give'],
  ],
  [
    'expression that is not finished',
    (it) => Object.assign(nodesOf(it)['ways']?.params ?? {}, { cases: { sure: 'value >' } }),
    ['invalid-expression nodes.ways.params.cases.sure', 'unused-parameter parameters.least'],
  ],
  [
    'condition that is a number',
    (it) => Object.assign(nodesOf(it)['ways']?.params ?? {}, { cases: { sure: '1 + 1' } }),
    ['invalid-expression nodes.ways.params.cases.sure', 'unused-parameter parameters.least'],
  ],
  [
    'input that a parameter names, without an edge',
    (it) => Object.assign(nodesOf(it)['merged']?.params ?? {}, { inputs: ['a', 'b', 'c'] }),
    ['missing-input nodes.merged'],
  ],
  [
    'unknown parameter of the pipeline',
    (it) => Object.assign(nodesOf(it)['fit']?.params ?? {}, { width: '${seite}' }),
    ['unknown-parameter nodes.fit.params.width'],
  ],
  [
    'parameter that nobody uses',
    (it) => Object.assign(it.parameters ?? {}, { more: { default: 1 } }),
    ['unused-parameter parameters.more'],
  ],
  [
    'parameter whose default is out of range',
    (it) => Object.assign(it.parameters ?? {}, { least: { default: 2, maximum: 1 } }),
    ['invalid-parameter parameters.least.default'],
  ],
  [
    'parameter of another type than its place',
    (it) => Object.assign(it.parameters ?? {}, { side: { default: 'wide' } }),
    ['invalid-params nodes.fit.params.width', 'invalid-params nodes.fit.params.height'],
  ],
  [
    'inner parameter that is none',
    (it) => Object.assign(nodesOf(it)['each']?.params ?? {}, { txt: 'a' }),
    ['unknown-parameter nodes.each.params.txt'],
  ],
  [
    'inner parameter of another type',
    (it) => Object.assign(nodesOf(it)['each']?.params ?? {}, { text: 3 }),
    ['invalid-parameter nodes.each.params.text'],
  ],
  [
    'inner pipeline that is none',
    (it) => Object.assign(nodesOf(it)['plain'] ?? {}, { pipeline: 'bot' }),
    ['unknown-pipeline nodes.plain.pipeline', 'unused-pipeline pipelines.both'],
  ],
  [
    'inner pipeline that nobody uses',
    (it) => Object.assign(it.pipelines ?? {}, { more: innerOf(it, 'both') }),
    ['unused-pipeline pipelines.more'],
  ],
  [
    'inner pipeline in itself',
    (it) =>
      Object.assign(innerOf(it, 'both').nodes, { more: { pipeline: 'both' } }) &&
      innerOf(it, 'both').edges.push({ from: 'sort.values', to: 'more.labels' }),
    ['recursive-pipeline pipelines.both.nodes.more.pipeline', 'unused-node pipelines.both.nodes.more'],
  ],
  [
    'mistake in an inner pipeline',
    (it) => Object.assign(innerOf(it, 'both').nodes, { sort: { op: 'list.sirt' } }),
    ['unknown-operator pipelines.both.nodes.sort.op'],
  ],
  [
    'type of an inner pipeline',
    (it) => Object.assign(innerOf(it, 'both').outputs ?? {}, { same: 'image' }),
    [`type-mismatch ${at('output.labels')}`, 'type-mismatch pipelines.both.edges.1'],
  ],
  [
    'source in what runs as a whole',
    (it) =>
      Object.assign(innerOf(it, 'label').nodes, {
        cam: { source: 'rtsp', params: { url: 'rtsp://a/1' } },
        put: { sink: 'webhook', params: { url: 'https://a.test' } },
      }) && innerOf(it, 'label').edges.push({ from: 'cam.image', to: 'put.value' }),
    ['invalid-placement pipelines.label.nodes.cam', 'invalid-placement pipelines.label.nodes.put'],
  ],
  [
    'place inside what runs as a whole',
    (it) => Object.assign(innerOf(it, 'label').nodes['name'] ?? {}, { on: 'cloud' }),
    ['invalid-placement pipelines.label.nodes.name.on'],
  ],
  ['circle over two machines', (it) => Object.assign(nodesOf(it)['total'] ?? {}, { on: 'cloud' }), ['invalid-placement nodes.total.on']],
  ['node with the name of the pipeline', (it) => [Object.assign(it, { name: 'left' })], ['reserved-name nodes.left']],
  ['unknown source', (it) => Object.assign(nodesOf(it)['left'] ?? {}, { source: 'rtps' }), ['unknown-source nodes.left.source']],
  ['unknown sink', (it) => Object.assign(nodesOf(it)['send'] ?? {}, { sink: 'webhok' }), ['unknown-sink nodes.send.sink']],
  [
    'source with parameters that are none',
    (it) => Object.assign(nodesOf(it)['left'] ?? {}, { params: { url: 'left' } }),
    ['invalid-params nodes.left.params.url'],
  ],
  [
    'script with a type that is none',
    (it) => Object.assign(nodesOf(it)['tidy'] ?? {}, { script: { source: 'x', inputs: { in: 'jason' }, outputs: { out: 'json' } } }),
    ['bad-port-type nodes.tidy.script.inputs.in'],
  ],
  [
    'script without the port of an edge',
    (it) => Object.assign(nodesOf(it)['tidy'] ?? {}, { script: { source: 'x', inputs: { in: 'json' }, outputs: { result: 'json' } } }),
    [`unknown-port ${at('merged.b')}.from`],
  ],
  ['input that nobody takes', (it) => Object.assign(it.inputs ?? {}, { more: 'json' }), ['unused-input inputs.more']],
  [
    'source that nobody takes',
    (it) => Object.assign(it.nodes, { third: { source: 'rtsp', params: { url: 'rtsp://a/1' } } }),
    ['unused-node nodes.third'],
  ],
  [
    'sink that nobody feeds',
    (it) => Object.assign(it.nodes, { third: { sink: 'webhook', params: { url: 'https://a.test' } } }),
    ['missing-input nodes.third'],
  ],
];

describe('a mistake', () => {
  test.each(mistakes)('%s', (_what, change, expected) => {
    expect(problemsOf(change).toSorted()).toEqual(expected.toSorted());
  });

  test('in a name comes with what was most likely meant', () => {
    const hintOf = (change: (it: PipelineInput) => unknown): string | undefined => {
      const pipeline = structuredClone(whole);
      change(pipeline);
      return checkPipeline(pipelineSchema.parse(pipeline), context)[0]?.hint;
    };
    expect(hintOf((it) => Object.assign(nodesOf(it)['decode'] ?? {}, { op: 'image.decod' }))).toBe('did you mean "image.decode"?');
    expect(hintOf((it) => Object.assign(edgeTo(it, 'output.best'), { from: 'merged.valeu' }))).toBe('did you mean "value"?');
    expect(hintOf((it) => Object.assign(nodesOf(it)['detect'] ?? {}, { model: 'detectr' }))).toBe('did you mean "detector"?');
  });

  test.each(mistakes)('comes with what to do about it: %s', (_what, change) => {
    const pipeline = structuredClone(whole);
    change(pipeline);
    for (const problem of checkPipeline(pipelineSchema.parse(pipeline), context))
      expect(problem, problem.message).toMatchObject({ hint: expect.stringMatching(/\w{2,}/) });
  });

  test('in a value, a parameter, a monitor or an expression names what would fit', () => {
    const hintsOf = (change: (it: PipelineInput) => unknown): (string | undefined)[] => {
      const pipeline = structuredClone(whole);
      change(pipeline);
      return checkPipeline(pipelineSchema.parse(pipeline), context).map(({ hint }) => hint);
    };
    const monitor = { edge: 'top.classes', measure: 'brightness' as const, bins: [100, 50], reference: [1] };
    expect(hintsOf((it) => Object.assign(it, { monitors: { light: monitor } }))).toEqual([
      'watch another port, or measure one of confidence, count',
      'write them from the smallest to the largest, each once',
      '2 edges make 3 bins: one count for each, or leave `reference` out',
    ]);
    const least = (value: object) => (it: PipelineInput) => Object.assign(it.parameters ?? {}, { least: value });
    expect(hintsOf(least({ default: 3, minimum: 0, maximum: 1 }))).toEqual([
      'write a number from 0 to 1, or change what the parameter allows',
    ]);
    expect(hintsOf(least({ default: 0.5, minimum: 1, maximum: 0 }))).toEqual(['exchange the two, or correct one of them']);
    const give = (text: string) => (it: PipelineInput) =>
      Object.assign(nodesOf(it)['compare'] ?? {}, { params: { inputs: ['l', 'r'], give: text } });
    expect(hintsOf(give('"a" + 1'))).toEqual([expect.stringContaining('of one type')]);
    expect(hintsOf(give('sizes(l)'))).toEqual([expect.stringContaining('functions: size')]);
    expect(hintsOf(give('l ? ; r'))).toEqual([expect.stringContaining('cel.dev')]);
    expect(hintsOf((it) => Object.assign(nodesOf(it)['vad'] ?? {}, { state: { h: 'speech' } }))).toEqual([
      expect.stringContaining('same type and shape'),
    ]);
  });

  test('in an expression says where, unless a parameter moved it', () => {
    const rangeOf = (give: string) => {
      const pipeline = structuredClone(whole);
      Object.assign(pipeline.nodes['total'] ?? {}, { params: { inputs: ['before', 'crops'], give } });
      return checkPipeline(pipelineSchema.parse(pipeline), context).find(({ code }) => code === 'invalid-expression')?.range;
    };
    expect(rangeOf('before + croops')).toEqual({ start: 9, end: 15 });
    expect(rangeOf('${side} + croops')).toBeUndefined();
  });
});

test('models that may be elsewhere are not missed, and everything else is still checked', () => {
  const without = { models: new Map(), modelsMayBeElsewhere: true };
  expect(problemsOf(() => undefined, without)).toEqual([]);
  expect(problemsOf((it) => Object.assign(nodesOf(it)['fit'] ?? {}, { op: 'image.fti' }), without)).toEqual([
    'unknown-operator nodes.fit.op',
  ]);
});

test('values given to parameters are checked where they are used', () => {
  expect(problemsOf(() => undefined, { parameters: { side: 5000 } })).toEqual([
    ...['invalid-params nodes.fit.params.width', 'invalid-params nodes.fit.params.height'],
  ]);
});
