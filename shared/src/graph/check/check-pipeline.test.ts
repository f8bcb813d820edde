import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { parseWith } from '../../codec/cbor.ts';
import { type PipelineInput, pipelineSchema } from '../../documents/pipeline.ts';
import { operatorRegistry } from '../operators/index.ts';
import type { OperatorSignature } from '../signature.ts';
import { orderNodes } from '../topology.ts';
import { checkPipeline } from './check-pipeline.ts';
import type { GraphContext } from './graph-context.ts';

const detection = {
  inputs: [{ name: 'x', elementType: 'float32' as const, shape: [1, 3, 'h', 'w'] }],
  outputs: [{ name: 'sigmoid_0.tmp_0', elementType: 'float32' as const, shape: [1, 1, 'h', 'w'] }],
};
const recognition = {
  inputs: [{ name: 'x', elementType: 'float32' as const, shape: [1, 3, 48, 'w'] }],
  outputs: [{ name: 'softmax_11.tmp_0', elementType: 'float32' as const, shape: [1, 't', 6625] }],
};
const context: GraphContext = {
  operators: operatorRegistry,
  models: new Map([
    ['text-detection', detection],
    ['text-recognition', recognition],
  ]),
};

/** Reads signs: every operator and both models, one output port with a dot in its name. */
const good: PipelineInput = {
  ...{ kind: 'pipeline', schemaVersion: 1, name: 'read-signs', version: '1.0.0' },
  inputs: { image: 'encoded-image' },
  outputs: { readings: 'json' },
  nodes: {
    decode: { op: 'image.decode' },
    resize: { op: 'image.resize' },
    normalise: { op: 'image.to-tensor' },
    detect: { model: 'text-detection' },
    boxes: { op: 'dbnet.decode' },
    crop: { op: 'image.crop-quads' },
    line: { op: 'text-line.to-tensor', each: true },
    recognise: { model: 'text-recognition', each: true },
    text: { op: 'ctc.decode', each: true, params: { dictionary: { model: 'text-recognition', asset: 'dictionary' } } },
    collect: { op: 'readings.collect' },
  },
  edges: [
    { from: 'input.image', to: 'decode.image' },
    { from: 'decode.image', to: 'resize.image' },
    { from: 'resize.image', to: 'normalise.image' },
    { from: 'normalise.tensor', to: 'detect.x' },
    { from: 'detect.sigmoid_0.tmp_0', to: 'boxes.map' },
    { from: 'decode.image', to: 'boxes.source' },
    { from: 'decode.image', to: 'crop.image' },
    { from: 'boxes.boxes', to: 'crop.boxes' },
    { from: 'crop.images', to: 'line.image' },
    { from: 'line.tensor', to: 'recognise.x' },
    { from: 'recognise.softmax_11.tmp_0', to: 'text.probabilities' },
    { from: 'boxes.boxes', to: 'collect.boxes' },
    { from: 'text.text', to: 'collect.texts' },
    { from: 'collect.readings', to: 'output.readings' },
  ],
};

function problemsOf(change: (pipeline: PipelineInput) => unknown): string[] {
  const pipeline = structuredClone(good);
  change(pipeline);
  return checkPipeline(pipelineSchema.parse(pipeline), context).map(({ code, field }) => `${code} ${field}`);
}

const edge = (pipeline: PipelineInput, index: number): { from: string; to: string } => pipeline.edges[index] ?? expect.unreachable();

