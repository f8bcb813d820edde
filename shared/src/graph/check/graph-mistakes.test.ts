import { describe, expect, test } from 'vitest';
import { type PipelineInput, pipelineSchema } from '../../documents/pipeline.ts';
import { checkPipeline } from './check-pipeline.ts';
import type { GraphContext } from './graph-context.ts';
import { at, context, edgeTo, innerOf, nodesOf, whole } from './whole-graph-harness.ts';

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