describe('a pipeline', () => {
  test('whose edge lacks an operator is told which', () => {
    const pipeline = structuredClone(good);
    Object.assign(edge(pipeline, 1), { from: 'input.image' });
    const hints = checkPipeline(pipelineSchema.parse(pipeline), context).map(({ field, hint }) => `${field} ${hint}`);
    expect(hints).toContain('edges.1 put a node with op: image.decode between them');
  });

  test('that is right has no problems', () => {
    expect(problemsOf(() => undefined)).toEqual([]);
  });

  test.each<[string, (pipeline: PipelineInput) => unknown, string[]]>([
    ['cycle', (it) => Object.assign(edge(it, 1), { from: 'resize.image' }), ['cycle edges.1']],
    ['node that is not there', (it) => Object.assign(edge(it, 0), { to: 'decoder.image' }), ['unknown-node edges.0.to']],
    ['node of every object', (it) => Object.assign(edge(it, 0), { from: 'constructor.image' }), ['unknown-node edges.0.from']],
    ['prototype as a node', (it) => Object.assign(edge(it, 0), { from: '__proto__.image' }), ['unknown-node edges.0.from']],
    ['port that is not there', (it) => Object.assign(edge(it, 1), { from: 'decode.picture' }), ['unknown-port edges.1.from']],
    ['output used as an input', (it) => Object.assign(edge(it, 0), { from: 'output.readings' }), ['unknown-port edges.0.from']],
    ['kinds that do not fit', (it) => Object.assign(edge(it, 5), { from: 'input.image' }), ['type-mismatch edges.5']],
    [
      'shape that does not fit',
      (it) => Object.assign(edge(it, 4), { from: 'normalise.tensor' }),
      ['type-mismatch edges.4', 'unused-node nodes.detect'],
    ],
    ['list where one is wanted', (it) => Object.assign(it.nodes.line ?? {}, { each: false }), ['type-mismatch edges.8']],
    ['input with two edges', (it) => it.edges.push({ from: 'resize.image', to: 'crop.image' }), ['duplicate-input edges.14.to']],
    ['input with none', (it) => it.edges.splice(5, 1), ['missing-input nodes.boxes']],
    ['output with none', (it) => Object.assign(it.outputs ?? {}, { more: 'json' }), ['missing-output outputs.more']],
    ['no output at all', (it) => Object.assign(it, { outputs: {}, edges: it.edges.slice(0, -1) }), ['missing-output outputs']],
    [
      'node that nobody hears',
      (it) => [Object.assign(it.nodes, { again: { op: 'image.resize' } }), it.edges.push({ from: 'decode.image', to: 'again.image' })],
      ['unused-node nodes.again'],
    ],
    ['unknown operator', (it) => Object.assign(it.nodes, { decode: { op: 'image.guess' } }), ['unknown-operator nodes.decode.op']],
    ['unknown model', (it) => Object.assign(it.nodes, { detect: { model: 'none' } }), ['unknown-model nodes.detect.model']],
    ['reserved name', (it) => Object.assign(it.nodes, { output: { op: 'image.decode' } }), ['reserved-name nodes.output']],
    [
      'parameter out of range',
      (it) => Object.assign(it.nodes, { resize: { op: 'image.resize', params: { longestSide: 5 } } }),
      ['invalid-params nodes.resize.params.longestSide'],
    ],
    [
      'unknown parameter',
      (it) => Object.assign(it.nodes, { resize: { op: 'image.resize', params: { size: 5 } } }),
      ['invalid-params nodes.resize.params'],
    ],
    ['type that is none', (it) => Object.assign(it.inputs ?? {}, { image: 'photo' }), ['bad-port-type inputs.image']],
    ['element type that is none', (it) => Object.assign(it.outputs ?? {}, { more: 'tensor<float33,[1]>' }), ['bad-port-type outputs.more']],
    [
      'watch on nothing',
      (it) => Object.assign(it, { monitors: { m: { edge: 'decode.x', measure: 'brightness', bins: [1] } } }),
      ['unknown-port monitors.m.edge'],
    ],
    [
      'watch that cannot measure',
      (it) => Object.assign(it, { monitors: { m: { edge: 'decode.image', measure: 'confidence', bins: [1] } } }),
      ['type-mismatch monitors.m.edge'],
    ],
    [
      'bins that fall',
      (it) => Object.assign(it, { monitors: { m: { edge: 'decode.image', measure: 'contrast', bins: [2, 1] } } }),
      ['invalid-params monitors.m.bins'],
    ],
    [
      'reference of another length',
      (it) => Object.assign(it, { monitors: { m: { edge: 'decode.image', measure: 'contrast', bins: [1], reference: [1] } } }),
      ['invalid-params monitors.m.reference'],
    ],
  ])('with a %s is told so, with code and path', (_what, change, expected) => {
    const problems = problemsOf(change);
    for (const problem of expected) expect(problems).toContain(problem);
  });

  test('whose port has no type is told so once, with the types that there are', () => {
    const pipeline = structuredClone(good);
    pipeline.outputs = { readings: 'tensor' };
    pipeline.inputs = { image: 'photo' };
    const hint = expect.stringMatching(
      /encoded-image, image, audio, detections, boxes, text, json, .*list<T>.*tensor<float32,\[1,3,h,w\]>/,
    );
    expect(checkPipeline(pipelineSchema.parse(pipeline), context)).toEqual([
      { code: 'bad-port-type', field: 'inputs.image', message: expect.any(String), hint },
      { code: 'bad-port-type', field: 'outputs.readings', message: expect.any(String), hint },
    ]);
  });

  test('with a parameter that is none hears which there are', () => {
    const pipeline = structuredClone(good);
    pipeline.nodes.normalise = { op: 'image.to-tensor', params: { average: [0, 0, 0] } };
    expect(checkPipeline(pipelineSchema.parse(pipeline), context)).toEqual([
      expect.objectContaining({ code: 'invalid-params', hint: 'parameters of image.to-tensor: mean, std, order, layout, elementType' }),
    ]);
    pipeline.nodes.normalise = { op: 'image.to-tensor', params: { mean: [1, 2] } };
    expect(checkPipeline(pipelineSchema.parse(pipeline), context)[0]?.field).toBe('nodes.normalise.params.mean');
  });

  test('hears of every problem at once', () => {
    const problems = problemsOf((it) => {
      it.nodes.decode = { op: 'image.guess' };
      it.nodes.detect = { model: 'none' };
      Object.assign(it.outputs ?? {}, { more: 'json' });
    });
    expect(problems.map((problem) => problem.split(' ')[0])).toEqual(
      expect.arrayContaining(['unknown-operator', 'unknown-model', 'missing-output']),
    );
  });

  test('may not name a node with a dot: that is where the port starts', () => {
    const pipeline = { ...good, nodes: { ...good.nodes, 'a.b': { op: 'image.decode' } } };
    expect(() => parseWith(pipelineSchema, pipeline)).toThrowError(
      expect.objectContaining({ code: 'invalid-message', field: 'nodes.a.b' }),
    );
  });
});

/** An operator that takes `count` values and gives one. */
function joins(count: number): OperatorSignature {
  const inputs = Object.fromEntries(Array.from({ length: count }, (_, port) => [`in${port}`, 'json']));
  return { name: `join${count}`, version: 1, summary: 'Joins', inputs, outputs: { out: 'json' }, params: z.strictObject({}) };
}
const joiners: GraphContext = { operators: new Map([1, 2, 3].map((count) => [`join${count}`, joins(count)])), models: new Map() };

/** A random graph without circles: each node takes from the input or from nodes before it; what nobody takes goes to an output. */
const acyclic = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 3 }), fc.array(fc.nat(), { minLength: 3, maxLength: 3 })), { minLength: 1, maxLength: 30 })
  .chain((shape) =>
    fc.tuple(
      fc.constant(shape),
      fc.shuffledSubarray(
        shape.map((_, index) => index),
        { minLength: shape.length },
      ),
    ),
  )
  .map(([shape, order]): PipelineInput => {
    const taken = new Set<number>();
    const edges: PipelineInput['edges'] = [];
    for (const [node, [count, sources]] of shape.entries()) {
      for (let port = 0; port < count; port += 1) {
        const source = (sources[port] ?? 0) % (node + 1);
        if (source > 0) taken.add(source - 1);
        edges.push({ from: source === 0 ? 'input.start' : `n${source - 1}.out`, to: `n${node}.in${port}` });
      }
    }
    const ends = shape.map((_, node) => node).filter((node) => !taken.has(node));
    for (const node of ends) edges.push({ from: `n${node}.out`, to: `output.o${node}` });
    return {
      ...{ kind: 'pipeline', schemaVersion: 1, name: 'any', version: '1.0.0', inputs: { start: 'json' }, edges },
      outputs: Object.fromEntries(ends.map((node) => [`o${node}`, 'json'])),
      // In any order: what runs first is read from the edges.
      nodes: Object.fromEntries(order.map((node) => [`n${node}`, { op: `join${shape[node]?.[0] ?? 1}` }])),
    };
  });

describe('any graph without circles', () => {
  test('is accepted, and its nodes are ordered after all that feed them', () => {
    fc.assert(
      fc.property(acyclic, (document) => {
        const pipeline = pipelineSchema.parse(document);
        expect(checkPipeline(pipeline, joiners)).toEqual([]);
        const { order, cyclic } = orderNodes(pipeline);
        expect(cyclic).toEqual([]);
        expect([...order].sort()).toEqual(Object.keys(pipeline.nodes).sort());
        const place = new Map(order.map((name, index) => [name, index]));
        for (const { from, to } of pipeline.edges) {
          const [source, target] = [from.split('.')[0] ?? '', to.split('.')[0] ?? ''];
          if (place.has(source) && place.has(target)) expect(place.get(source)).toBeLessThan(place.get(target) as number);
        }
      }),
    );
  });

  test('is refused once an edge leads back', () => {
    fc.assert(
      fc.property(acyclic, fc.nat(), (document, pick) => {
        const inner = document.edges.filter(({ from, to }) => from.startsWith('n') && to.startsWith('n'));
        fc.pre(inner.length > 0);
        const { from, to } = inner[pick % inner.length] ?? expect.unreachable();
        const [first, second] = [from.split('.')[0] ?? '', to.split('.')[0] ?? ''];
        const edges = document.edges.map((each) => (each.to === `${first}.in0` ? { from: `${second}.out`, to: each.to } : each));
        const problems = checkPipeline(pipelineSchema.parse({ ...document, edges }), joiners);
        expect(problems.map(({ code }) => code)).toContain('cycle');
      }),
    );
  });

  test('is refused once an edge is missing', () => {
    fc.assert(
      fc.property(acyclic, fc.nat(), (document, pick) => {
        const at = pick % document.edges.length;
        fc.pre(document.edges.length > 1);
        const { to } = document.edges[at] ?? expect.unreachable();
        const problems = checkPipeline(pipelineSchema.parse({ ...document, edges: document.edges.toSpliced(at, 1) }), joiners);
        expect(problems.map(({ code }) => code)).toContain(to.startsWith('output.') ? 'missing-output' : 'missing-input');
      }),
    );
  });
});
